/**
 * A backup of the hub's database in one file, taken while it works, all of one moment. It is logical:
 * the schema comes from the migrations again, so it can be restored on another major version of
 * PostgreSQL or another kind of machine.
 *
 * The file: gzip of lines of JSON. A head, then `statements`, then per table a `table` line and
 * `rows` lines with rows in PostgreSQL's own text form (no value loses a digit), then a `done` line,
 * without which the file is not whole.
 */
import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import pg from 'pg';
import { foreignTables, readCatalog, type CatalogStatements } from './backup-catalog.ts';
import { HubError, messageOf } from './errors.ts';

export const FORMAT = 'swarmplane-backup';
export const FORMAT_VERSION = 1;

export type BackupLine =
  | {
      readonly kind: 'head';
      readonly format: typeof FORMAT;
      readonly version: number;
      readonly release: string;
      readonly at: string;
      /** Version of the last migration. */
      readonly migration: number;
    }
  | { readonly kind: 'statements'; readonly statements: CatalogStatements }
  | { readonly kind: 'table'; readonly name: string; readonly columns: readonly string[] }
  | { readonly kind: 'rows'; readonly rows: readonly string[] }
  | { readonly kind: 'done'; readonly tables: number; readonly rows: number };

export interface BackupSummary {
  readonly file: string;
  readonly tables: number;
  readonly rows: number;
  /** Tables outside the schemas swarmplane and inventory: not in the backup. */
  readonly leftOut: readonly string[];
}

/**
 * @param superUrl a superuser's URL: the passwords of roles are read
 * @throws HubError file_exists, unwritable, not_migrated; nothing is left behind then
 */
export async function backup(
  superUrl: string,
  file: string,
  release: string,
): Promise<BackupSummary> {
  if (existsSync(file))
    throw new HubError('file_exists', `${file} exists already`, { hint: 'choose another name' });
  const client = new pg.Client({
    connectionString: superUrl,
    application_name: 'swarmplane backup',
  });
  client.on('error', () => undefined);
  await client.connect();
  const partial = `${file}.partial`;
  try {
    const summary = { file, tables: 0, rows: 0, leftOut: [] as string[] };
    const output = createWriteStream(partial, { mode: 0o600, flush: true });
    await pipeline(Readable.from(lines(client, release, summary)), createGzip(), output);
    await rename(partial, file);
    return summary;
  } catch (error) {
    await rm(partial, { force: true });
    if (error instanceof HubError || (error as { severity?: string }).severity !== undefined)
      throw error;
    throw new HubError('unwritable', `cannot write ${file}: ${messageOf(error)}`, { cause: error });
  } finally {
    await client.end();
  }
}

interface Counts {
  tables: number;
  rows: number;
  leftOut: string[];
}

async function* lines(client: pg.Client, release: string, counts: Counts): AsyncGenerator<string> {
  // One snapshot for all of it.
  await client.query('begin isolation level repeatable read read only');
  await client.query(
    "set local timezone = 'UTC'; set local datestyle = 'ISO'; set local intervalstyle = 'postgres'",
  );
  await client.query('set local extra_float_digits = 3; set local search_path = pg_catalog');
  counts.leftOut = await foreignTables(client);
  yield line(await head(client, release));
  yield line({ kind: 'statements', statements: await readCatalog(client) });
  for (const { name, columns } of await tables(client)) {
    counts.tables++;
    yield line({ kind: 'table', name, columns });
    for await (const rows of tableRows(client, name)) {
      counts.rows += rows.length;
      yield line({ kind: 'rows', rows });
    }
  }
  yield line({ kind: 'done', tables: counts.tables, rows: counts.rows });
  await client.query('commit');
}

function line(value: BackupLine): string {
  return `${JSON.stringify(value)}\n`;
}

async function head(client: pg.Client, release: string): Promise<BackupLine> {
  const { rows: found } = await client.query<{ used: boolean }>(
    `select to_regclass('swarmplane.migration') is not null as used`,
  );
  if (!found[0]!.used)
    throw new HubError('not_migrated', 'no hub has used this database yet: nothing to back up');
  const { rows } = await client.query<{ migration: number }>(
    'select coalesce(max(version), 0) as migration from swarmplane.migration',
  );
  const migration = rows[0]!.migration;
  const at = new Date().toISOString();
  return { kind: 'head', format: FORMAT, version: FORMAT_VERSION, release, at, migration };
}

interface TableToCopy {
  readonly name: string;
  /** Those that can be written: not the generated ones. */
  readonly columns: readonly string[];
}

/** The runner's own tables come from the migrations again. Partitions are read through their parent. */
async function tables(client: pg.Client): Promise<TableToCopy[]> {
  const { rows } = await client.query<TableToCopy>(`
    select c.oid::regclass::text as name,
           array(select quote_ident(a.attname) from pg_attribute a
                  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
                  order by a.attnum) as columns
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('swarmplane', 'inventory') and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname not in ('migration', 'sql_file', 'sql_object')
     order by c.oid`);
  return rows;
}

const ROWS_AT_ONCE = 200;

async function* tableRows(client: pg.Client, name: string): AsyncGenerator<string[]> {
  await client.query(
    `declare backup no scroll cursor for select (t.*)::text as row from ${name} t`,
  );
  for (;;) {
    const { rows } = await client.query<{ row: string }>(`fetch ${ROWS_AT_ONCE} from backup`);
    if (rows.length === 0) break;
    yield rows.map((each) => each.row);
  }
  await client.query('close backup');
}
