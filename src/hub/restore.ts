/**
 * Restores a backup into a new database beside the one in use, and puts it in its place when all of
 * it is there: a restore that fails changes nothing. The file's statements run as superuser: restore
 * only what you would run.
 */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import pg from 'pg';
import { FORMAT, FORMAT_VERSION, type BackupLine, type BackupSummary } from './backup.ts';
import { Loader } from './backup-loader.ts';
import { endPool, openPool } from './database.ts';
import { HubError, codeOf, messageOf } from './errors.ts';
import { migrate, type MigrateOptions } from './migrate.ts';

export interface RestoreOptions extends MigrateOptions {
  /** A superuser's URL, on any database of the server. */
  readonly superUrl: string;
  /** The hub's URL: its database is replaced, its user owns the new one. */
  readonly hubUrl: string;
  readonly file: string;
}

export interface Restored extends Omit<BackupSummary, 'leftOut'> {
  /** What the replaced database is called now; undefined where it was empty. */
  readonly formerDatabase: string | undefined;
}

/** @throws HubError not_a_backup, backup_incomplete, backup_too_new, database_in_use, and migrate()'s */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const name = databaseOf(options.hubUrl);
  const fresh = `${name}_restore`;
  const admin = new pg.Client({ connectionString: withDatabase(options.superUrl, 'postgres') });
  admin.on('error', () => undefined);
  await admin.connect();
  try {
    await refuseInUse(admin, name);
    await admin.query(`drop database if exists ${pg.escapeIdentifier(fresh)} with (force)`);
    await admin.query(
      `create database ${pg.escapeIdentifier(fresh)} owner ${pg.escapeIdentifier(userOf(options.hubUrl))} template template0`,
    );
    const counts = await load(options, fresh);
    const used = await isUsed(withDatabase(options.superUrl, name));
    const formerDatabase = await takePlace(admin, name, fresh, used);
    return { file: options.file, ...counts, formerDatabase };
  } catch (error) {
    await admin.query(`drop database if exists ${pg.escapeIdentifier(fresh)} with (force)`);
    throw error;
  } finally {
    await admin.end();
  }
}

async function refuseInUse(admin: pg.Client, name: string): Promise<void> {
  const { rows } = await admin.query<{ application_name: string }>(
    `select application_name from pg_stat_activity where datname = $1 and backend_type = 'client backend' limit 1`,
    [name],
  );
  if (rows[0] === undefined) return;
  throw new HubError(
    'database_in_use',
    `the database is in use by ${JSON.stringify(rows[0].application_name)}`,
    {
      hint: 'stop the hub and close other sessions first',
    },
  );
}

async function isUsed(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query(
      `select to_regclass('swarmplane.migration') is not null as used`,
    );
    return (rows[0] as { used: boolean }).used;
  } finally {
    await client.end();
  }
}

/** The old database keeps its data under another name, unless no hub has ever used it. */
async function takePlace(
  admin: pg.Client,
  name: string,
  fresh: string,
  used: boolean,
): Promise<string | undefined> {
  await refuseInUse(admin, name);
  const former = `${name}_${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}`;
  const [old, now, kept] = [name, fresh, former].map((each) => pg.escapeIdentifier(each));
  await admin.query(used ? `alter database ${old} rename to ${kept}` : `drop database ${old}`);
  await admin.query(`alter database ${now} rename to ${old}`);
  await admin.query(`revoke temporary on database ${old} from public`);
  return used ? former : undefined;
}

/** Migrates to where the backup was, loads, migrates on. */
async function load(
  options: RestoreOptions,
  fresh: string,
): Promise<{ tables: number; rows: number }> {
  const pool = openPool(withDatabase(options.hubUrl, fresh), { max: 1, statementTimeoutMs: 0 });
  const client = new pg.Client({ connectionString: withDatabase(options.superUrl, fresh) });
  client.on('error', () => undefined);
  await client.connect();
  const loader = new Loader(client, (upTo) => migrate(pool, { ...options, upTo }));
  try {
    for await (const line of splitLines(unzipped(options.file)))
      await loader.take(parse(line, options.file));
    const counts = loader.finish(options.file);
    await migrate(pool, options);
    await loader.makeObjects();
    return counts;
  } catch (error) {
    throw explain(error, options.file);
  } finally {
    await client.end();
    await endPool(pool);
  }
}

function unzipped(file: string): AsyncIterable<Buffer> {
  const input = createReadStream(file);
  const output = input.pipe(createGunzip());
  input.on('error', (error) => output.destroy(error));
  output.on('close', () => input.destroy());
  return output;
}

async function* splitLines(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let pending: string[] = [];
  for await (const chunk of source) {
    const parts = decoder.decode(chunk, { stream: true }).split('\n');
    for (const part of parts.slice(0, -1)) {
      yield pending.join('') + part;
      pending = [];
    }
    pending.push(parts.at(-1)!);
  }
  const rest = pending.join('');
  if (rest !== '') yield rest;
}

function parse(line: string, file: string): BackupLine {
  let value: BackupLine;
  try {
    value = JSON.parse(line) as BackupLine;
  } catch (error) {
    throw notABackup(file, error);
  }
  if (value.kind !== 'head') return value;
  if (value.format !== FORMAT) throw notABackup(file);
  if (value.version > FORMAT_VERSION)
    throw new HubError('backup_too_new', `${file} was written by swarmplane ${value.release}`, {
      hint: `install swarmplane ${value.release} or newer`,
    });
  return value;
}

function notABackup(file: string, cause?: unknown): HubError {
  return new HubError('not_a_backup', `${file} is not a backup of a swarmplane hub`, { cause });
}

function explain(error: unknown, file: string): unknown {
  const code = codeOf(error);
  if (code === 'Z_BUF_ERROR')
    return new HubError('backup_incomplete', `${file} ends before its end`, {
      cause: error,
      hint: 'take another backup; this one was cut short',
    });
  if (code.startsWith('Z_')) return notABackup(file, error);
  if (code === 'ENOENT' || code === 'EACCES')
    return new HubError('unreadable', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  return error;
}

function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

function userOf(url: string): string {
  return decodeURIComponent(new URL(url).username);
}

function withDatabase(url: string, database: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${encodeURIComponent(database)}`;
  return parsed.href;
}
