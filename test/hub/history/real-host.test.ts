/**
 * The real journal of a host, the real turns of a hub and the real database: whatever either of them has lost, the
 * hub comes to know what the host is and what is missing.
 */
import { describe, expect, it } from 'vitest';
import { decodeFetchAnswer, encodeFetchBody, type Taking } from '../../../src/agent/index.ts';
import { TurnRun, type TableTrouble } from '../../../src/hub/history/turn-run.ts';
import { silentLog } from '../../../src/hub/log.ts';
import { QueryError } from '../../../src/query/index.ts';
import { EVERY, World } from '../../agent/history/world.ts';
import { SimDisk } from '../../agent/sim-disk.ts';
import { withPostgres } from '../../helpers/postgres.ts';
import { HistorySite } from './site.ts';

const AWAY = new QueryError('table_unavailable', 'no such file');
const NOW = 'select name from inventory.packages order by 1';
const GAPS = 'select reason, until is null from swarmplane.gap order by at';
const ALERTS = 'select kind from swarmplane.alert order by 1';

describe('what a real host hands over', () => {
  const postgres = withPostgres();

  it('is taken when it begins with gaps, and the table is empty then', async () => {
    const { site, world, turn } = await pair();
    world.tables.set('packages', AWAY);
    await world.pass(3);
    expect(await turn()).toEqual(['gap 1']);
    await world.pass(EVERY);
    world.tables.set('packages', []);
    await world.pass(EVERY);
    expect(await turn()).toEqual(['gap 2', 'full 3']);
    expect(await site.lines(GAPS)).toEqual(['no such file false']);
    expect(await site.lines(ALERTS)).toEqual([]);
  });

  it('is taken when a new line begins with gaps, each fetched by itself', async () => {
    const { site, world, turn } = await pair();
    world.tables.set('packages', ['bash']);
    await world.pass(3);
    const backup = world.disk.restarted();
    await world.pass(3 * EVERY);
    await turn();
    await world.history.stop();
    world.disk = backup;
    world.tables.set('packages', AWAY);
    await world.open();
    expect(await turn()).toEqual(['gap 1']);
    await world.pass(3);
    expect(await turn()).toEqual(['gap 2']);
    expect(await site.lines(NOW)).toEqual(['bash']);
    world.tables.set('packages', []);
    await world.pass(EVERY);
    expect((await turn())[0]).toBe('full 3');
    expect(await site.lines(NOW)).toEqual([]);
    expect(await site.lines(ALERTS)).toEqual(['history_new_line']);
  });

  it('says why a table is away, when the oldest of its gaps are not kept', async () => {
    const { site, world, turn } = await pair(16_384);
    world.tables.set('packages', AWAY);
    await world.pass(100 * EVERY);
    expect((await turn())[0]).toMatch(/^gap \d+ from 1$/);
    const gaps = await site.lines(GAPS);
    expect(gaps).toEqual(['no longer kept true', 'no such file true']);
    await world.pass(EVERY);
    expect(await turn()).toEqual([expect.stringMatching(/^gap \d+$/)]);
    world.tables.set('packages', ['bash']);
    await world.pass(EVERY);
    expect((await turn())[0]).toMatch(/^full/);
    expect(await site.lines(NOW)).toEqual(['bash']);
  });

  it.each([
    ['from the journal', 64 * 2 ** 20, 4],
    ['from the last state, the oldest takings are gone', 16_384, 60],
  ])('is whole where rows of the database are lost: %s', async (_, bytes, takings) => {
    const { site, world, turn } = await pair(bytes);
    world.tables.set('packages', ['bash', 'vim']);
    for (let n = 0; n < takings; n++) {
      await world.pass(EVERY);
      await turn();
    }
    await site.query(`delete from inventory.packages_current where name = 'bash'`);
    world.tables.set('packages', ['bash', 'curl', 'vim']);
    await world.pass(EVERY);
    expect(await turn()).toEqual([expect.stringMatching(/^delta/), expect.stringMatching(/^full/)]);
    expect(await site.lines(NOW)).toEqual(['bash', 'curl', 'vim']);
    world.tables.set('packages', ['bash', 'vim']);
    await world.pass(EVERY);
    expect(await turn()).toEqual([expect.stringMatching(/^delta/)]);
    expect(await site.lines(NOW)).toEqual(['bash', 'vim']);
    expect(await site.lines(GAPS)).toEqual([]);
    expect(await site.lines(ALERTS)).toEqual(['history_refused']);
  });

  it('dates a state by when it was found, whatever gaps came behind it', async () => {
    const { site, world, turn } = await pair(16_384);
    world.tables.set('packages', ['bash']);
    await world.pass(2);
    const found = world.history.status.tables[0]!.at!;
    world.tables.set('packages', AWAY);
    await world.pass(100 * EVERY);
    expect((await turn()).slice(-2)).toEqual([
      expect.stringMatching(/^full/),
      expect.stringMatching(/^gap \d+ from/),
    ]);
    const [seen] = await site.query(`select at from swarmplane.taking where kind = 'full'`);
    expect(Number(seen!['at'])).toBe(found);
  });

  /** A host with a journal of so many bytes, and a hub's turn with it: what it was told in that turn. */
  async function pair(bytes?: number) {
    const site = await HistorySite.make(postgres());
    const world = new World(new SimDisk(() => 0));
    world.wall = Date.now() - 5 * 86_400_000;
    if (bytes !== undefined) world.bytes = bytes;
    await site.add('web1', world);
    await world.open();
    await world.track('packages');
    const troubles = new Map<string, TableTrouble>();
    const turn = async (): Promise<string[]> => {
      const said: string[] = [];
      const wishes = [{ table: 'packages', every: EVERY }];
      const acks = await site.acks(world);
      const run = new TurnRun({
        turn: { nodeId: world.nodeId, version: 1, wishes, told: true, acks },
        store: site.store,
        log: silentLog,
        troubles,
        ask: async (body) => {
          const payload = await world.serve('fetch', encodeFetchBody(body));
          const answer = decodeFetchAnswer(payload, world);
          said.push(...answer.takings.map(shown));
          return { answer, between: [Date.now(), Date.now()] };
        },
        signal: new AbortController().signal,
      });
      await run.go();
      return said;
    };
    return { site, world, turn };
  }
});

function shown({ kind, sequence, dropped }: Taking): string {
  return `${kind} ${sequence}${dropped ? ` from ${dropped.from}` : ''}`;
}
