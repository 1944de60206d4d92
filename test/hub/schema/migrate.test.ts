import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPool } from '../../../src/hub/database/database.ts';
import { HubError } from '../../../src/hub/errors.ts';
import {
  compareReleases,
  migrate,
  refuseNewer,
  type MigrateOptions,
} from '../../../src/hub/schema/migrate.ts';
import { readMigrations } from '../../../src/hub/schema/migration-files.ts';
import { eachPostgres, migrationsDir, sqlDir, withPostgres } from '../../helpers/postgres.ts';

/** Folders of migrations and sql made by a test. */
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swarmplane-migrate-'));
  await mkdir(join(folder, 'migrations'));
  await mkdir(join(folder, 'sql'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Writes the files, `migrations/001-a.sql` and the like, and gives the options that use them. */
async function release(version: string, files: Record<string, string>): Promise<MigrateOptions> {
  const own = join(folder, version);
  await mkdir(join(own, 'migrations'), { recursive: true });
  await mkdir(join(own, 'sql'), { recursive: true });
  // Of these releases nothing is compared.
  await writeFile(join(own, 'sql/schema.jsonl'), '');
  for (const [name, text] of Object.entries(files)) await writeFile(join(own, name), text);
  return {
    migrationsDir: join(own, 'migrations'),
    sqlDir: join(own, 'sql'),
    release: version,
    lockTimeoutMs: 200,
  };
}

async function failure(promise: Promise<unknown>): Promise<HubError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HubError);
  return error as HubError;
}

const FIRST = {
  'migrations/001-thing.sql': 'create table swarmplane.thing (id int primary key);',
  'migrations/002-count.sql': 'insert into swarmplane.thing select count(*) from swarmplane.thing;',
  'sql/10-f.sql': `create or replace function swarmplane.f() returns int language sql as 'select swarmplane.g()';`,
  'sql/20-g.sql': `create or replace function swarmplane.g() returns int language sql as 'select 1';`,
};

eachPostgres(
  'migrating',
  (postgres) => {
    it('twenty hubs at once leave one schema, each migration applied by exactly one of them', async () => {
      const database = await postgres().createDatabase({ empty: true });
      const hubs = Array.from({ length: 20 }, () => openPool(database.url, { max: 1 }));
      const options = { migrationsDir, sqlDir, release: '1.0.0' };
      const done = await Promise.all(hubs.map((hub) => migrate(hub, options)));
      const names = (await readMigrations(migrationsDir)).map((migration) => migration.name);
      expect(done.flatMap((each) => each.applied).sort()).toEqual(names);
      expect(done.filter((each) => each.reapplied.length > 0)).toHaveLength(1);
      expect(done.flatMap((each) => each.drift)).toEqual([]);
      const { rows } = await hubs[0]!.query(
        'select name from swarmplane.migration order by version',
      );
      expect(rows.map((row: { name: string }) => row.name)).toEqual(names);
      await Promise.all(hubs.map((hub) => hub.end()));
    });

    it('twenty hubs of two databases of one server at once: roles are shared and made once', async () => {
      const databases = await Promise.all(
        [1, 2].map(() => postgres().createDatabase({ empty: true })),
      );
      const hubs = databases.flatMap((database) =>
        Array.from({ length: 10 }, () => openPool(database.url, { max: 1 })),
      );
      const options = { migrationsDir, sqlDir, release: '1.0.0' };
      const done = await Promise.all(hubs.map((hub) => migrate(hub, options)));
      const count = (await readMigrations(migrationsDir)).length;
      expect(done.flatMap((each) => each.applied)).toHaveLength(2 * count);
      await Promise.all(hubs.map((hub) => hub.end()));
    });

    it('does nothing the second time', async () => {
      const database = await postgres().createDatabase();
      const again = await migrate(database.pool(), { migrationsDir, sqlDir, release: '1.0.0' });
      expect(again).toEqual({ applied: [], reapplied: [], drift: [] });
    });
  },
  { bare: true },
);

describe('releases that follow each other', () => {
  const postgres = withPostgres();
  const emptyPool = async (): Promise<pg.Pool> =>
    (await postgres().createDatabase({ empty: true })).pool();
  const f = (pool: pg.Pool): Promise<unknown> =>
    pool.query('select swarmplane.f() as f').then((result) => (result.rows[0] as { f: number }).f);

  it('a changed file of sql/ brings all of sql/ anew, functions may call later ones', async () => {
    const pool = await emptyPool();
    expect(await migrate(pool, await release('1.0.0', FIRST))).toMatchObject({
      applied: ['001-thing', '002-count'],
      reapplied: ['10-f.sql', '20-g.sql'],
    });
    expect(await f(pool)).toBe(1);
    const next = await release('1.1.0', {
      ...FIRST,
      'sql/20-g.sql': FIRST['sql/20-g.sql'].replace('select 1', 'select 2'),
    });
    expect(await migrate(pool, next)).toMatchObject({
      applied: [],
      reapplied: ['10-f.sql', '20-g.sql'],
    });
    expect(await f(pool)).toBe(2);
  });

  it('an older hub leaves the sql/ of a newer one alone', async () => {
    const pool = await emptyPool();
    const old = await release('1.0.0', FIRST);
    const next = await release('1.1.0', {
      ...FIRST,
      'sql/20-g.sql': FIRST['sql/20-g.sql'].replace('select 1', 'select 2'),
    });
    await migrate(pool, next);
    expect(await migrate(pool, old)).toEqual({ applied: [], reapplied: [], drift: undefined });
    expect(await f(pool)).toBe(2);
  });

  it('an older hub works on under a newer migration that breaks nothing', async () => {
    const pool = await emptyPool();
    await migrate(
      pool,
      await release('1.1.0', { ...FIRST, 'migrations/003-more.sql': '-- a new table\nselect 1;' }),
    );
    await migrate(pool, await release('1.0.0', FIRST));
  });

  it('an older hub refuses to start after a breaking migration, and says which release is needed', async () => {
    const pool = await emptyPool();
    await migrate(
      pool,
      await release('2.0.0', {
        ...FIRST,
        'migrations/003-other.sql': '-- Renames things.\n-- breaking\nselect 1;',
      }),
    );
    const error = await failure(migrate(pool, await release('1.0.0', FIRST)));
    expect(error.code).toBe('database_too_new');
    expect(error.message).toContain('003-other of swarmplane 2.0.0');
    expect(error.hint).toContain('install swarmplane 2.0.0 or newer');
  });

  it('a hub at work learns of a breaking migration when it asks', async () => {
    const pool = await emptyPool();
    const old = await release('1.0.0', FIRST);
    await migrate(pool, old);
    const known = await readMigrations(old.migrationsDir);
    await refuseNewer(pool, known);
    await migrate(
      pool,
      await release('2.0.0', { ...FIRST, 'migrations/003-other.sql': '-- breaking\nselect 1;' }),
    );
    expect((await failure(refuseNewer(pool, known))).code).toBe('database_too_new');
  });

  it('a word in a comment further down does not make a migration a breaking one', async () => {
    const options = await release('1.0.0', { 'migrations/001-a.sql': 'select 1;\n-- breaking\n' });
    expect(
      (await readMigrations(options.migrationsDir)).map((migration) => migration.breaking),
    ).toEqual([false]);
  });

  it('a migration that was changed after it was applied is refused by name', async () => {
    const pool = await emptyPool();
    await migrate(pool, await release('1.0.0', FIRST));
    const error = await failure(
      migrate(
        pool,
        await release('1.0.1', {
          ...FIRST,
          'migrations/001-thing.sql': 'create table swarmplane.thing (id bigint);',
        }),
      ),
    );
    expect(error.code).toBe('migration_changed');
    expect(error.message).toContain('001-thing');
  });

  it('other line ends are no change', async () => {
    const pool = await emptyPool();
    await migrate(
      pool,
      await release('1.0.0', { 'migrations/001-a.sql': 'select 1;\nselect 2;\n' }),
    );
    await migrate(
      pool,
      await release('1.0.1', { 'migrations/001-a.sql': 'select 1;\r\nselect 2;\r\n' }),
    );
  });
});

describe('a migration that fails', () => {
  const postgres = withPostgres();

  it('leaves nothing behind and names its file and line', async () => {
    const pool = (await postgres().createDatabase({ empty: true })).pool();
    const bad = await release('1.0.0', {
      'migrations/001-a.sql': 'create table swarmplane.a ();',
      'migrations/002-b.sql': 'create table swarmplane.b ();\n\nselect nothing;',
    });
    const error = await failure(migrate(pool, bad));
    expect(error.code).toBe('migration_failed');
    expect(error.message).toBe('migrations/002-b.sql:3: column "nothing" does not exist');
    const { rows } = await pool.query(
      `select name, to_regclass('swarmplane.b') as b from swarmplane.migration`,
    );
    expect(rows).toEqual([{ name: '001-a', b: null }]);
  });

  it('is refused when it commits by itself', async () => {
    const pool = (await postgres().createDatabase({ empty: true })).pool();
    const error = await failure(
      migrate(pool, await release('1.0.0', { 'migrations/001-a.sql': 'commit; begin;' })),
    );
    expect(error.code).toBe('bad_migration');
  });

  it('waits for a table that is in use, in short tries that let others pass', async () => {
    const pool = (await postgres().createDatabase({ empty: true })).pool();
    await migrate(pool, await release('1.0.0', FIRST));
    const user = await pool.connect();
    await user.query('begin; lock table swarmplane.thing');
    let tries = 0;
    const options = await release('1.1.0', {
      ...FIRST,
      'migrations/003-column.sql': 'alter table swarmplane.thing add x int;',
    });
    const log = {
      debug() {},
      info() {},
      error() {},
      warn: () => void (++tries === 2 && void user.query('commit')),
    };
    const { applied } = await migrate(pool, { ...options, log });
    expect(applied).toEqual(['003-column']);
    expect(tries).toBeGreaterThanOrEqual(2);
    user.release();
  });

  it('for want of a right says which right, and how to give it', async () => {
    const database = await postgres().createDatabase({ empty: true });
    const pool = database.pool(await database.urlAs('nobody_much'));
    const error = await failure(migrate(pool, await release('1.0.0', FIRST)));
    expect(error.code).toBe('missing_privilege');
    expect(error.hint).toContain('createrole');
  });
});

describe('a hub that may not migrate', () => {
  const postgres = withPostgres();

  it('starts on a database that another one migrated, and sees drift there', async () => {
    const database = await postgres().createDatabase();
    const hub = database.pool(await database.urlAs('worker', ['swarmplane_hub']));
    const options = { migrationsDir, sqlDir, release: '0.0.0' };
    expect(await migrate(hub, options)).toEqual({ applied: [], reapplied: [], drift: [] });
    await database
      .pool(database.superUrl)
      .query('alter table swarmplane.result disable row level security');
    expect((await migrate(hub, options)).drift).toMatchObject([
      { kind: 'table', name: 'swarmplane.result', change: 'changed' },
    ]);
  });

  it('says that it may not apply what its own release brings', async () => {
    const database = await postgres().createDatabase({ empty: true });
    await migrate(database.pool(), await release('1.0.0', FIRST));
    const hub = database.pool(await database.urlAs('worker'));
    await database
      .pool(database.superUrl)
      .query(
        'grant usage on schema swarmplane to worker; grant select on all tables in schema swarmplane to worker',
      );
    const next = await release('1.1.0', { ...FIRST, 'migrations/003-c.sql': 'select 1;' });
    expect((await failure(migrate(hub, next))).code).toBe('missing_privilege');
  });
});

describe('the names of migrations', () => {
  it.each([
    [{ 'migrations/1-a.sql': '' }, 'NNN-topic.sql'],
    [{ 'migrations/001-a.sql': '', 'migrations/003-c.sql': '' }, 'none left out'],
    [{ 'migrations/001-a.sql': '', 'migrations/001-b.sql': '' }, 'each number once'],
  ])('%j is refused', async (files, hint) => {
    const options = await release('1.0.0', files as Record<string, string>);
    const error = await failure(readMigrations(options.migrationsDir));
    expect(error.code).toBe('bad_migration');
    expect(error.hint).toContain(hint);
  });
});

it('orders releases as semver does', () => {
  const sorted = ['0.9.0', '0.10.0-beta.1', '0.10.0', '1.0.0-alpha', '1.0.0', '1.0.1'];
  expect([...sorted].reverse().sort(compareReleases)).toEqual(sorted);
  expect(compareReleases('1.0.0+build', '1.0.0')).toBe(0);
});
