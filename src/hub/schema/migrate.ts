/**
 * The migration runner. Forward only. Each migration is one transaction that writes its row into
 * swarmplane.migration first: hubs that race meet at that row, one goes on, the others wait and find
 * the work done. After them the files of sql/ are applied again, all in one transaction, if any of
 * them changed. Nothing here needs more than CREATEROLE and the right to create a schema.
 */
import type pg from 'pg';
import { refuseEncoding } from '../database/database.ts';
import { HubError, codeOf, messageOf } from '../errors.ts';
import { silentLog, type Log } from '../log.ts';
import { missingPrivilege, retried, runFile, transaction, type Run } from './migration-run.ts';
import {
  fingerprint,
  readMigrations,
  readSqlFiles,
  type Migration,
  type SqlFile,
} from './migration-files.ts';
import { refuseDisowned } from './ownership.ts';
import { refuseUnfinished } from './restore-mark.ts';
import { lookForDrift, type Drift } from './drift.ts';

export interface MigrateOptions {
  readonly migrationsDir: string;
  readonly sqlDir: string;
  /** Version of this program; sql/ written by a newer one is left alone. */
  readonly release: string;
  readonly log?: Log;
  /** Longest wait for a table that others use, before trying anew. */
  readonly lockTimeoutMs?: number;
  /** Stops after this migration and leaves sql/ out: for a restore. */
  readonly upTo?: number;
  /** The database is marked as restored in part, by the caller. */
  readonly restoring?: boolean;
}

export interface Migrated {
  /** Names of the migrations this call applied. */
  readonly applied: readonly string[];
  /** Names of the files of sql/, all of them if any had changed, else none. */
  readonly reapplied: readonly string[];
  /** What is not as this release made it, once all is applied; undefined where it could not be looked for. */
  readonly drift: readonly Drift[] | undefined;
}

/**
 * Brings the database to what this program needs.
 * @throws HubError bad_migration, migration_changed, migration_failed, migration_blocked,
 *   database_too_new, missing_privilege, not_utf8, restore_unfinished, roles_missing, not_owned
 */
export async function migrate(pool: pg.Pool, options: MigrateOptions): Promise<Migrated> {
  const migrations = await readMigrations(options.migrationsDir);
  const files = await readSqlFiles(options.sqlDir);
  const client = await pool.connect();
  const run: Run = {
    client,
    log: options.log ?? silentLog,
    lockTimeoutMs: options.lockTimeoutMs ?? 5_000,
    release: options.release,
  };
  try {
    await withoutTimeouts(client);
    await refuseOtherEncodings(client);
    if (options.restoring !== true) await refuseUnfinished(client);
    await retried(run, 'preparing the database', () => prepare(run));
    if (options.restoring !== true) await refuseDisowned(client);
    await refuseNewer(client, migrations);
    await checkApplied(client, migrations);
    const { upTo } = options;
    if (upTo !== undefined) return await migratePart(run, migrations, upTo);
    const applied = await applyMigrations(run, migrations);
    const reapplied = await retried(run, 'applying sql/', () => applySql(run, files));
    return { applied, reapplied, drift: await drifted(run, options) };
  } catch (error) {
    throw codeOf(error) === '42501' ? missingPrivilege(messageOf(error), error) : error;
  } finally {
    // Session settings were changed: this connection goes, the pool opens another.
    client.release(true);
  }
}

/**
 * For a hub that is already at work: throws once a newer hub has applied a breaking migration.
 * One cheap read; call it with every heartbeat.
 * @throws HubError database_too_new
 */
export async function refuseNewer(
  db: pg.Pool | pg.ClientBase,
  known: readonly { readonly version: number }[],
): Promise<void> {
  const newest = known.at(-1)?.version ?? 0;
  const { rows } = await db.query<{ name: string; release: string }>(
    'select name, release from swarmplane.migration where breaking and version > $1 order by version limit 1',
    [newest],
  );
  const row = rows[0];
  if (row === undefined) return;
  throw new HubError(
    'database_too_new',
    `the database holds the breaking migration ${row.name} of swarmplane ${row.release}, which this hub does not know`,
    { hint: `install swarmplane ${row.release} or newer on this machine and start the hub again` },
  );
}

/** A hub that may not look starts all the same, and tells of it as long as it may not. */
async function drifted({ client, log }: Run, options: MigrateOptions): Promise<Migrated['drift']> {
  try {
    return await lookForDrift(client, options);
  } catch (error) {
    if (error instanceof HubError) throw error;
    log.warn({ error: messageOf(error) }, 'cannot look for changes made by hand');
    return undefined;
  }
}

/** A pool's limits are for queries of a second or two; waiting for another hub may take longer. */
async function withoutTimeouts(client: pg.PoolClient): Promise<void> {
  (
    client as unknown as { connectionParameters: { query_timeout: number } }
  ).connectionParameters.query_timeout = 0;
  await client.query(`
    set statement_timeout = 0;
    set idle_in_transaction_session_timeout = 0;
    set client_min_messages = warning;
    set timezone = 'UTC';
    set search_path = pg_catalog, pg_temp`);
}

/** Also of a restore, which connects by itself. */
async function refuseOtherEncodings(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ encoding: string; name: string }>(
    'select getdatabaseencoding() as encoding, current_database() as name',
  );
  refuseEncoding(rows[0]!.encoding, rows[0]!.name);
}

/** `create if not exists` collides when two sessions do it at once: the caller tries again. */
async function prepare({ client }: Run): Promise<void> {
  const { rows } = await client.query<{ ready: boolean }>(
    `select to_regclass('swarmplane.sql_file') is not null as ready`,
  );
  if (rows[0]!.ready) return;
  await transaction(client, () => client.query(BOOKKEEPING));
}

const BOOKKEEPING = `
  create schema if not exists swarmplane;
  create table if not exists swarmplane.migration (
    version int primary key,
    name text not null,
    checksum text not null,
    breaking boolean not null,
    release text not null,
    applied_at timestamptz not null default now(),
    applied_by text not null default session_user
  );
  create table if not exists swarmplane.sql_file (
    name text primary key,
    checksum text not null,
    release text not null,
    applied_at timestamptz not null default now()
  );
  comment on table swarmplane.migration is 'Private. Migrations that were applied, by the runner.';
  comment on table swarmplane.sql_file is 'Private. Files of sql/ as they were last applied.';`;

async function checkApplied(
  client: pg.ClientBase,
  migrations: readonly Migration[],
): Promise<void> {
  const { rows } = await client.query<{ version: number; name: string; checksum: string }>(
    'select version, name, checksum from swarmplane.migration order by version',
  );
  for (const row of rows) {
    const file = migrations[row.version - 1];
    if (file === undefined || file.checksum === row.checksum) continue;
    throw new HubError(
      'migration_changed',
      `migrations/${file.name}.sql is not what was applied to this database as ${row.name}`,
      {
        hint: 'a released migration never changes: restore the file and write a new one with the next number',
      },
    );
  }
}

async function migratePart(
  run: Run,
  migrations: readonly Migration[],
  upTo: number,
): Promise<Migrated> {
  if (upTo > migrations.length)
    throw new HubError(
      'database_too_new',
      `migration ${upTo} is not known to swarmplane ${run.release}`,
      {
        hint: 'install the swarmplane that wrote it, or a newer one',
      },
    );
  return {
    applied: await applyMigrations(run, migrations.slice(0, upTo)),
    reapplied: [],
    drift: [],
  };
}

async function applyMigrations(run: Run, migrations: readonly Migration[]): Promise<string[]> {
  const { rows } = await run.client.query<{ version: number }>(
    'select version from swarmplane.migration',
  );
  const done = new Set(rows.map((row) => row.version));
  const applied: string[] = [];
  for (const migration of migrations) {
    if (done.has(migration.version)) continue;
    const mine = await retried(run, migration.name, () => applyMigration(run, migration));
    if (!mine) continue;
    run.log.info({ migration: migration.name }, 'migration applied');
    applied.push(migration.name);
  }
  return applied;
}

/** True when this call applied it, false when another hub did. */
function applyMigration(run: Run, migration: Migration): Promise<boolean> {
  const { client } = run;
  return transaction(client, async () => {
    // Waits here, without a limit, for a hub that is applying the same one.
    const { rowCount } = await client.query(
      `insert into swarmplane.migration (version, name, checksum, breaking, release)
       values ($1, $2, $3, $4, $5) on conflict (version) do nothing`,
      [migration.version, migration.name, migration.checksum, migration.breaking, run.release],
    );
    if (rowCount === 0) return false;
    await client.query(`set local lock_timeout = ${run.lockTimeoutMs}`);
    await runFile(client, `migrations/${migration.name}.sql`, migration.text);
    return true;
  });
}

/** Names of the files applied: all or none. */
async function applySql(run: Run, files: readonly SqlFile[]): Promise<string[]> {
  if (!(await sqlIsDue(run, files))) return [];
  const { client } = run;
  return transaction(client, async () => {
    await client.query('lock table swarmplane.sql_file in share row exclusive mode');
    if (!(await sqlIsDue(run, files))) return [];
    await client.query(`set local lock_timeout = ${run.lockTimeoutMs}`);
    // A function may call one that a later file makes.
    await client.query('set local check_function_bodies = off');
    for (const file of files) await runFile(client, `sql/${file.name}`, file.text);
    await client.query('set local search_path = pg_catalog, pg_temp');
    await rememberFiles(run, files);
    run.log.info({ files: files.length }, 'sql/ applied');
    return files.map((file) => file.name);
  });
}

async function sqlIsDue(run: Run, files: readonly SqlFile[]): Promise<boolean> {
  const { rows } = await run.client.query<{ name: string; checksum: string; release: string }>(
    'select name, checksum, release from swarmplane.sql_file order by name collate "C"',
  );
  // Of two releases on one database the newer one's functions stay; they would take turns otherwise.
  if (rows.some((row) => compareReleases(row.release, run.release) > 0)) return false;
  return fingerprint(rows) !== fingerprint(files);
}

async function rememberFiles(run: Run, files: readonly SqlFile[]): Promise<void> {
  await run.client.query('delete from swarmplane.sql_file');
  await run.client.query(
    `insert into swarmplane.sql_file (name, checksum, release)
     select name, checksum, $3 from unnest($1::text[], $2::text[]) as file (name, checksum)`,
    [files.map((file) => file.name), files.map((file) => file.checksum), run.release],
  );
}

/** Like semver's order, pre-release parts by text. */
export function compareReleases(a: string, b: string): number {
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (left.numbers[i] ?? 0) - (right.numbers[i] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.pre === right.pre) return 0;
  if (left.pre === '' || right.pre === '') return left.pre === '' ? 1 : -1;
  return left.pre < right.pre ? -1 : 1;
}

function parts(release: string): { numbers: number[]; pre: string } {
  const [version = '', ...rest] = release.split('+')[0]!.split('-');
  return { numbers: version.split('.').map(Number), pre: rest.join('-') };
}
