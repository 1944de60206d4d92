/** Random histories over a channel that loses, repeats and reorders: as-of and diff agree with a naive model. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Ack, Taking } from '../../../src/agent/index.ts';
import type { ShapeRow } from '../../../src/tables/types.ts';
import { withPostgres } from '../../helpers/postgres.ts';
import type { HistoryHost } from './host.ts';
import { daysAgo, HistorySite, iso } from './site.ts';

const T = daysAgo(40);
const STEP = 3_600_000;

/** What happens to a host, the channel and the hub, one after the other. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('take' as const), rows: rowsOf() }) },
  { weight: 1, arbitrary: fc.constant({ do: 'gap' as const }) },
  // an answer of at most `most` takings: taken in, lost before the commit, or kept back
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('fetch' as const),
      most: fc.integer({ min: 1, max: 4 }),
      fate: fc.constantFrom('commit', 'commit', 'crash', 'late', 'twice', 'disorder' as const),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'deliver late' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'drop' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'new line' as const }) },
);

function rowsOf(): fc.Arbitrary<ShapeRow[]> {
  const row = fc.tuple(
    fc.constantFrom('bash', 'vim', 'curl', 'é'),
    fc.constantFrom('1', '2', null),
    fc.constantFrom(1, 2n ** 62n, null),
  );
  return fc.array(row, { maxLength: 5 });
}

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A host that has nothing but gaps to hand over must not forget them when it is asked. */
const ONLY_GAPS: Step[] = [
  { do: 'gap' },
  { do: 'fetch', most: 1, fate: 'commit' },
  { do: 'gap' },
  { do: 'take', rows: [] },
  { do: 'fetch', most: 1, fate: 'commit' },
];

describe('history against a naive model', () => {
  const postgres = withPostgres();

  it('agrees at every instant, whatever the channel did', async () => {
    const site = await HistorySite.make(postgres());
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const world = new World(site, await site.add(`host${++run}`), run);
        for (const one of steps) await world.do(one);
        await world.settle();
        await world.compare();
      }),
      { numRuns: 40, examples: [[ONLY_GAPS]] },
    );
    expect(await site.query('table inventory.overlap')).toEqual([]);
    const doubled = await site.query(
      'select node_id from swarmplane.taking group by node_id, line, sequence having count(*) > 1',
    );
    expect(doubled).toEqual([]);
  });
});

class World {
  readonly #site: HistorySite;
  readonly #host: HistoryHost;
  readonly #name: string;
  /** The truth: the state from an instant on, in the order of the takings that reached the hub. */
  readonly #truth: { at: number; rows: string[] }[] = [];
  /** By line and number: a taking may be handed over in another form than it was made in. */
  readonly #taken = new Map<string, string[]>();
  readonly #late: { takings: Taking[]; known: Ack[] }[] = [];
  #now = T;
  #rows: readonly ShapeRow[] = [];

  constructor(site: HistorySite, host: HistoryHost, run: number) {
    this.#site = site;
    this.#host = host;
    this.#name = `host${run}`;
  }

  async do(one: Step): Promise<void> {
    this.#now += STEP;
    switch (one.do) {
      case 'take':
        this.#rows = one.rows;
        this.#remember(this.#host.take(this.#now, one.rows));
        return;
      case 'gap':
        return void this.#host.gap(this.#now);
      case 'drop':
        return this.#host.drop();
      case 'new line':
        this.#host.newLine();
        return this.#remember(this.#host.take(this.#now, this.#rows));
      case 'deliver late': {
        const late = this.#late.shift();
        if (late !== undefined) await this.#ingest(late.takings, late.known);
        return;
      }
      case 'fetch':
        return this.#fetch(one.most, one.fate);
    }
  }

  /** The hub asks until nothing is left, and what was late arrives. */
  async settle(): Promise<void> {
    for (const { takings, known } of this.#late) await this.#ingest(takings, known);
    this.#now += STEP;
    this.#remember(this.#host.take(this.#now, this.#rows));
    for (let round = 0; round < 100; round++) {
      await this.#fetch(3, 'commit');
      const [ack] = await this.#site.acks(this.#host);
      if (this.#host.journal.every(({ sequence }) => sequence <= (ack?.sequence ?? 0))) return;
    }
    throw new Error('the hub never had all of it');
  }

  async compare(): Promise<void> {
    const instants = [T, ...this.#truth.flatMap(({ at }) => [at + 1, at + STEP / 2])];
    const asOf = `select name || '|' || coalesce(version, '-') || '|' || coalesce(size::text, '-') as row
      from inventory.packages_as_of($1) where host = $2 order by 1`;
    for (const at of instants)
      expect((await this.#site.lines(asOf, [iso(at), this.#name])).sort(), iso(at)).toEqual(
        this.#at(at),
      );
    const [from, to] = [instants[Math.floor(instants.length / 3)]!, instants.at(-1)!];
    const diff = `select change, key ->> 'name' as name, before ->> 'version' as b, after ->> 'version' as a
      from inventory.packages_diff($1, $2) where host = $3`;
    const rows = await this.#site.query(diff, [iso(from), iso(to), this.#name]);
    const [before, after] = [this.#at(from), this.#at(to)];
    const gone = before.filter((row) => !after.includes(row)).length;
    const came = after.filter((row) => !before.includes(row)).length;
    const count = (...changes: string[]) =>
      rows.filter(({ change }) => changes.includes(change as string)).length;
    expect([count('removed', 'changed'), count('added', 'changed')]).toEqual([gone, came]);
  }

  #at(at: number): string[] {
    return this.#truth.findLast((state) => state.at <= at)?.rows ?? [];
  }

  #remember(taking: Taking): void {
    const rows = this.#rows.map((row) => row.map((value) => value ?? '-').join('|'));
    this.#taken.set(idOf(taking), [...new Set(rows)].sort());
  }

  async #fetch(most: number, fate: string): Promise<void> {
    const known = await this.#site.acks(this.#host);
    const ack = known[0] && { ...known[0], ...(this.#whole && { hash: new Uint8Array() }) };
    const answer = this.#host.answer(this.#now, ack, most);
    for (const taking of answer)
      if (taking.kind === 'full' && !this.#taken.has(idOf(taking))) this.#remember(taking);
    if (fate === 'crash' || answer.length === 0) return;
    if (fate === 'late') return void this.#late.push({ takings: answer, known });
    const disorder = fate === 'disorder' ? [...answer].reverse() : answer;
    await this.#ingest(disorder, known, this.#whole);
    if (fate === 'twice') await this.#ingest(answer, known);
  }

  #whole = false;

  async #ingest(takings: readonly Taking[], known: Ack[], whole = false): Promise<void> {
    const before = await this.#sequences();
    const result = await this.#site.ingest(this.#host, takings, whole ? ['packages'] : [], known);
    const after = await this.#sequences();
    for (const taking of takings) {
      const [id, rows] = [idOf(taking), this.#taken.get(idOf(taking))];
      if (taking.kind !== 'gap' && rows !== undefined && after.has(id) && !before.has(id))
        this.#truth.push({ at: taking.at, rows });
    }
    this.#whole = result.became === 'again';
  }

  async #sequences(): Promise<Set<string>> {
    return new Set(
      await this.#site.lines(
        `select encode(line, 'hex') as line, sequence from swarmplane.taking
          where node_id = (select id from swarmplane.node where name = $1) and signature is not null`,
        [this.#name],
      ),
    );
  }
}

function idOf({ line, sequence }: Taking): string {
  return `${Buffer.from(line).toString('hex')} ${sequence}`;
}
