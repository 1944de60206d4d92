/** A hub moves to a new server by logical replication, as docs/operating.md says: rows that come are data, not work. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import pg from 'pg';
import { Hub } from '../../../src/hub/hub.ts';
import { silentLog } from '../../../src/hub/log.ts';
import { until } from '../../helpers/eventually.ts';
import { needs } from '../../helpers/needs.ts';
import { startTestPostgres, type TestPostgres } from '../../helpers/postgres.ts';
import { SYSTEM_15 } from '../../helpers/postgres-server.ts';
import { contentOf } from '../backup/database-content.ts';
import { hubFixture, temporaryFolder, type Fixture } from '../hub-fixture.ts';
import { QUICK } from '../quick.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 300_000 });

const run = (program: string, ...args: string[]): Promise<unknown> =>
  promisify(execFile)(join(SYSTEM_15, program), args);

needs(
  'pg_dump 15',
  existsSync(join(SYSTEM_15, 'pg_dump')),
  describe,
)('logical replication', () => {
  it.each([15, 18] as const)(
    'to PostgreSQL %i brings every row and runs nothing a second time',
    async (major) => {
      const source = await replicatingServer();
      const old = await hubFixture(source, ['hub1', 'web1', 'web2']);
      old.asker.allowed = ['*'];
      old.asker.set('web2', 'dead');
      const hub = await old.startHub();
      await old.pool.query(
        `insert into swarmplane.schedule (name, sql, every) values ('often', 'select 1', '10 days')`,
      );
      const before = await command(old, 'restart', 'web1');
      await old.ended(before);
      const waiting = await command(old, 'restart', 'web2');
      await old.until(
        `select state = 'parked' as parked from swarmplane.delivery where request_id = $1`,
        [waiting],
      );

      const [parked] = await old.query<{ id: string }>(
        'select id from swarmplane.delivery where request_id = $1',
        [waiting],
      );

      const target = await startTestPostgres({ major });
      onTestFinished(() => target.stop());
      const fresh = await target.createDatabase({ empty: true });
      const from = old.database.pool(old.database.superUrl);
      const to = fresh.pool(fresh.superUrl);
      await copySchema(old.database.superUrl, fresh.superUrl);
      await from.query(
        'create publication move for tables in schema swarmplane, inventory with (publish_via_partition_root = true)',
      );
      await to.query(
        `create subscription move connection '${old.database.superUrl}' publication move`,
      );
      await until(async () => {
        const { rows } = await to.query<{ ready: boolean }>(
          `select bool_and(srsubstate = 'r') as ready from pg_subscription_rel`,
        );
        return rows[0]!.ready;
      }, 'every table is copied');

      // While it streams: one ends, one is asked for a host that is away still.
      const meanwhile = await command(old, 'restart', 'web1');
      await old.ended(meanwhile);
      const asked = await old.request('select 1', { hosts: ['web1', 'hub1'] });
      await old.ended(asked);
      await hub.stop();
      await until(async () => {
        const { rows } = await from.query<{ there: boolean }>(
          `select confirmed_flush_lsn >= pg_current_wal_lsn() as there from pg_replication_slots`,
        );
        return rows[0]!.there;
      }, 'the new server has all of it');
      await to.query('drop subscription move');
      const [was, is] = [await contentOf(old.database.superUrl), await contentOf(fresh.superUrl)];
      expect(is['rows']).toEqual(was['rows']);
      const commanded = old.asker.commanded.map(({ ids }) => [...ids.values()]);
      expect(commanded).toHaveLength(2);

      old.asker.set('web2', 'alive');
      const successor = await Hub.start({
        databaseUrl: fresh.url,
        asker: old.asker,
        spoolFolder: temporaryFolder(),
        log: silentLog,
        tuning: QUICK,
      });
      onTestFinished(() => successor.stop());
      await until(async () => {
        const { rows } = await to.query<{ done: boolean }>(
          `select bool_and(state = 'done') as done from swarmplane.request`,
        );
        return rows[0]!.done;
      }, 'what waited has ended');
      const later = old.asker.commanded.slice(2).map(({ ids }) => [...ids.values()]);
      expect(later).toEqual([[parked!.id]]);
      expect(new Set([...commanded, ...later].flat()).size).toBe(3);

      const { rows } = await to.query<Record<string, unknown>>(`
        insert into swarmplane.request (sql, hosts) values ('select 2', '{web1}') returning id`);
      expect(rows[0]!['id']).toBeGreaterThan(asked);
      const found = await to.query(`
        select (select count(*) from swarmplane.count_fault)::int as faults,
               (select count(*) from (select id from swarmplane.audit group by id having count(*) > 1) twice)::int as twice,
               (select owner from swarmplane.schedule) as owner,
               (select count(*) from swarmplane.request where schedule_id is not null)::int as ticks`);
      expect(found.rows).toEqual([{ faults: 0, twice: 0, owner: 'swarmplane', ticks: 1 }]);
    },
  );

  it('finds a key in every table whose rows are changed', async () => {
    const server = await startTestPostgres({ major: 15 });
    onTestFinished(() => server.stop());
    const database = await server.createDatabase({ used: true });
    const { rows } = await database.pool().query(`
      select c.oid::regclass::text as name from pg_class c
       where c.relnamespace = 'swarmplane'::regnamespace and c.relkind in ('r', 'p')
         and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)`);
    expect(rows).toEqual([]);
  });
});

async function replicatingServer(): Promise<TestPostgres> {
  const server = await startTestPostgres({ major: 15 });
  onTestFinished(() => server.stop());
  const client = new pg.Client({ connectionString: server.superUrl });
  await client.connect();
  await client.query('alter system set wal_level = logical');
  await client.end();
  process.kill(await server.pid(), 'SIGINT');
  await server.restart();
  return server;
}

async function command({ query }: Fixture, action: string, host: string): Promise<number> {
  const [row] = await query<{ id: number }>(
    'insert into swarmplane.request (action, hosts) values ($1, array[$2]) returning id',
    [action, host],
  );
  return row!.id;
}

/** The roles are on both servers of these tests. */
async function copySchema(from: string, to: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'swarmplane-replicated-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const dump = join(folder, 'schema.dump');
  await run('pg_dump', '--format=custom', '--schema-only', `--file=${dump}`, from);
  await run('pg_restore', '--exit-on-error', `--dbname=${to}`, dump);
}
