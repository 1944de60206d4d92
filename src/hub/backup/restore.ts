/**
 * Restores a backup: into a database that no hub has used, or beside the one in use, which it takes the
 * place of when all of it is there. Until then the database is marked, and no hub starts on it. The
 * file's statements run as the login given, a superuser for the embedded server: restore only what
 * you would run.
 */
import pg from 'pg';
import { Client } from '../database/client.ts';
import { notABackup, readBackup, type BackupLine } from './format.ts';
import { Loader, type LoadedTable } from './loader.ts';
import {
  endPool,
  explainFailure,
  openPool,
  connectionString,
  redactUrl,
} from '../database/database.ts';
import { HubError, codeOf, messageOf } from '../errors.ts';
import { migrate, type MigrateOptions } from '../schema/migrate.ts';
import { isUnfinished, markFinished, markUnfinished } from '../schema/restore-mark.ts';

export interface RestoreOptions extends MigrateOptions {
  /** A superuser's URL, on any database of the server; the same as hubUrl where there is none. */
  readonly superUrl: string;
  /** The hub's URL: where the backup goes. Its user owns what is made. */
  readonly hubUrl: string;
  readonly file: string;
  /** Puts the backup in the place of a database that holds a hub's data, which is kept under another name. */
  readonly replace?: boolean;
}

export interface Restored {
  readonly file: string;
  readonly tables: readonly LoadedTable[];
  readonly rows: number;
  /** When the backup was taken, ISO 8601. */
  readonly at: string;
  /** What the replaced database is called now; undefined where none was. */
  readonly formerDatabase: string | undefined;
  /** What the backup has and the server or the login did not let be made: a phrase each. */
  readonly notDone: readonly string[];
}

/**
 * @throws HubError not_a_backup, backup_incomplete, backup_too_new, backup_differs, unreadable,
 *   database_has_data, database_in_use, restore_running, missing_privilege, and migrate()'s
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const head = await readHead(options.file);
  const { name, owner, state } = await lookAt(options);
  const loaded =
    state === 'has_data'
      ? await restoreBeside(options, name, owner)
      : { ...(await load(options, name)), formerDatabase: undefined };
  const rows = loaded.tables.reduce((sum, table) => sum + table.rows, 0);
  return { file: options.file, at: head.at, rows, ...loaded };
}

/** Before anything is touched. */
async function readHead(file: string): Promise<Extract<BackupLine, { kind: 'head' }>> {
  for await (const line of readBackup(file)) {
    if (line.kind === 'head') return line;
    break;
  }
  throw notABackup(file);
}

async function connected(url: string): Promise<pg.Client> {
  const client = new Client({ connectionString: connectionString(url), application_name: NAME });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw explainFailure(error, url);
  }
}

const NAME = 'swarmplane restore';

interface Found {
  readonly name: string;
  /** The hub's login. */
  readonly owner: string;
  readonly state: 'empty' | 'has_data';
}

/** What is in the hub's database; what a restore that was killed left there is removed. */
async function lookAt(options: RestoreOptions): Promise<Found> {
  const hub = await connected(options.hubUrl);
  const { rows } = await hub
    .query<{ name: string; owner: string }>(
      'select current_database() as name, current_user as owner',
    )
    .finally(() => hub.end());
  const { name, owner } = rows[0]!;
  const client = await connected(withDatabase(options.superUrl, name));
  try {
    await refuseInUse(client, name);
    await refuseConcurrent(client);
    if (await isUnfinished(client)) await removeSchemas(client);
    const schemas = await ourSchemas(client);
    if (schemas.length === 0) return { name, owner, state: 'empty' };
    if (options.replace === true) return { name, owner, state: 'has_data' };
    throw await hasData(client, name, options.hubUrl, schemas);
  } finally {
    await client.end();
  }
}

async function ourSchemas(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select nspname as name from pg_namespace where nspname in ('swarmplane', 'inventory') order by 1`,
  );
  return rows.map((row) => row.name);
}

async function hasData(
  client: pg.Client,
  name: string,
  url: string,
  schemas: readonly string[],
): Promise<HubError> {
  const { rows } = await client
    .query<{ hosts: number; requests: number; at: string | null }>(
      `select (select count(*)::int from swarmplane.node) as hosts,
              (select count(*)::int from swarmplane.request) as requests,
              (select to_char(max(seen_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') from swarmplane.hub) as at`,
    )
    .catch(() => ({ rows: [] }));
  const [row] = rows;
  const holds =
    row === undefined
      ? `schema ${schemas.join(' and schema ')}`
      : `${row.hosts} hosts and ${row.requests} requests; a hub was last at work on it ${row.at ?? 'never'}`;
  return new HubError(
    'database_has_data',
    `database "${name}" at ${redactUrl(url)} holds a hub's data already: ${holds}`,
    {
      hint: `--replace puts the backup in its place and keeps it under another name, "${name}_DATE"; or name an empty database`,
    },
  );
}

/** A restore that was just killed goes away by itself. */
async function refuseInUse(client: pg.Client, name: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { rows } = await client.query<{ application_name: string }>(
      `select application_name from pg_stat_activity
        where datname = $1 and backend_type = 'client backend' and pid <> pg_backend_pid()
        order by application_name = $2 limit 1`,
      [name, NAME],
    );
    const [other] = rows;
    if (other === undefined) return;
    if (other.application_name === NAME && attempt < 50) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      continue;
    }
    throw new HubError(
      'database_in_use',
      `the database is in use by ${JSON.stringify(other.application_name)}`,
      { hint: 'stop the hub and close other sessions first' },
    );
  }
}

// 'swarmres' in ASCII, of this session.
const RESTORE_LOCK = '8319119823914824051';

async function refuseConcurrent(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ mine: boolean }>(
    `select pg_try_advisory_lock(${RESTORE_LOCK}) as mine`,
  );
  if (rows[0]!.mine) return;
  // Any login may hold an advisory lock: who does is named, so that nobody waits for a stranger.
  const { rows: holders } = await client.query<{ pid: number; usename: string }>(
    `select pid, usename from pg_locks join pg_stat_activity using (pid)
      where locktype = 'advisory' and granted and (classid::bigint << 32 | objid::bigint) = ${RESTORE_LOCK}`,
  );
  const who = holders.map(({ pid, usename }) => `process ${pid} of ${usename}`).join(', ');
  throw new HubError('restore_running', `another restore on this server is under way: ${who}`, {
    hint: 'wait for it to end, or end that session if it is no restore: select pg_terminate_backend(PID)',
  });
}

/** Also after an error in a transaction. One by one: a server has locks for some thousand objects only. */
async function removeSchemas(client: pg.Client): Promise<void> {
  await client.query('rollback');
  const { rows } = await client.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class
      where relnamespace = to_regnamespace('inventory') and relkind in ('r', 'p') and not relispartition`,
  );
  for (const { name } of rows) await client.query(`drop table ${name} cascade`);
  await client.query('drop schema if exists inventory, swarmplane cascade');
}

type Loaded = Pick<Restored, 'tables' | 'notDone'>;

/** Into a new database, which then takes the place of the old one. */
async function restoreBeside(
  options: RestoreOptions,
  name: string,
  owner: string,
): Promise<Loaded & { formerDatabase: string }> {
  const fresh = `${name}_restore`;
  const admin = await connected(withDatabase(options.superUrl, 'postgres'));
  try {
    await refuseConcurrent(admin);
    await mayCreate(admin, name, () => dropDatabase(admin, fresh));
    await mayCreate(admin, name, () =>
      admin.query(
        `create database ${pg.escapeIdentifier(fresh)} owner ${pg.escapeIdentifier(owner)} template template0`,
      ),
    );
    const loaded = await load(options, fresh);
    return { ...loaded, formerDatabase: await takePlace(admin, name, fresh) };
  } catch (error) {
    await dropDatabase(admin, fresh).catch(() => undefined);
    throw error;
  } finally {
    await admin.end();
  }
}

async function dropDatabase(admin: pg.Client, name: string): Promise<void> {
  await admin.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
}

async function mayCreate(
  admin: pg.Client,
  name: string,
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (codeOf(error) !== '42501') throw error;
    throw new HubError(
      'missing_privilege',
      `cannot replace database "${name}": ${messageOf(error)}`,
      {
        cause: error,
        hint: `make an empty database and name it in --database; or, as a superuser: alter role ${admin.user} createdb`,
      },
    );
  }
}

/** At once or not at all. The old database keeps its data under another name. */
async function takePlace(admin: pg.Client, name: string, fresh: string): Promise<string> {
  await refuseInUse(admin, name);
  const former = `${name}_${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}`;
  const [old, now, kept] = [name, fresh, former].map((each) => pg.escapeIdentifier(each));
  await admin.query(`
    begin;
    alter database ${old} rename to ${kept};
    alter database ${now} rename to ${old};
    commit`);
  return former;
}

/** Migrates to where the backup was, loads, migrates on. When it fails the database is as empty as before. */
async function load(options: RestoreOptions, database: string): Promise<Loaded> {
  const hubUrl = withDatabase(options.hubUrl, database);
  const limits = { max: 2, statementTimeoutMs: 0, applicationName: NAME };
  const pool = openPool(hubUrl, limits);
  const hub = await connected(hubUrl);
  const client = await connected(withDatabase(options.superUrl, database));
  const restoring = { ...options, restoring: true };
  const loader = new Loader({
    client,
    hub,
    database,
    migrateTo: (upTo) => migrate(pool, { ...restoring, upTo }),
  });
  let marked = false;
  try {
    await markUnfinished(hub, options.file);
    marked = true;
    for await (const line of readBackup(options.file)) await loader.take(line);
    loader.finish(options.file);
    await migrate(pool, restoring);
    await loader.makeObjects();
    await markFinished(hub);
    return { tables: loader.tables, notDone: loader.notDone };
  } catch (error) {
    if (marked) await removeSchemas(client).catch(() => undefined);
    throw error;
  } finally {
    await hub.end();
    await client.end();
    await endPool(pool);
  }
}

function withDatabase(url: string, database: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${encodeURIComponent(database)}`;
  return parsed.href;
}
