/**
 * A hub with real agents after a while of life, moved to a fresh server by the commands that people use:
 * nothing is lost, nothing is run again, and it goes on.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { migrate } from '../../../src/hub/schema/migrate.ts';
import {
  migrationsDir,
  sqlDir,
  startTestPostgres,
  whyWithout,
  type TestDatabase,
  type TestPostgres,
} from '../../helpers/postgres.ts';
import { eventually, swarmplane, TestHost, TestSwarm } from '../../helpers/swarm.ts';
import { contentOf } from './database-content.ts';
import { needs } from '../../helpers/needs.ts';

// Servers and processes of their own: slow where others work as well.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 300_000 });

for (const major of [15, 18] as const)
  needs(
    `PostgreSQL ${major}`,
    whyWithout(major) === undefined,
    describe,
  )(`a hub on PostgreSQL ${major}, moved`, () => {
    let source: TestPostgres;
    let fresh: TestPostgres;
    let swarm: TestSwarm;
    let hub: TestHost;
    let web: TestHost;
    let old: TestDatabase;
    let file: string;
    let runs: string;
    let before: Record<string, string[]>;

    beforeAll(async () => {
      source = await startTestPostgres({ major, bare: true });
      fresh = await startTestPostgres({ major: 18, bare: true });
      old = await source.createDatabase({ empty: true });
      swarm = await TestSwarm.start(['hub1', 'web1'], { hub: true, database: old.url });
      [hub, web] = [swarm.host('hub1'), swarm.host('web1')];
      file = join(swarm.folder, 'fleet.backup');
      runs = join(swarm.folder, 'runs');
      await allowActions();
      await live();
      await web.end();
      await queueForAway();
      await hub.end();
      before = await contentOf(old.superUrl);
    });
    afterAll(async () => {
      await swarm?.stop();
      await source?.stop();
      await fresh?.stop();
    });

    async function allowActions(): Promise<void> {
      await web.end();
      const config = join(web.state, 'config.yaml');
      const examples = /^actions:\n(?:  .*\n)*/m;
      writeFileSync(config, readFileSync(config, 'utf8').replace(examples, ACTIONS));
      web.start();
      await swarm.whole();
      const granted = await hub.cli('operator', 'grant', 'hub1', '--role', 'commander', '--yes');
      expect(granted).toMatchObject({ code: 0 });
    }

    /** Something in every table that people and hosts fill. */
    async function live(): Promise<void> {
      const pool = asking(old.url);
      await asking(old.superUrl).query(`
        create role alice login password 'wonderland' valid until '2100-01-01';
        create role web_team nologin;
        grant swarmplane_reader to web_team;
        grant web_team to alice;
        alter role alice set statement_timeout = '7s';
        alter role alice in database ${old.name} set search_path = inventory, "$user";
        alter database ${old.name} set work_mem = '5MB';
        grant select (token) on swarmplane.lease to alice`);
      await pool.query(`
        insert into swarmplane.request (sql) values ('select 1 as n'), ('select nothing from nowhere');
        insert into swarmplane.request (action, args, hosts) values ('count', '{"file": "${runs}"}', '{web1}');
        insert into swarmplane.schedule (name, sql, every) values ('disks', 'select * from mounts limit 1', '1 hour');
        insert into swarmplane.network (range, name, site) values ('10.0.0.0/8', 'ten', 'here');
        insert into swarmplane.node_label select id, 'web' from swarmplane.node where name = 'web1';
        update swarmplane.setting set value = '45 days' where name = 'result_kept';
        select swarmplane.track('system_controls', '10 seconds')`);
      await eventually(
        async () => {
          const { rows } = await pool.query<{ done: boolean }>(`
          select (select count(*) from swarmplane.request where state <> 'done') = 0
             and exists (select from swarmplane.audit_seal)
             and exists (select from swarmplane.node_key)
             and exists (select from swarmplane.alert)
             and (select count(*) from inventory.system_controls_history) > 1 as done`);
          return rows[0]!.done ? true : undefined;
        },
        'the hub has lived',
        180_000,
      );
      // Of people, in our schema: a view, a table with a reference, and what they were given.
      await asking(old.superUrl).query(`
        set role swarmplane_owner;
        create view inventory.roots as select host, username from inventory.users where uid = 0;
        comment on view inventory.roots is 'ours';
        create table inventory.note (id serial primary key, node_id integer references swarmplane.node, said text);
        create index note_said on inventory.note (said);
        insert into inventory.note (node_id, said) select min(id), 'here' from swarmplane.node;
        create function inventory.said() returns setof text language sql as 'select said from inventory.note';
        alter table swarmplane.node add column rack text;
        update swarmplane.node set rack = 'r' || id;
        grant select on inventory.roots to alice;
        alter default privileges in schema inventory grant select on tables to alice`);
    }

    /** A command that is in the backup and has not been run. */
    async function queueForAway(): Promise<void> {
      await asking(old.url).query(
        `insert into swarmplane.request (action, args, hosts) values ('count', $1, '{web1}')`,
        [{ file: `${runs}-later` }],
      );
      await eventually(async () => {
        const { rowCount } = await asking(old.url).query(
          `select from swarmplane.delivery where state = 'parked'`,
        );
        return rowCount === 1 ? true : undefined;
      }, 'the command waits');
    }

    const count = (path: string): number =>
      existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;

    const patiently = (...args: string[]) =>
      swarmplane(['--state', hub.state, ...args], { timeoutMs: 200_000 });

    async function moveTo(target: TestPostgres, name = ''): Promise<TestDatabase> {
      const database = await target.createDatabase({ empty: true });
      const restored = await patiently(
        'hub',
        'restore',
        `${file}${name}`,
        '--database',
        database.url,
      );
      expect(restored.stdout + restored.stderr).toContain(`restored ${file}${name} of 20`);
      return database;
    }

    async function startHubOn(database: TestDatabase): Promise<TestHost> {
      const args = ['hub', '--database', database.url];
      const moved = new TestHost('hub1', swarm.folder, hub.address, args);
      swarm.hosts[0] = moved;
      moved.start();
      await moved.until((status) => status.hub?.['state'] === 'ready', 'has a hub', 120_000);
      return moved;
    }

    it('is backed up whole: every table is compared on a scratch server, which leaves nothing', async () => {
      const done = await patiently('hub', 'backup', '--verify', file, '--database', old.superUrl);
      expect(done.stdout + done.stderr).toContain('the same number and hash of rows:\n');
      expect(done.stdout).toMatch(
        /\n {2}inventory\.system_controls_history: \d+ rows, [0-9a-f]{16}\n/,
      );
      expect(done.stdout).toContain(`wrote ${file}: `);
      expect(done.stderr).toBe(
        'warning: could not be restored: column rack of swarmplane.node was added by hand: it is back without its constraints\n',
      );
      expect(existsSync(join(hub.state, 'verify'))).toBe(false);
      const again = await hub.cli('hub', 'backup', `${file}-hub`, '--database', old.url);
      expect(again).toMatchObject({ code: 0 });
      expect(again.stderr).toBe(
        'warning: not in the backup: the password of role alice\nwarning: not in the backup: the password of role web_team\n',
      );
    });

    it('is the same in a fresh cluster: rows, objects, rights', async () => {
      const database = await moveTo(source.major === 18 ? fresh : source);
      expect(await contentOf(database.superUrl)).toEqual(before);
      const pool = asking(database.superUrl);
      const { rows } = await pool.query(`
        select a.rolpassword like 'SCRAM-SHA-256$%' as password, a.rolvaliduntil::date::text as until, r.rolconfig,
               (select array_agg(s.setconfig::text order by s.setrole) from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
                 where d.datname = current_database()) as here,
               has_column_privilege('alice', 'swarmplane.lease', 'token', 'select') as may_see,
               has_table_privilege('alice', 'inventory.roots', 'select') as may_read
          from pg_authid a join pg_roles r using (rolname) where a.rolname = 'alice'`);
      expect(rows).toEqual([
        {
          password: true,
          until: '2100-01-01',
          rolconfig: ['statement_timeout=7s'],
          here: ['{work_mem=5MB}', '{"search_path=inventory, \\"$user\\""}'],
          may_see: true,
          may_read: true,
        },
      ]);
      expect((await pool.query('select * from inventory.said()')).rows).toEqual([{ said: 'here' }]);
      const options = { migrationsDir, sqlDir, release: '0.1.0' };
      expect((await migrate(database.pool(), options)).drift).toEqual([]);
    });

    it('goes on in PostgreSQL 18: answers, fetches, proves what it has, runs what waited, once', async () => {
      const database = await moveTo(fresh);
      const pool = asking(database.url);
      const moved = await startHubOn(database);
      const swarmOk = async (...args: string[]) => {
        const { code, stdout, stderr } = await moved.cli(...args, '--database', database.url);
        expect({ code, said: stdout + stderr }).toMatchObject({ code: 0 });
      };
      await swarmOk('audit', 'verify');
      web.start();
      await swarm.whole();
      await eventually(() => (count(`${runs}-later`) === 1 ? true : undefined), 'the command ran');
      expect(count(runs)).toBe(1);
      const { rows } = await pool.query<{ id: number }>(
        `insert into swarmplane.request (sql) values ('select 2 as n') returning id`,
      );
      const { rows: seen } = await pool.query<{ n: number }>(
        `select count(*)::int as n from swarmplane.taking where table_name = 'system_controls'`,
      );
      await eventually(
        async () => {
          const { rows: now } = await pool.query<{ done: boolean }>(
            `select (select ok = targets from swarmplane.request where id = $1)
              and (select count(*) from swarmplane.taking where table_name = 'system_controls') > $2
              and (select count(*) from swarmplane.request where action is not null and ok = 1) = 2 as done`,
            [rows[0]!.id, seen[0]!.n],
          );
          return now[0]!.done ? true : undefined;
        },
        'it answers and fetches',
        120_000,
      );
      expect((await pool.query('table swarmplane.count_fault')).rows).toEqual([]);
      expect((await pool.query('table inventory.overlap')).rows).toEqual([]);
      await swarmOk('audit', 'verify');
      await swarmOk('history', 'verify');
      await moved.end();
    });

    it('put back to before a command ran, does not run it again', async () => {
      const database = await moveTo(fresh, '-hub');
      const { rows } = await asking(database.url).query(
        `select count(*)::int as n from swarmplane.delivery`,
      );
      expect(rows).toEqual([{ n: 1 }]);
      const moved = await startHubOn(database);
      await eventually(async () => {
        const { rowCount } = await asking(database.url).query(
          'select from swarmplane.request where action is not null and ok = 1',
        );
        return rowCount === 2 ? true : undefined;
      }, 'the host has said how it ended');
      expect([count(runs), count(`${runs}-later`)]).toEqual([1, 1]);
      await moved.end();
    });

    it('is not put over a database with data without a word, nor where the login may not', async () => {
      const refused = await swarmplane([
        '--state',
        hub.state,
        'hub',
        'restore',
        file,
        '--database',
        old.url,
      ]);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(/holds a hub's data already: 2 hosts and \d+ requests/);
      expect(refused.stderr).toContain('hint: --replace puts the backup in its place');
      const replace = ['--state', hub.state, 'hub', 'restore', '--replace', file, '--database'];
      const mayNot = await swarmplane([...replace, old.url]);
      expect(mayNot.stderr).toMatch(/permission denied.*\nhint: make an empty database/);
      await asking(old.superUrl).query('alter role swarmplane createdb');
      const done = await swarmplane([...replace, old.url]);
      expect(done.stdout).toContain(`the database of before is kept as "${old.name}_20`);
      expect(await contentOf(old.superUrl)).toEqual(before);
    });
  });

const ACTIONS = `actions:
  count: {program: /bin/sh, args: [-c, 'echo run >> "$1"; echo counted', sh, '{file}'], patterns: {file: '.*'}}
`;

/** A connection for each query, as a restore wants nobody else in the database. */
function asking(url: string): Pick<pg.Client, 'query'> {
  const query = async (sql: string, values: unknown[] = []): Promise<unknown> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return await client.query(sql, values);
    } finally {
      await client.end();
    }
  };
  return { query } as unknown as Pick<pg.Client, 'query'>;
}
