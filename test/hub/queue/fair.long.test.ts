/** A fair queue: what nobody may run, or waits for a frozen host, is in nobody's way. */
import { expect, it } from 'vitest';
import { eachPostgres } from '../../helpers/postgres.ts';
import { hubFixture } from '../hub-fixture.ts';
import { ScriptedAsker } from '../scripted-asker.ts';

/** Longer than the test: what a frozen host holds, it holds to the end. */
const FROZEN = { askMs: 300_000, graceMs: 300_000 };

eachPostgres('a fair queue', (postgres) => {
  it('answers an ask of another host while forty requests wait for a frozen one', async () => {
    const { pool, asker, until, startHub, request } = await hubFixture(postgres());
    asker.behave = (host) =>
      host === 'web1' ? 'hang' : { state: 'ok', columns: ['name'], rows: [[host]] };
    await startHub({ ...FROZEN, runsMax: 4 });
    for (let n = 0; n < 40; n++) await request('select 1', { hosts: ['web1'] });
    await until(`select count(*) >= 4 as taken from swarmplane.delivery where state = 'running'`);
    const client = await pool.connect();
    try {
      for (let n = 0; n < 3; n++)
        await client.query(`call swarmplane.ask('select 2', '{web2}', '40 seconds')`);
    } finally {
      client.release();
    }
    await until(`select count(*) = 3 as answered from swarmplane.request where ok = 1`);
    // and so does what nobody waits for, once the others are known to be slow
    const bulk = await request('select 3', { hosts: ['web2'] });
    await until(`select state = 'done' as done from swarmplane.request where id = $1`, [bulk]);
    await until(
      `select count(*) = 40 as waiting from swarmplane.request where sql = 'select 1' and state = 'open'`,
    );
  });

  it('asks before bulk of the same priority, and bulk of a higher one before both', async () => {
    const { pool, query } = await hubFixture(postgres());
    await pool.query(
      `select swarmplane.report_nodes('[{"identity": "${'a'.repeat(64)}", "name": "web1", "state": "alive", "labels": {}, "version": "", "hub": false, "incarnation": 1, "since": 0, "addresses": []}]')`,
    );
    const [hub] = await query<{ id: string }>(
      `select swarmplane.hub_hello(repeat('b', 64), 'hub', '0', 1) as id`,
    );
    await pool.query(`
      insert into swarmplane.request (sql) values ('bulk');
      insert into swarmplane.request (sql, wait_for_away) values ('ask', false);
      insert into swarmplane.request (sql, priority) values ('urgent', -1);
      insert into swarmplane.request (sql, wait_for_away, priority) values ('later', false, 1)`);
    const claimed = async (asksOnly: boolean): Promise<string | undefined> => {
      const [row] = await query<{ sql: string }>(
        'select sql from swarmplane.claim($1, 10, $2, $3)',
        [hub!.id, [], asksOnly],
      );
      return row?.sql;
    };
    expect(await claimed(true)).toBe('ask');
    await pool.query(`insert into swarmplane.request (sql, wait_for_away) values ('ask 2', false)`);
    const order = [];
    for (let n = 0; n < 4; n++) order.push(await claimed(false));
    expect(order).toEqual(['urgent', 'ask 2', 'bulk', 'later']);
    expect(await claimed(false)).toBeUndefined();
  });

  it('looks at none of many commands that no hub may run', async () => {
    const { database, pool, asker, query, until, ended, request, startHub } =
      await hubFixture(postgres());
    await startHub();
    await startHub({}, new ScriptedAsker(['hub2', 'hub1', 'web1', 'web2']));
    await until(`select count(*) >= 4 as known from swarmplane.node`);
    // of an operator who is urgent
    await pool.query(`
      insert into swarmplane.request (action, hosts, priority)
      select 'forbidden', '{web1,web2}', -10 from generate_series(1, 3000)`);
    await pool.query(`
      insert into swarmplane.request (action, hosts, expires_in) values ('too', '{web1}', '30 days')`);
    expect(await ended(await request('select 1', { hosts: ['web2'] }))).toEqual({ ok: 1 });
    await until(
      `select count(*) = 2 as said from swarmplane.alert where kind = 'no_commander' and resolved_at is null`,
    );
    expect(asker.commanded).toEqual([]);

    const admin = database.pool(database.superUrl);
    const read = async (what: string): Promise<number> => {
      const client = await admin.connect();
      try {
        await client.query(`begin; select ${what}; commit`);
        // the plan's first steps are warm now: what it reads is counted
        await client.query('begin');
        const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
          `explain (analyze, buffers, timing off, format json) select ${what}`,
        );
        await client.query('rollback');
        const { Plan: plan } = rows[0]!['QUERY PLAN'][0];
        return plan['Shared Hit Blocks']! + plan['Shared Read Blocks']!;
      } finally {
        client.release();
      }
    };
    await admin.query('vacuum analyze swarmplane.delivery, swarmplane.request');
    const pages = await query<{ pages: number }>(
      `select pg_relation_size('swarmplane.delivery')::int / 8192 as pages`,
    );
    expect(pages[0]!.pages).toBeGreaterThan(60);
    expect(await read(`swarmplane.take_due('{}', false, '{}')`)).toBeLessThan(40);
    expect(await read(`swarmplane.take_due('{restart}', false, '{}')`)).toBeLessThan(40);
    expect(await read(`swarmplane.next_due('{restart}')`)).toBeLessThan(40);
  });
});
