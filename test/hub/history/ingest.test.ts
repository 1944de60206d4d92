import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { canonicalRow } from '../../../src/tables/canonical.ts';
import { eachPostgres, withPostgres } from '../../helpers/postgres.ts';
import { valueOf, type CanonicalVectors } from '../../tables/canonical-vectors.ts';
import { HistoryHost, PACKAGES } from './host.ts';
import { daysAgo, HistorySite, iso } from './site.ts';

const T = daysAgo(3);
const HOUR = 3_600_000;
const NOW = `select name || ' ' || version as row from inventory.packages order by 1`;
const AS_OF = `select name || ' ' || version as row from inventory.packages_as_of($1) order by 1`;
const ALERTS = `select kind || ' ' || key as alert from swarmplane.alert order by 1`;

eachPostgres('history', (postgres) => {
  it('is read at any instant: now, as of, what differs, what changed', async () => {
    const site = await HistorySite.make(postgres());
    const web1 = await site.add('web1');
    web1.take(T, [
      ['bash', '1', 10],
      ['vim', '1', 20],
    ]);
    web1.take(T + HOUR, [
      ['bash', '1', 10],
      ['vim', '1', 20],
    ]);
    web1.take(T + 2 * HOUR, [
      ['bash', '2', 10],
      ['curl', '1', 5],
    ]);
    const result = await site.ingest(web1, web1.journal);
    expect(result).toMatchObject({ became: 'taken', taken: 3, ack: { sequence: 3 } });

    expect(await site.lines(NOW)).toEqual(['bash 2', 'curl 1']);
    expect(await site.lines(AS_OF, [iso(T - 1)])).toEqual([]);
    expect(await site.lines(AS_OF, [iso(T)])).toEqual(['bash 1', 'vim 1']);
    expect(await site.lines(AS_OF, [iso(T + 2 * HOUR - 1)])).toEqual(['bash 1', 'vim 1']);
    expect(await site.lines(AS_OF, [iso(T + 2 * HOUR)])).toEqual(['bash 2', 'curl 1']);
    const said = `change || ' ' || (key ->> 'name') || ' ' || coalesce(before ->> 'version', '-')
      || ' ' || coalesce(after ->> 'version', '-')`;
    const diff = `select ${said} as diff from inventory.packages_diff($1, $2) order by 1`;
    const forth = ['added curl - 1', 'changed bash 1 2', 'removed vim 1 -'];
    expect(await site.lines(diff, [iso(T), iso(Date.now())])).toEqual(forth);
    const back = ['added vim - 1', 'changed bash 2 1', 'removed curl 1 -'];
    expect(await site.lines(diff, [iso(Date.now()), iso(T)])).toEqual(back);
    const changes = `select at::text, ${said} from inventory.packages_changes order by 1, 2`;
    expect((await site.lines(changes)).map((line) => line.replace(/^\S+ \S+ /, ''))).toEqual([
      'first bash - 1',
      'first vim - 1',
      ...forth,
    ]);
    expect(
      await site.lines(`select host, "table", change, key from inventory.changes where at > $1`, [
        iso(T + HOUR),
      ]),
    ).toHaveLength(3);
    expect(await site.query('table inventory.overlap')).toEqual([]);
    const [seen] = await site.query('select kind, rows from swarmplane.taking where sequence = 2');
    expect(seen).toEqual({ kind: 'same', rows: 2 });
  });

  it('does not change by takings that come late, twice or in part', async () => {
    const site = await HistorySite.make(postgres());
    const web1 = await site.add('web1');
    for (let n = 0; n < 6; n++) web1.take(T + n * HOUR, [['bash', `${n}`, n]]);
    const all = [...web1.journal];
    await site.ingest(web1, all.slice(0, 4));
    const before = await site.everything();
    expect(await site.ingest(web1, all.slice(0, 4))).toMatchObject({
      became: 'repeated',
      taken: 0,
    });
    expect(await site.ingest(web1, all.slice(1, 3))).toMatchObject({ became: 'repeated' });
    expect(await site.ingest(web1, [all[5]!])).toMatchObject({
      became: 'again',
      taken: 0,
      ack: { sequence: 4 },
    });
    expect(await site.everything()).toEqual(before);
    // the same ones in disorder: the first that fits is taken, what follows is asked for
    expect(await site.ingest(web1, [all[0]!, all[4]!, all[3]!, all[5]!])).toMatchObject({
      became: 'taken',
      taken: 2,
      ack: { sequence: 6 },
    });
    expect(await site.lines(ALERTS)).toEqual([]);
    expect(await site.lines(AS_OF, [iso(T + 4.5 * HOUR)])).toEqual(['bash 4']);
  });

  it('says what was never handed over, when only the whole state is left', async () => {
    const site = await HistorySite.make(postgres());
    const web1 = await site.add('web1');
    web1.take(T, [['bash', '1', 1]]);
    const { ack } = await site.ingest(web1, web1.journal);
    web1.answer(T, ack);
    web1.take(T + HOUR, [['bash', '2', 1]]);
    web1.take(T + 2 * HOUR, [['bash', '3', 1]]);
    const whole = web1.answer(T + 3 * HOUR, { ...ack!, hash: new Uint8Array() }).at(-1);
    expect(await site.ingest(web1, [whole!])).toMatchObject({ became: 'again' });
    expect(await site.ingest(web1, [whole!], ['packages'])).toMatchObject({ taken: 1 });
    expect(await site.lines(NOW)).toEqual(['bash 3']);
    const [gap] = await site.query(
      'select "table", since, until, reason, takings_lost from swarmplane.gap',
    );
    expect(gap).toMatchObject({ table: 'packages', reason: 'never handed over', takings_lost: 1 });
    expect([gap!['since'], gap!['until']].map(Number)).toEqual([T, T + 2 * HOUR]);
    expect(await site.lines(ALERTS)).toEqual(['history_gap web1 packages']);
  });

  it('takes nothing for another taking that comes in another form', async () => {
    const site = await HistorySite.make(postgres());
    for (const name of ['as made first', 'as made last']) {
      const host = await site.add(name);
      for (const n of [0, 1, 2]) host.take(T + n * HOUR, [['bash', `${n}`, 1]]);
      const made = host.journal;
      host.drop();
      const whole = host.answer(0, undefined);
      expect(whole.map(({ kind }) => kind)).toEqual(['gap', 'full']);
      const [first, second] = name === 'as made first' ? [made, whole] : [whole, made];
      expect(await site.ingest(host, first)).toMatchObject({ became: 'taken' });
      for (const taking of second)
        expect(await site.ingest(host, [taking])).toMatchObject({ became: 'repeated' });
    }
    expect(await site.lines(ALERTS)).toEqual(['history_gap as made last packages']);
  });

  it('tells a host that was restored, and goes on with its new line', async () => {
    const site = await HistorySite.make(postgres());
    const web1 = await site.add('web1');
    web1.take(T, [['bash', '1', 1]]);
    const backup = web1.copy();
    web1.take(T + HOUR, [['bash', '2', 1]]);
    await site.ingest(web1, web1.journal);
    backup.take(T + 2 * HOUR, [['bash', '9', 1]]);
    expect(await site.ingest(backup, backup.journal)).toMatchObject({ became: 'again', taken: 0 });
    expect(await site.lines(NOW)).toEqual(['bash 2']);
    expect(await site.lines(ALERTS)).toEqual(['history_went_back web1 packages']);
    backup.newLine();
    backup.take(T + 3 * HOUR, [['bash', '9', 1]]);
    expect(await site.ingest(backup, backup.journal)).toMatchObject({ taken: 1 });
    expect(await site.lines(NOW)).toEqual(['bash 9']);
    expect(await site.lines(AS_OF, [iso(T + 2.5 * HOUR)])).toEqual(['bash 2']);
    // and what still comes of the old line is late
    expect(await site.ingest(web1, web1.journal)).toMatchObject({ became: 'repeated' });
    expect(await site.lines(ALERTS)).toContain('history_new_line web1 packages');
  });

  it('refuses rows that are not those whose hash was signed, whole or not', async () => {
    const site = await HistorySite.make(postgres());
    const web1 = await site.add('web1');
    const whole = web1.take(T, [['bash', '1', 1]]);
    const forged = { ...whole, added: [{ ...whole.added[0]!, values: ['bash', '666', 1] }] };
    expect(await site.ingest(web1, [forged])).toMatchObject({ became: 'refused', ack: undefined });
    await site.ingest(web1, [whole]);
    const before = await site.everything();
    const delta = web1.take(T + HOUR, []);
    const kept = { ...delta, removed: [] };
    expect(await site.ingest(web1, [kept])).toMatchObject({
      became: 'again',
      ack: { sequence: 1 },
    });
    expect(await site.everything()).toEqual(before);
    expect(await site.lines(ALERTS)).toEqual(['history_refused web1 packages']);
  });

  it('takes a gap as a row, never as rows that are gone', async () => {
    const site = await HistorySite.make(postgres());
    const web1 = await site.add('web1');
    web1.take(T, [['bash', '1', 1]]);
    web1.gap(T + HOUR, 'truncated', 'more rows than a taking may have');
    web1.gap(T + 2 * HOUR);
    web1.take(T + 3 * HOUR, [['bash', '1', 1]]);
    await site.ingest(web1, web1.journal);
    expect(await site.lines(AS_OF, [iso(T + 2.5 * HOUR)])).toEqual(['bash 1']);
    expect(await site.lines('select reason from swarmplane.gap order by at')).toEqual([
      'more rows than a taking may have',
      'no such file',
    ]);
    expect(await site.lines(ALERTS)).toEqual([]);
    const [ack] = await site.acks(web1);
    web1.answer(0, ack);
    for (const n of [4, 5, 6]) web1.take(T + n * HOUR, [['bash', `${n}`, 1]]);
    web1.drop();
    expect(await site.ingest(web1, web1.answer(0, ack))).toMatchObject({ taken: 2 });
    expect(await site.lines(NOW)).toEqual(['bash 6']);
    expect(
      await site.lines(`select takings_lost from swarmplane.gap where reason = 'no longer kept'`),
    ).toEqual(['2']);
    expect(await site.lines(ALERTS)).toEqual(['history_gap web1 packages']);
  });

  it('keeps the first and the last of takings that say the same gap, and shows them as one', async () => {
    const site = await HistorySite.make(postgres());
    const web1 = await site.add('web1');
    web1.take(T, [['bash', '1', 1]]);
    for (let n = 1; n <= 5; n++) web1.gap(T + n * HOUR);
    web1.gap(T + 6 * HOUR, 'failed', 'it hung');
    for (let n = 7; n <= 9; n++) web1.gap(T + n * HOUR);
    // each by itself, as a host hands them over
    for (const taking of web1.journal) await site.ingest(web1, [taking]);
    const kept = `select sequence, reason from swarmplane.taking where kind = 'gap' order by at`;
    expect(await site.lines(kept)).toEqual([
      '2 no such file',
      '6 no such file',
      '7 it hung',
      '8 no such file',
      '10 no such file',
    ]);
    const shown = 'select since, at, until, reason from swarmplane.gap order by at';
    expect((await site.query(shown)).map((row) => Object.values(row))).toEqual([
      [new Date(T), new Date(T + HOUR), null, 'no such file'],
      [new Date(T), new Date(T + 6 * HOUR), null, 'it hung'],
      [new Date(T), new Date(T + 7 * HOUR), null, 'no such file'],
    ]);
    // what was dropped is found again by its number, and the next one follows on the last
    expect(await site.ingest(web1, [web1.journal[3]!])).toMatchObject({ became: 'repeated' });
    web1.take(T + 10 * HOUR, [['bash', '1', 1]]);
    expect(await site.ingest(web1, web1.journal)).toMatchObject({ taken: 1 });
    expect(await site.lines('select distinct until from swarmplane.gap')).toHaveLength(1);
  });

  it('has no gap where a host has no such thing, unless it had', async () => {
    const site = await HistorySite.make(postgres());
    const web1 = await site.add('web1');
    web1.gap(T, 'table_absent', 'no dpkg database on this host');
    await site.ingest(web1, web1.journal);
    expect(await site.lines('select * from swarmplane.gap')).toEqual([]);
    expect(await site.lines('select missing from swarmplane.tracked')).toEqual([
      'no dpkg database on this host',
    ]);
    web1.take(T + HOUR, [['bash', '1', 1]]);
    web1.gap(T + 2 * HOUR, 'table_absent', 'no dpkg database on this host');
    await site.ingest(web1, web1.journal);
    expect(await site.lines('select extract(epoch from since) from swarmplane.gap')).toEqual([
      `${T / 1000 + 3600}.000000`,
    ]);
  });

  it('does not trust the clock of a host', async () => {
    const site = await HistorySite.make(postgres());
    const web1 = await site.add('web1');
    web1.take(T + 2 * HOUR, [['bash', '1', 1]]);
    web1.take(T, [['bash', '2', 1]]);
    web1.take(Date.now() + 400 * 24 * HOUR, [['bash', '3', 1]]);
    web1.take(T + 3 * HOUR, [['bash', '4', 1]]);
    expect(await site.ingest(web1, web1.journal)).toMatchObject({ taken: 4 });
    expect(await site.lines(NOW)).toEqual(['bash 4']);
    expect(await site.lines(AS_OF, [iso(T + 2 * HOUR + 1)])).toEqual(['bash 2']);
    expect(await site.lines(ALERTS)).toEqual(['clock_ahead web1']);
    const early = await site.add('web2');
    early.take(0, [['bash', '1', 1]]);
    early.take(1_000, []);
    await site.ingest(early, early.journal);
    expect(await site.query('table inventory.overlap')).toEqual([]);
  });

  it('takes what did not change all at once, as it would one by one', async () => {
    const [atOnce, oneByOne] = [
      await HistorySite.make(postgres()),
      await HistorySite.make(postgres()),
    ];
    await oneByOne.pool.query(
      `create or replace function swarmplane.take_unchanged(host swarmplane.node, takings jsonb)
         returns jsonb language sql return '{}'::jsonb`,
    );
    const web1 = await atOnce.add('web1');
    await oneByOne.add('web1', web1);
    const one = [['bash', '1', 1]] as const;
    web1.take(T, one);
    const hours = [1, 0, -800, 2, 2, 2.5];
    for (const hour of hours) web1.take(T + hour * HOUR, one);
    web1.gap(T + 3 * HOUR);
    for (const hour of hours) web1.take(T + (3 + hour) * HOUR, one);
    web1.take(T + 9 * HOUR, [['bash', '2', 1]]);
    web1.take(T + 10 * HOUR, [['bash', '2', 1]]);
    web1.take(Date.now() + 20 * HOUR, [['bash', '2', 1]]);
    const all = web1.journal;
    const unfit = { ...all[5]!, base: new Uint8Array(32) };
    const batches = [
      all.slice(0, 3),
      all.slice(1, 5),
      [unfit],
      [...all.slice(5, 8), all[12]!],
      all.slice(8, 13),
      all.slice(8),
      all.slice(-2),
    ];
    for (const batch of batches) {
      expect(await atOnce.ingest(web1, batch)).toEqual(await oneByOne.ingest(web1, batch));
    }
    const kept = (site: HistorySite) =>
      site.query(`select sequence, kind, rows, hash, base, signature, shape, host_at,
                         case when host_at < now() then at end as at
                    from swarmplane.taking order by sequence`);
    const rows = await kept(atOnce);
    expect(rows).toHaveLength(all.length);
    expect(rows).toEqual(await kept(oneByOne));
    const heads = `select sequence, hash, rows, shape, first_at, changed_at, gap_reason from swarmplane.head`;
    expect(await atOnce.query(heads)).toEqual(await oneByOne.query(heads));
    expect(await atOnce.lines(ALERTS)).toEqual(await oneByOne.lines(ALERTS));
  });

  it('locks its heads in one order, whatever is unchanged', async () => {
    const site = await HistorySite.make(postgres());
    await site.declare('accounts', PACKAGES);
    await site.query(`select swarmplane.track('accounts')`);
    // In order of name the table that changes comes first.
    const changes = await site.add('web1', new HistoryHost('accounts'));
    const same = new HistoryHost('packages', PACKAGES, changes.identity);
    const first = [changes.take(T, [['bash', '1', 1]]), same.take(T, [['bash', '1', 1]])];
    await site.ingest(changes, first);
    const lock = `select from swarmplane.head where table_name = $1 for update nowait`;
    const more = [
      changes.take(T + HOUR, [['bash', '2', 1]]),
      same.take(T + HOUR, [['bash', '1', 1]]),
    ];
    const held = await site.pool.connect();
    await held.query('begin');
    await held.query(lock, ['accounts']);
    const ingest = site.ingest(changes, more);
    try {
      const waits = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      while ((await site.query(waits)).length === 0);
      // What comes later in the order is free: two that ingest for one host do not wait for each other.
      await held.query(lock, ['packages']);
    } finally {
      await held.query('rollback');
      held.release();
    }
    expect(await ingest).toMatchObject({ became: 'taken' });
    expect(await site.query('select from swarmplane.taking')).toHaveLength(4);
  });

  it('wins the columns of a newer agent and keeps what it had', async () => {
    const site = await HistorySite.make(postgres());
    const web1 = await site.add('web1');
    web1.take(T, [['bash', '1', 1]]);
    web1.shape = { ...PACKAGES, columns: [...PACKAGES.columns, { name: 'host', type: 'TEXT' }] };
    web1.take(T + HOUR, [['bash', '1', 1, 'a.example']]);
    // the agent of before closes rows that have a column it does not know
    web1.shape = PACKAGES;
    web1.take(T + 2 * HOUR, [['bash', '1', 1]]);
    web1.shape = {
      ...PACKAGES,
      columns: [
        { name: 'name', type: 'TEXT' },
        { name: 'size', type: 'TEXT' },
      ],
    };
    web1.take(T + 3 * HOUR, [['bash', 'big']]);
    for (const taking of web1.journal)
      expect(await site.ingest(web1, [taking])).toMatchObject({ taken: 1 });
    const columns = `select name, version, size, host_, size_text from inventory.packages_as_of($1)`;
    const row = async (at: number) => (await site.query(columns, [iso(at)]))[0];
    const none = { version: null, size: null, host_: null, size_text: null };
    expect(await row(T)).toEqual({ ...none, name: 'bash', version: '1', size: 1 });
    expect(await row(T + HOUR)).toEqual({
      ...none,
      name: 'bash',
      version: '1',
      size: 1,
      host_: 'a.example',
    });
    expect(await row(T + 2 * HOUR)).toEqual({ ...none, name: 'bash', version: '1', size: 1 });
    expect(await row(Date.now())).toEqual({ ...none, name: 'bash', size_text: 'big' });
    expect(await site.lines(ALERTS)).toEqual(['history_columns packages']);
  });

  it('takes so many declarations of one host, and so many columns, and those of others still', async () => {
    const site = await HistorySite.make(postgres());
    const hostile = await site.add('hostile');
    const named = (name: string) => ({ name, type: 'TEXT' as const });
    const declared = async (
      host: HistoryHost,
      columns: readonly { name: string; type: 'TEXT' }[],
    ) => {
      host.shape = { ...PACKAGES, columns: [...PACKAGES.columns, ...columns] };
      const row = ['bash', '1', 1, ...columns.map(() => 'x')];
      host.newLine();
      const taking = host.take(T, [row]);
      return (await site.ingest(host, [taking])).taken;
    };
    const refused = `select message from swarmplane.alert where kind = 'history_refused' and resolved_at is null`;
    // 23 columns have room for 5 of one host.
    expect(await declared(hostile, ['a', 'b', 'c', 'd', 'e'].map(named))).toBe(1);
    expect(await declared(hostile, [named('f')])).not.toBe(1);
    expect(await site.lines(refused)).toEqual([
      'what hostile declares of "packages" cannot be kept: it would add 6 columns, of 5 that one host may',
    ]);
    const orders = [
      ['b', 'a'],
      ['c', 'b'],
      ['d', 'c'],
      ['e', 'd'],
      ['a', 'c'],
      ['b', 'd'],
      ['c', 'e'],
    ];
    for (const order of orders) expect(await declared(hostile, order.map(named))).toBe(1);
    expect(await declared(hostile, [named('e'), named('a')])).not.toBe(1);
    expect(await site.lines(refused)).toEqual([
      'what hostile declares of "packages" cannot be kept: it has declared it in 8 ways within 30 days',
    ]);
    expect(await declared(await site.add('web1'), [named('newer')])).toBe(1);
  });

  it('takes a key that is longer than an entry of an index', async () => {
    const site = await HistorySite.make(postgres());
    const web1 = await site.add('web1');
    const name = randomBytes(50_000).toString('hex');
    web1.take(T, [[name, '1', 1]]);
    web1.take(T + HOUR, []);
    expect(await site.ingest(web1, web1.journal)).toMatchObject({ taken: 2 });
    expect(await site.lines(AS_OF, [iso(T)])).toEqual([`${name} 1`]);
  });

  it('is encoded in SQL as at the host: every vector of canonical.json', async () => {
    const site = await HistorySite.make(postgres());
    const url = new URL('../../tables/canonical.json', import.meta.url);
    const { shapes } = JSON.parse(readFileSync(url, 'utf8')) as CanonicalVectors;
    for (const [at, { shape, rows }] of shapes.entries()) {
      await site.declare(`vector_${at}`, shape);
      await site.query('select swarmplane.track($1)', [`vector_${at}`]);
      const host = await site.add(`host${at}`, new HistoryHost(`vector_${at}`, shape));
      host.take(
        T,
        rows.map(({ given }) => canonicalRow(shape, given.map(valueOf))),
      );
      expect(await site.ingest(host, host.journal)).toMatchObject({ taken: 1 });
      const hashes = await site.lines(
        `select encode(row_hash, 'hex') as hash from inventory.vector_${at}_current order by 1`,
      );
      expect(hashes).toEqual([...new Set(rows.map(({ rowHash }) => rowHash))].sort());
    }
  });
});

describe('what is read of history', () => {
  const postgres = withPostgres();

  it('is looked through by the planner: a host and an instant reach the indexes', async () => {
    const site = await HistorySite.make(postgres());
    await site.query(`
      insert into swarmplane.node (identity, name, state)
      select lpad(to_hex(n), 64, '0'), 'web' || n, 'alive' from generate_series(1, 400) n`);
    await site.query('select swarmplane.make_partitions()');
    const row = `node_id, shape, row_hash, name`;
    const made = `n, 1, sha256(int8send(p)), 'p' || p from generate_series(1, 400) n, generate_series(1, 100) p order by n`;
    await site.query(
      `insert into inventory.packages_current (valid_from, ${row}) select now(), ${made}`,
    );
    await site.query(`
      insert into inventory.packages_history (valid_from, valid_to, ${row})
      select now() - interval '1 second', now(), ${made}`);
    await site.query('select swarmplane.make_history_partitions()');
    await site.query(`
      insert into swarmplane.taking (at, host_at, sequence, node_id, key_version, shape, table_name, kind, line, hash, signature)
      select now() - p * interval '1 millisecond', now(), p, n, 1, 1, 'packages', 'delta', '0123456789abcdef', 'x', 'x'
        from generate_series(1, 400) n, generate_series(1, 100) p`);
    await site.query('analyze');
    const plan = async (sql: string) => (await site.lines(`explain (costs off) ${sql}`)).join('\n');
    const asOf = await plan(`select * from inventory.packages_as_of(now()) where host = 'web1'`);
    expect(asOf).not.toContain('Function Scan');
    expect(asOf.match(/Index Cond: \(+node_id = n.id\)/g), asOf).toHaveLength(2);
    const diff = await plan(`select * from inventory.packages_diff('2026-01-01', now())`);
    expect(diff).not.toContain('Function Scan');
    // changes are found by way of takings, and the rows of each by a plan that is made once
    const changes = await plan(`select * from inventory.packages_changes where at > now()`);
    expect(changes).toMatch(/Index Cond: .*\(at > now\(\)\)/);
    for (const view of ['packages_changes', 'changes']) {
      const newest = await plan(`select * from inventory.${view} order by at desc limit 20`);
      expect(newest).toMatch(/Scan Backward using taking_/);
      expect(newest).not.toContain('Sort');
    }
    const name = await plan(`select * from inventory.packages where name = 'p7'`);
    expect(name).toMatch(/Index Cond: \(name = /);
    const host = await plan(`select * from inventory.packages_changes where host = 'web1'`);
    expect(host).toMatch(/Scan (using|on) taking_\d+_node_id_at_idx/);
    expect(host).toMatch(/Index Cond: \(+node_id = n.id\)/);
  });
});
