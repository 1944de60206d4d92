/** What only several sessions at once can show. */
import { expect, it, onTestFinished } from 'vitest';
import type pg from 'pg';
import { eachPostgres, type TestDatabase } from '../helpers/postgres.ts';

async function arrange(
  database: TestDatabase,
  hosts: number,
): Promise<{ pool: pg.Pool; hub: string }> {
  const pool = database.pool();
  await pool.query('select swarmplane.make_partitions()');
  await pool.query(
    `insert into swarmplane.node (identity, name, state)
     select lpad(to_hex(i), 64, '0'), 'h' || i, 'alive' from generate_series(1, $1) i`,
    [hosts],
  );
  const { rows } = await pool.query<{ id: string }>(
    `select swarmplane.hub_hello(repeat('f', 64), 'hub', '0', 1) as id`,
  );
  return { pool, hub: rows[0]!.id };
}

const KEYS = { sign_key: '00'.repeat(32), box_key: '00'.repeat(32) };

eachPostgres('sessions at once', (postgres) => {
  it('eight clients that claim and complete the same requests never deadlock, and counts stay true', async () => {
    const database = await postgres().createDatabase();
    const { pool, hub } = await arrange(database, 60);
    for (let i = 0; i < 8; i++)
      await pool.query(`insert into swarmplane.request (sql, priority) values ('select 1', $1)`, [
        i % 2,
      ]);
    let claims = 0;
    const client = async (): Promise<void> => {
      const mine = await pool.connect();
      for (;;) {
        const { rows } = await mine.query<{ token: string; deliveries: [string][] }>(
          'select token, deliveries from swarmplane.claim($1, 7)',
          [hub],
        );
        if (rows[0] === undefined) break;
        claims++;
        const outcomes = rows[0].deliveries.map(([id], at) => ({
          id,
          state: at % 3 === 0 ? 'failed' : 'ok',
          code: 'x',
          rows: [{ a: 1 }],
        }));
        await mine.query('select swarmplane.complete($1, $2)', [
          rows[0].token,
          JSON.stringify(outcomes),
        ]);
      }
      mine.release();
    };
    await Promise.all(Array.from({ length: 8 }, client));
    expect(claims).toBeGreaterThanOrEqual((8 * 60) / 7);
    const { rows } = await pool.query(
      `select sum(ok + failed)::int as ended, bool_and(state = 'done') as done,
              (select count(*)::int from swarmplane.result) = sum(ok) as rows_match,
              (select count from swarmplane.alert where kind = 'query_failed') = sum(failed) as alerts_match
         from swarmplane.request`,
    );
    expect(rows).toEqual([{ ended: 480, done: true, rows_match: true, alerts_match: true }]);
    expect((await pool.query('table swarmplane.count_fault')).rows).toEqual([]);
    expect((await pool.query('table swarmplane.lease')).rows).toEqual([]);
    const { rows: deadlocks } = await pool.query<{ deadlocks: number }>(
      'select deadlocks from pg_stat_database where datname = current_database()',
    );
    expect(deadlocks).toEqual([{ deadlocks: 0 }]);
  });

  it('outcomes in any order, reapers and a hub that starts anew never deadlock', async () => {
    const database = await postgres().createDatabase();
    const { pool, hub } = await arrange(database, 40);
    for (let i = 0; i < 6; i++)
      await pool.query(`insert into swarmplane.request (sql) values ('select ${i}')`);
    await pool.query(
      `update swarmplane.setting set value = '1 microsecond' where name like 'retry%'`,
    );
    await pool.query(`update swarmplane.setting set value = '1000' where name = 'attempts_max'`);
    let taken = 0;
    const client = async (at: number): Promise<void> => {
      for (;;) {
        const { rows } = await pool.query<{ token: string; deliveries: [string][] }>(
          'select token, deliveries from swarmplane.claim($1, 9)',
          [hub],
        );
        const [claim] = rows;
        if (claim === undefined) break;
        const ids = claim.deliveries.map(([id]) => id).sort();
        if (at % 2 === 0) ids.reverse();
        const outcomes = JSON.stringify(ids.map((id) => ({ id, state: 'ok' })));
        const complete = pool.query('select swarmplane.complete($1, $2)', [claim.token, outcomes]);
        // Somebody takes the same work back at the same moment.
        const take =
          taken++ % 5 === 0
            ? pool.query(`select swarmplane.hub_hello(repeat('f', 64), 'hub', '0', 1)`)
            : pool.query(`select swarmplane.reap_lease($1, 'ran out')`, [claim.token]);
        await Promise.all([complete, take]);
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, at) => client(at)));
    const { rows } = await pool.query('select sum(ok)::int as ok from swarmplane.request');
    expect(rows).toEqual([{ ok: 240 }]);
    expect((await pool.query('table swarmplane.count_fault')).rows).toEqual([]);
    const { rows: deadlocks } = await pool.query(
      'select deadlocks from pg_stat_database where datname = current_database()',
    );
    expect(deadlocks).toEqual([{ deadlocks: 0 }]);
  });

  it('a hub that starts anew holds no request while it waits for a delivery', async () => {
    const database = await postgres().createDatabase();
    const { pool, hub } = await arrange(database, 2);
    await pool.query(`insert into swarmplane.request (sql) values ('select 1')`);
    for (let i = 0; i < 2; i++) await pool.query('select swarmplane.claim($1, 1)', [hub]);
    // a claim that came too late for a delivery keeps it locked until it has the request
    const claim = await pool.connect();
    await claim.query('begin');
    await claim.query('select from swarmplane.delivery order by token desc limit 1 for update');
    const hello = pool.query(`select swarmplane.hub_hello(repeat('f', 64), 'hub', '0', 1)`);
    const waits = `select from pg_stat_activity
      where datname = current_database() and query ~ 'hub_hello' and wait_event_type = 'Lock'`;
    try {
      while ((await pool.query(waits)).rowCount === 0);
      await claim.query('select from swarmplane.request for update nowait');
    } finally {
      await claim.query('rollback');
      claim.release();
    }
    await hello;
    expect((await pool.query('table swarmplane.lease')).rows).toEqual([]);
  });

  it('two claims at once never share a delivery, and none takes more than it may', async () => {
    const database = await postgres().createDatabase();
    const { pool, hub } = await arrange(database, 100);
    await pool.query(`insert into swarmplane.request (sql) values ('select 1')`);
    const taken = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const { rows } = await pool.query<{ deliveries: [string][] }>(
          'select deliveries from swarmplane.claim($1, 10)',
          [hub],
        );
        return rows.flatMap((row) => row.deliveries.map(([id]) => id));
      }),
    );
    for (const ids of taken) expect(ids.length).toBeLessThanOrEqual(10);
    const all = taken.flat();
    expect(new Set(all).size).toBe(all.length);
  });

  it('of two inserts with one idempotency key the second waits for the first and fails, or does nothing', async () => {
    const database = await postgres().createDatabase();
    const { pool } = await arrange(database, 2);
    const first = await pool.connect();
    await first.query('begin');
    const insert = `insert into swarmplane.request (sql, idempotency_key) values ('select 1', 'nightly') returning id`;
    await first.query<{ id: number }>(insert);
    const second = pool.query(insert).catch((error: { constraint: string }) => error.constraint);
    const third = pool.query(insert.replace(' returning', ' on conflict do nothing returning'));
    await first.query('commit');
    first.release();
    expect(await second).toBe('idempotency_key_is_used_once');
    expect((await third).rows).toEqual([]);
    const { rows } = await pool.query('select count(*)::int as n from swarmplane.request');
    expect(rows).toEqual([{ n: 1 }]);
  });

  it('an asker who holds everything that he may hold stops no function of the hub', async () => {
    const database = await postgres().createDatabase();
    const { pool, hub } = await arrange(database, 2);
    const bob = await database.pool(await database.urlAs('bob', ['swarmplane_asker'])).connect();
    onTestFinished(() => bob.release(true));
    await bob.query(`insert into swarmplane.request (sql) values ('select 1'), ('select 2')`);
    await bob.query('begin');
    await bob.query('select swarmplane.cancel(id) from swarmplane.request');
    await bob.query(
      `insert into swarmplane.request (sql, idempotency_key, include_new) values ('select 3', 'k', true)`,
    );
    for (let latch = 0; latch <= 9; latch++)
      await bob.query('select pg_advisory_lock(7340, $1)', [latch]);
    for (const lock of ['update', 'key share']) {
      await bob.query('savepoint before');
      await expect(bob.query(`select from swarmplane.request for ${lock}`)).rejects.toThrow(
        /permission denied/,
      );
      await bob.query('rollback to before');
    }
    // what would wait for bob fails instead
    const hubs = await pool.connect();
    await hubs.query(`set lock_timeout = '2s'`);
    const claim = async (): Promise<{ token: string; deliveries: [string][] }> =>
      (await hubs.query('select token, deliveries from swarmplane.claim($1, 9)', [hub])).rows[0];
    const first = await claim();
    await hubs.query('select swarmplane.complete($1, $2)', [
      first.token,
      JSON.stringify(first.deliveries.map(([id]) => ({ id, state: 'ok', rows: [] }))),
    ]);
    const second = await claim();
    await hubs.query('select swarmplane.give_back($1)', [second.token]);
    const node = { identity: '1'.padStart(64, '0'), name: 'h1', state: 'dead', incarnation: 2 };
    const member = { ...node, labels: {}, version: '', hub: false, since: 0, addresses: [] };
    const entry = { identity: node.identity, version: 0, time: 1, ...KEYS };
    for (const [sql, ...values] of [
      ['select swarmplane.report_nodes($1)', JSON.stringify([member])],
      ['select swarmplane.report_keys($1)', JSON.stringify([{ ...entry, entry: '' }])],
      ['select swarmplane.sweep()'],
      ['select swarmplane.make_partitions()'],
      ['select * from swarmplane.claim_handovers(10)'],
      [`select * from swarmplane.begin_seal(repeat('1', 64))`],
      ['select swarmplane.look_after_alerts()'],
      ['select swarmplane.drop_old_partition()'],
      [`select swarmplane.hub_hello(repeat('f', 64), 'hub', '0', 2)`],
    ])
      await hubs.query(sql!, values).catch((error: Error) => {
        throw new Error(`${sql}: ${error.message}`);
      });
    hubs.release();
    await bob.query('commit');
    expect(await pool.query('select swarmplane.sweep()')).toMatchObject({
      rows: [{ sweep: 'cancelled' }],
    });
  });

  it('a notification comes with the commit, none with a rollback or a completion', async () => {
    const database = await postgres().createDatabase();
    const { pool, hub } = await arrange(database, 2);
    const ear = await pool.connect();
    let heard = 0;
    ear.on('notification', ({ channel, payload }) => {
      expect([channel, payload]).toEqual(['swarmplane', '']);
      heard++;
    });
    await ear.query('listen swarmplane');
    const other = await pool.connect();
    await other.query(`begin; insert into swarmplane.request (sql) values ('x'); rollback`);
    await ear.query('select 1');
    expect(heard).toBe(0);
    await other.query(`insert into swarmplane.request (sql) select 'x' from generate_series(1, 5)`);
    await ear.query('select 1');
    expect(heard).toBe(1);
    const { rows } = await other.query<{ token: string; deliveries: [string][] }>(
      'select token, deliveries from swarmplane.claim($1, 7)',
      [hub],
    );
    await other.query('select swarmplane.complete($1, $2)', [
      rows[0]!.token,
      JSON.stringify(rows[0]!.deliveries.map(([id]) => ({ id, state: 'ok' }))),
    ]);
    await ear.query('select 1');
    expect(heard).toBe(1);
    other.release();
    ear.release(true);
  });
});
