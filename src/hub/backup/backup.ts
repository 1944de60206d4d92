/**
 * A backup of the hub's database in one file, taken while it works, all of one moment. It is logical:
 * the schema comes from the migrations again, so it can be restored on another major version of
 * PostgreSQL or another kind of machine. backup-format.ts has the file.
 */
import { createWriteStream, existsSync } from 'node:fs';
import { link, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type pg from 'pg';
import { syncFolder } from '../../agent/index.ts';
import { Client } from '../database/client.ts';
import { readCatalog } from './catalog.ts';
import { FORMAT, FORMAT_VERSION, type BackupLine, type CopiedTable } from './format.ts';
import { explainFailure, connectionString } from '../database/database.ts';
import { HubError, codeOf, messageOf } from '../errors.ts';
import { processIsGone } from '../postgres/process-gone.ts';
import { refuseUnfinished } from '../schema/restore-mark.ts';
import { RowSum, speakPlainly, tableRows } from './table-rows.ts';

export interface BackupOptions {
  /** A superuser's URL, or that of the hub's login: passwords of roles are left out then. */
  readonly url: string;
  readonly file: string;
  readonly release: string;
  /** Every role of the server, not only those that may use this database. */
  readonly allRoles?: boolean;
  /** Called with the whole file before it gets its name; when it throws there is no backup. */
  readonly verify?: (file: string) => Promise<void>;
  /** Ends it; nothing is left behind then. */
  readonly signal?: AbortSignal;
}

export interface BackupSummary {
  readonly file: string;
  readonly tables: number;
  readonly rows: number;
  /** What is not in it, a phrase each: objects outside of the schemas swarmplane and inventory, passwords. */
  readonly leftOut: readonly string[];
}

/**
 * @throws HubError file_exists, unwritable, not_migrated, missing_privilege, restore_unfinished, those
 *   of a failure to connect, and what `verify` throws; nothing is left behind then
 */
export async function backup(options: BackupOptions): Promise<BackupSummary> {
  const { file } = options;
  if (existsSync(file)) throw fileExists(file);
  await removeLeftovers(file);
  const client = await connected(options.url);
  const partial = `${file}.partial-${process.pid}`;
  try {
    const summary = { file, tables: 0, rows: 0, leftOut: [] as readonly string[] };
    const output = createWriteStream(partial, { mode: 0o600, flush: true });
    const { signal } = options;
    const source = Readable.from(lines(client, options, summary));
    await pipeline(source, createGzip(), output, { ...(signal && { signal }) });
    await options.verify?.(partial);
    await giveName(partial, file);
    return summary;
  } catch (error) {
    if (error instanceof HubError) throw error;
    if (codeOf(error) === '42501') throw missingPrivilege(error);
    if ((error as { severity?: string }).severity !== undefined) throw error;
    throw new HubError('unwritable', `cannot write ${JSON.stringify(file)}: ${messageOf(error)}`, {
      cause: error,
      hint: UNWRITABLE[codeOf(error)] ?? 'write it to another folder',
    });
  } finally {
    await rm(partial, { force: true });
    await client.end();
  }
}

async function connected(url: string): Promise<pg.Client> {
  const client = new Client({
    connectionString: connectionString(url),
    application_name: 'swarmplane backup',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw explainFailure(error, url);
  }
}

/** Removes the partial files that killed backups left. */
async function removeLeftovers(file: string): Promise<void> {
  const prefix = `${basename(file)}.partial-`;
  const names = await readdir(dirname(file)).catch(() => []);
  for (const name of names.filter((each) => each.startsWith(prefix)))
    if (processIsGone(Number(name.slice(prefix.length))))
      await rm(join(dirname(file), name), { force: true });
}

/** Takes no other file's place, and the name is on the disk when this resolves. */
async function giveName(partial: string, file: string): Promise<void> {
  try {
    await link(partial, file);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw fileExists(file);
    // A file system without hard links.
    await rename(partial, file);
  }
  await syncFolder(dirname(file)).catch(() => undefined);
}

const UNWRITABLE: Readonly<Record<string, string>> = {
  ENOENT: 'make its folder first, or write it to another one',
  ENOTDIR: 'make its folder first, or write it to another one',
  EACCES: 'give the right to write there, or write it to another folder',
  ENOSPC: 'free some disk space, or write it to another folder',
};

function fileExists(file: string): HubError {
  return new HubError('file_exists', `${JSON.stringify(file)} exists already`, {
    hint: 'choose another name',
  });
}

function missingPrivilege(cause: unknown): HubError {
  return new HubError(
    'missing_privilege',
    `this login may not read all of it: ${messageOf(cause)}`,
    {
      cause,
      hint: "use the hub's login, or a superuser's",
    },
  );
}

interface Counts {
  tables: number;
  rows: number;
  leftOut: readonly string[];
}

async function* lines(
  client: pg.Client,
  options: BackupOptions,
  counts: Counts,
): AsyncGenerator<string> {
  await speakPlainly(client);
  const migration = await beginSnapshot(client);
  yield line({
    kind: 'head',
    format: FORMAT,
    version: FORMAT_VERSION,
    release: options.release,
    at: new Date().toISOString(),
    migration,
  });
  const statements = await readCatalog(client, options.allRoles === true);
  counts.leftOut = statements.leftOut;
  yield line({ kind: 'statements', statements });
  for (const table of await tables(client)) {
    counts.tables++;
    yield line({ kind: 'table', ...table });
    const sum = new RowSum();
    for await (const rows of tableRows(client, table)) {
      sum.add(rows);
      yield line({ kind: 'rows', rows });
    }
    counts.rows += sum.rows;
    yield line({ kind: 'sum', rows: sum.rows, hash: sum.hash });
  }
  yield line({ kind: 'done', tables: counts.tables, rows: counts.rows });
  await client.query('commit');
}

function line(value: BackupLine): string {
  return `${JSON.stringify(value)}\n`;
}

/**
 * One snapshot for all of it. Definitions come from the catalog as it is, not as the snapshot sees it:
 * locks keep tables as they are, and what changed before they were there is looked at again.
 * Resolves to the version of the last migration.
 */
async function beginSnapshot(client: pg.Client): Promise<number> {
  await refuseNotMigrated(client);
  for (;;) {
    const before = await tableNames(client);
    await client.query('begin isolation level repeatable read read only');
    if (before !== '') await client.query(`lock table ${before} in access share mode`);
    if ((await tableNames(client)) === before) break;
    await client.query('rollback');
  }
  const { rows } = await client.query<{ migration: number }>(
    'select coalesce(max(version), 0) as migration from swarmplane.migration',
  );
  return rows[0]!.migration;
}

async function refuseNotMigrated(client: pg.Client): Promise<void> {
  await refuseUnfinished(client);
  const { rows } = await client.query<{ used: boolean }>(
    `select to_regclass('swarmplane.migration') is not null as used`,
  );
  if (rows[0]!.used) return;
  throw new HubError('not_migrated', 'no hub has used this database yet: nothing to back up');
}

async function tableNames(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ name: string }>(`
    select c.oid::regclass::text as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('swarmplane', 'inventory') and c.relkind in ('r', 'p')
     order by c.oid`);
  return rows.map((row) => row.name).join(', ');
}

/** The runner's own tables come from the migrations again. Partitions are read through their parent. */
async function tables(client: pg.Client): Promise<CopiedTable[]> {
  const { rows } = await client.query<Required<CopiedTable>>(`
    select c.oid::regclass::text as name, a.columns, a.types
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     cross join lateral (
       select coalesce(array_agg(quote_ident(a.attname) order by a.attnum), '{}') as columns,
              coalesce(array_agg(format_type(a.atttypid, a.atttypmod) order by a.attnum), '{}') as types
         from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') a
     where n.nspname in ('swarmplane', 'inventory') and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname not in ('migration', 'sql_file') and cardinality(a.columns) > 0
     order by c.oid`);
  return rows;
}
