/**
 * Connecting to PostgreSQL: a pool that survives outages, and the checks that turn an unfit server
 * into a sentence that says what to do.
 */
import type { Duplex } from 'node:stream';
import pg from 'pg';
import { Client } from './client.ts';
import { HubError, codeOf, messageOf } from '../errors.ts';
import { goodbye } from './goodbye.ts';
import { silentLog, type Log } from '../log.ts';
import type { Use } from './session.ts';
import { whyNoPassword, withPassword } from './password-file.ts';

export interface ConnectOptions {
  readonly log?: Log;
  /** Seen in pg_stat_activity. */
  readonly applicationName?: string;
  /** Most connections at once. */
  readonly max?: number;
  /** A statement that takes longer is cancelled by the server; 0 is no limit. */
  readonly statementTimeoutMs?: number;
  /** A statement that waits longer for a lock fails; no limit when left out. */
  readonly lockTimeoutMs?: number;
  /** What the session is for; `work` when left out. */
  readonly use?: Use;
  /** A role to take at once, unless the URL sets options of its own. */
  readonly role?: string;
  readonly connectTimeoutMs?: number;
  /** How long to wait for a server that does not answer yet (a container that starts beside us). */
  readonly waitMs?: number;
}

export const POSTGRES_VERSION_MIN = 15;

/**
 * A checked pool: PostgreSQL 15 or newer, a primary, spoken to directly.
 *
 * Types: BIGINT arrives as a number; a value past 2^53 rejects the query rather than lose digits
 * (cast it to text). NUMERIC and DATE arrive as text, TIMESTAMPTZ as Date (milliseconds).
 *
 * @throws HubError bad_url, unreachable, wrong_password, no_password, database_missing,
 *   postgres_too_old, standby, not_utf8, pooled_connection; no message holds the password
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<pg.Pool> {
  const pool = openPool(url, options);
  try {
    await check(pool, url, options);
    return pool;
  } catch (error) {
    await endPool(pool);
    throw error instanceof HubError ? error : explainFailure(error, url);
  }
}

/** The pool alone, without asking the server anything. */
export function openPool(url: string, options: ConnectOptions = {}): pg.Pool {
  const log = options.log ?? silentLog;
  const { use, role, lockTimeoutMs } = options;
  const pool = new pg.Pool({
    Client: Client as unknown as typeof pg.Client,
    ...(use && { use }),
    ...(role && { role }),
    ...(lockTimeoutMs !== undefined && { lock_timeout: lockTimeoutMs }),
    connectionString: connectionString(url),
    application_name: options.applicationName ?? 'swarmplane hub',
    max: options.max ?? 10,
    statement_timeout: options.statementTimeoutMs ?? 60_000,
    // Above the server's own limit: this one is for a connection that has gone quiet.
    query_timeout:
      options.statementTimeoutMs === 0 ? 0 : (options.statementTimeoutMs ?? 60_000) + 10_000,
    // A process that is paused in a transaction must not hold its locks for long.
    idle_in_transaction_session_timeout: 30_000,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
    keepAlive: true,
    types: { getTypeParser },
  });
  // An idle client whose server goes away emits an error; without a listener it ends the process.
  pool.on('error', (error) => log.warn({ error: messageOf(error) }, 'lost an idle connection'));
  const clients = new Set<pg.PoolClient>();
  pool.on('connect', (client) => {
    clients.add(client);
    // A client in someone's hands fails its query; this keeps a second error from being the last.
    client.on('error', () => undefined);
  });
  pool.on('remove', (client) => clients.delete(client));
  openClients.set(pool, clients);
  return pool;
}

const openClients = new WeakMap<pg.Pool, Set<pg.PoolClient>>();

/**
 * Ends a pool of `openPool` once its queries have ended. pg waits for the server to close each
 * connection: one that is half-open would keep this process alive for ever, so it is cut.
 */
export async function endPool(pool: pg.Pool): Promise<void> {
  await pool.end();
  const left = [...(openClients.get(pool) ?? [])];
  if (left.length === 0) return;
  const ended = left.map((client) => new Promise<void>((done) => client.once('end', done)));
  await goodbye(Promise.all(ended));
  cutConnections(pool);
}

/**
 * Breaks the connections of a pool of `openPool`, busy or idle: one that is half-open would keep a
 * query waiting for a minute, and an orderly end for ever.
 */
export function cutConnections(pool: pg.Pool): void {
  for (const client of openClients.get(pool) ?? []) {
    // Not in pg's types: `end` waits for the other side where no query runs.
    (client as unknown as { connection: { stream: Duplex } }).connection.stream.destroy();
  }
}

/** The URL fit for a log: no password, no query string that could hold one. */
export function redactUrl(url: string): string {
  try {
    const parsed = new URL(url);
    if (!url.includes('://')) return '(not a URL)';
    if (parsed.password !== '') parsed.password = '***';
    for (const name of [...parsed.searchParams.keys()])
      if (/pass|key|secret/i.test(name)) parsed.searchParams.set(name, '***');
    return parsed.href;
  } catch {
    return '(not a URL)';
  }
}

async function check(pool: pg.Pool, url: string, options: ConnectOptions): Promise<void> {
  const client = await firstClient(pool, options);
  try {
    const { rows } = await client.query<ServerFacts>(FACTS);
    refuseUnfit(rows[0]!, client, url);
  } finally {
    client.release();
  }
}

interface ServerFacts {
  version_num: number;
  version: string;
  standby: boolean;
  encoding: string;
  pid: number;
}

const FACTS = `
  select current_setting('server_version_num')::int as version_num,
         current_setting('server_version') as version,
         pg_is_in_recovery() as standby,
         getdatabaseencoding() as encoding,
         pg_backend_pid() as pid`;

function refuseUnfit(facts: ServerFacts, client: pg.PoolClient, url: string): void {
  if (facts.version_num < POSTGRES_VERSION_MIN * 10_000)
    throw new HubError(
      'postgres_too_old',
      `PostgreSQL ${facts.version} at ${redactUrl(url)} is too old: ${POSTGRES_VERSION_MIN} or newer is needed`,
      { hint: 'upgrade it, or leave --database out to use the embedded PostgreSQL' },
    );
  if (facts.standby)
    throw new HubError('standby', `the server at ${redactUrl(url)} is a read-only standby`, {
      hint: 'give the URL of the primary',
    });
  refuseEncoding(facts.encoding, redactUrl(url));
  // A pooler such as PgBouncer makes up the key data of the start-up; a server sends its own pid.
  if ((client as unknown as { processID: number | null }).processID !== facts.pid)
    throw new HubError(
      'pooled_connection',
      `${redactUrl(url)} goes through a connection pooler: LISTEN and session state get lost there`,
      { hint: "give the server's own port (5432, often), not the pooler's (6432, often)" },
    );
}

/** What hosts say is Unicode; anywhere else some of it could be stored and some could not. */
export function refuseEncoding(encoding: string, where: string): void {
  if (encoding === 'UTF8') return;
  throw new HubError(
    'not_utf8',
    `the database at ${where} has the encoding ${encoding}, not UTF8`,
    {
      hint: "make another one: create database NAME encoding 'UTF8' template template0",
    },
  );
}

/** Waits as long as it may for a server that is starting. */
async function firstClient(pool: pg.Pool, options: ConnectOptions): Promise<pg.PoolClient> {
  const start = Date.now();
  for (;;) {
    try {
      return await pool.connect();
    } catch (error) {
      const waitMs =
        codeOf(error) === STARTING_UP
          ? Math.max(options.waitMs ?? 0, 30_000)
          : (options.waitMs ?? 0);
      if (!mayPass(error) || Date.now() - start >= waitMs) throw error;
      options.log?.debug({ error: messageOf(error) }, 'waiting for PostgreSQL');
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

const STARTING_UP = '57P03';

function mayPass(error: unknown): boolean {
  const code = codeOf(error) || codeOf((error as AggregateError).errors?.[0]);
  return [STARTING_UP, 'ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', '53300'].includes(
    code,
  );
}

/**
 * For pg: the URL, with the password of a password file where it has none itself.
 * @throws HubError bad_url
 */
export function connectionString(url: string): string {
  const scheme = /^(postgres(ql)?|socket):/.test(url);
  if (scheme && URL.canParse(url)) return url.startsWith('socket:') ? url : withPassword(url);
  throw new HubError('bad_url', `not a PostgreSQL URL: ${redactUrl(url)}`, {
    hint: 'write postgres://user:password@host:5432/database; %-escape special characters in the password',
  });
}

/** A failure to connect as a sentence: where, why and what to do. */
export function explainFailure(error: unknown, url: string): HubError {
  const where = redactUrl(url);
  if (NO_PASSWORD.test(messageOf(error)))
    return new HubError(
      'no_password',
      `${where} wants a password and there is none: ${whyNoPassword(url)}`,
      { cause: error, hint: 'a password file has lines host:port:database:user:password' },
    );
  const [code, says, hint] = EXPLAINED[codeOf(error)] ?? EXPLAINED['']!;
  return new HubError(code, `${says} ${where}: ${messageOf(error)}`, { cause: error, hint });
}

/** pg's own words, without a code. */
const NO_PASSWORD = /client password must be/;

const EXPLAINED: Record<string, readonly [code: string, says: string, hint: string]> = {
  '28P01': [
    'wrong_password',
    'PostgreSQL refused the password for',
    'check user and password in the URL',
  ],
  '28000': [
    'wrong_password',
    'PostgreSQL refused the login',
    'check the user in the URL and pg_hba.conf',
  ],
  '3D000': [
    'database_missing',
    'there is no such database:',
    'make it with createdb, or correct the URL',
  ],
  '53300': [
    'unreachable',
    'PostgreSQL has no connection left:',
    'raise max_connections or stop other clients',
  ],
  ENOTFOUND: ['unreachable', 'no such host:', 'check the host name in the URL'],
  '': [
    'unreachable',
    'cannot reach PostgreSQL at',
    'check that it runs and that host and port are right',
  ],
};

const INT8 = 20;
const DATE = 1082;

function getTypeParser(oid: number, format?: 'text' | 'binary'): (text: never) => unknown {
  if (oid === INT8 && format !== 'binary') return parseBigint;
  // pg would make a local midnight of it, which is another day elsewhere.
  if (oid === DATE && format !== 'binary') return (text: string) => text;
  return pg.types.getTypeParser(oid, format as 'text');
}

function parseBigint(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new RangeError(`${text} does not fit a JavaScript number: cast the column to text`);
  return value;
}
