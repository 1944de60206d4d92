/**
 * A backup of a database at every migration there is, restored by this release: what comes of it is
 * what that database becomes when it is migrated in place. A new migration is in the list by itself;
 * so is each earlier one, restored through it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readCatalog } from '../../../src/hub/backup/catalog.ts';
import { backup } from '../../../src/hub/backup/backup.ts';
import { openPool } from '../../../src/hub/database/database.ts';
import { readMigrations } from '../../../src/hub/schema/migration-files.ts';
import { migrate } from '../../../src/hub/schema/migrate.ts';
import { restore } from '../../../src/hub/backup/restore.ts';
import {
  migrationsDir,
  sqlDir,
  whyWithout,
  withPostgres,
  type TestDatabase,
} from '../../helpers/postgres.ts';
import { contentOf } from './database-content.ts';
import { needs } from '../../helpers/needs.ts';

// Servers and processes of their own: slow where others work as well.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 300_000 });

/** Of a real hub with four hosts at migration 16: requests, actions, schedules, history, seals, keys. */
const LIFE = fileURLToPath(new URL('files/version-1.backup', import.meta.url));

const THIS = { migrationsDir, sqlDir, release: '0.1.0' };
const started = new Date();
const migrations = await readMigrations(migrationsDir);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swarmplane-levels-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

for (const major of [18, 15] as const)
  needs(
    `PostgreSQL ${major}`,
    whyWithout(major) === undefined,
    describe,
  )(`a backup of an earlier release (PostgreSQL ${major})`, () => {
    const postgres = withPostgres({ major });
    let life: TestDatabase;

    beforeAll(async () => {
      life = await postgres().createDatabase({ empty: true });
      // No superuser: as on a server of one's own.
      await restore({ ...THIS, superUrl: life.url, hubUrl: life.url, file: LIFE });
    });

    it('of format 1, which no release could restore, is restored', async () => {
      const pool = life.pool();
      const count = async (sql: string): Promise<number> =>
        (await pool.query<{ n: number }>(`select count(*)::int as n from ${sql}`)).rows[0]!.n;
      expect(await count('swarmplane.node')).toBe(4);
      expect(await count('swarmplane.request')).toBe(7);
      expect(await count('inventory.users')).toBeGreaterThan(40);
      expect(await count('inventory.uptime_history')).toBeGreaterThan(10);
      expect(await count('inventory.changes')).toBeGreaterThan(100);
      expect(await count('swarmplane.audit_seal')).toBeGreaterThan(0);
      expect(await count('swarmplane.count_fault')).toBe(0);
      expect(await count('inventory.overlap')).toBe(0);
      expect(await migrate(pool, THIS)).toEqual({ applied: [], reapplied: [], drift: [] });
    });

    // The oldest server takes as long as the newest: of it the latest ones only.
    const levels = major === 18 ? migrations : migrations.slice(-3);

    it('gives our roles nothing that this release keeps from them', async () => {
      const was = await postgres().createDatabase({ empty: true });
      await restore({ ...THIS, superUrl: was.url, hubUrl: was.url, file: LIFE });
      // As a release that did not call the table sensitive left it.
      await was.pool(was.superUrl).query(`
        update swarmplane.host_table set sensitive = true where name = 'users';
        create policy of_before on inventory.users_current using (true);
        grant select on inventory.users, inventory.users_current to swarmplane_reader;
        set role swarmplane_owner;
        create view inventory.ours as select 1 as one;
        create table inventory.notes (said text);
        grant select on inventory.ours, inventory.notes to swarmplane_reader`);
      const file = join(folder, `${major}-sensitive.backup`);
      await backup({ url: was.url, file, release: '0.1.0' });
      const now = await postgres().createDatabase({ empty: true });
      await restore({ ...THIS, superUrl: now.url, hubUrl: now.url, file });
      const { rows } = await now.pool().query(`
        select name, has_table_privilege('swarmplane_reader', 'inventory.' || name, 'select') as reads,
               (select count(*)::int from pg_policy where polrelid = ('inventory.' || name)::regclass) as policies
          from unnest('{users,users_current,ours,notes}'::text[]) name`);
      expect(rows).toEqual([
        { name: 'users', reads: false, policies: 0 },
        { name: 'users_current', reads: false, policies: 1 },
        { name: 'ours', reads: true, policies: 0 },
        { name: 'notes', reads: true, policies: 0 },
      ]);
    });

    it.each(levels.map(({ name, version }) => [name, version] as const))(
      'at migration %s becomes what migrating in place makes of that database',
      async (_, version) => {
        const old = await databaseAt(version);
        const file = join(folder, `${major}-${version}.backup`);
        const { rows } = await backup({ url: old.url, file, release: '0.1.0' });
        expect(rows > 0).toBe(version > 1);
        const restored = await postgres().createDatabase({ empty: true });
        const { notDone } = await restore({
          ...THIS,
          superUrl: restored.url,
          hubUrl: restored.url,
          file,
        });
        expect(notDone).toEqual([]);
        await migrate(old.pool(), THIS);
        // What a migration writes has the time at which it ran.
        const found = await contentOf(restored.superUrl, started);
        expect(found).toEqual(await contentOf(old.superUrl, started));
        if (version >= 3)
          expect(
            (await restored.pool().query('select count(*)::int as n from swarmplane.request')).rows,
          ).toEqual([{ n: 7 }]);
      },
    );

    /** A database at that migration with as much of the life as its tables take. */
    async function databaseAt(version: number): Promise<TestDatabase> {
      const database = await postgres().createDatabase({ empty: true });
      const pool = openPool(database.url, { max: 1 });
      await migrate(pool, { ...THIS, upTo: version });
      await pool.end();
      const [from, to] = await Promise.all([life.superUrl, database.superUrl].map(connect));
      try {
        await to!.query('set session_replication_role = replica');
        await makeTables(from!, to!);
        const names = await tablesOf(to!);
        const settings = await settingsOf(to!);
        if (names.length > 0) await to!.query(`truncate ${names.join(', ')}`);
        for (const name of names) await copyTable(from!, to!, name, settings);
        await to!.query(SEQUENCES_TO_THE_END);
      } finally {
        await from!.end();
        await to!.end();
      }
      return database;
    }
  });

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('set search_path = pg_catalog');
  return client;
}

/** Typed tables and partitions, which come to be at run time. */
async function makeTables(from: pg.Client, to: pg.Client): Promise<void> {
  const { tables, objects } = await readCatalog(from, false);
  const hasHistory = await exists(to, 'swarmplane.tracked_table');
  for (const group of tables) {
    const [, name, parent] = /^create table (\S+)(?: partition of (\S+))?/.exec(group[0]!) ?? [];
    if (name === undefined) continue;
    const isInventory = name.startsWith('inventory.');
    if (isInventory ? !hasHistory : parent === undefined || !(await exists(to, parent))) continue;
    if (!(await exists(to, name))) for (const text of group) await to.query(text);
  }
  if (!hasHistory) return;
  for (const [text] of objects) if (/^CREATE INDEX/.test(text!)) await to.query(text!);
}

async function exists(client: pg.Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    'select to_regclass($1) is not null as there',
    [name],
  );
  return rows[0]!.there;
}

async function tablesOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(`
    select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('swarmplane', 'inventory') and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname not in ('migration', 'sql_file')`);
  return rows.map(({ name }) => name);
}

/** Those that migrations so far brought: later ones bring theirs. */
async function settingsOf(client: pg.Client): Promise<string[]> {
  if (!(await exists(client, 'swarmplane.setting'))) return [];
  const { rows } = await client.query<{ name: string }>('select name from swarmplane.setting');
  return rows.map(({ name }) => name);
}

/** The columns that both have. */
async function copyTable(
  from: pg.Client,
  to: pg.Client,
  name: string,
  settings: readonly string[],
): Promise<void> {
  if (!(await exists(from, name))) return;
  const theirs = new Set(await columnsOf(from, name));
  const columns = (await columnsOf(to, name)).filter((column) => theirs.has(column)).join(', ');
  const { rows } = await from.query<{ row: string }>(
    `select to_jsonb(t)::text as row from ${name} t
      where $1 <> 'swarmplane.setting' or to_jsonb(t) ->> 'name' = any ($2)`,
    [name, settings],
  );
  await to.query(
    `insert into ${name} (${columns}) overriding system value
     select ${columns} from jsonb_populate_recordset(null::${name}, $1)`,
    [`[${rows.map(({ row }) => row).join(',')}]`],
  );
}

async function columnsOf(client: pg.Client, name: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select quote_ident(attname) as name from pg_attribute
      where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
    [name],
  );
  return rows.map((row) => row.name);
}

const SEQUENCES_TO_THE_END = `
  do $$
  declare
    owned record;
  begin
    for owned in
      select d.refobjid::regclass as of_table, a.attname, d.objid::regclass as sequence
        from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
       where d.deptype = 'i' and d.classid = 'pg_class'::regclass
         and (select relkind from pg_class where oid = d.objid) = 'S'
         and (select relnamespace::regnamespace::text from pg_class where oid = d.objid) in ('swarmplane', 'inventory')
    loop
      execute format('select setval(%L, max(%I)) from %s', owned.sequence, owned.attname, owned.of_table);
    end loop;
  end
  $$`;
