/**
 * The database's part of `swarmplane doctor`: can a hub work with it, and is anything piling up.
 * Changes nothing: what is looked at runs in a transaction that is rolled back.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { Client } from '../database/client.ts';
import { broken, fine, skipped, warning, type Finding } from '../../agent/index.ts';
import {
  explainFailure,
  connectionString,
  POSTGRES_VERSION_MIN,
  redactUrl,
} from '../database/database.ts';
import { DATABASE_LOOKS, type Look } from './database-looks.ts';
import { codeOf, HubError, messageOf } from '../errors.ts';
import { goodbye } from '../database/goodbye.ts';

/**
 * Never rejects: what cannot be looked at is a finding, too.
 * @param oldMs age from which an open transaction is told of
 */
export async function checkDatabase(url: string, oldMs = 600_000): Promise<Finding[]> {
  const opened = await open(url);
  if (!(opened instanceof pg.Client)) return [opened];
  try {
    const server = await checkServer(opened, url);
    if (server.some(({ state }) => state === 'error')) return server;
    const found = [...server, await checkListening(opened, url), await checkServerClock(opened)];
    for (const look of DATABASE_LOOKS) found.push(...(await take(look, opened, oldMs)));
    return found;
  } catch (error) {
    return [broken('database', messageOf(error), 'run it again; see the log of PostgreSQL')];
  } finally {
    await goodbye(opened.end());
  }
}

async function open(url: string): Promise<pg.Client | Finding> {
  try {
    const client = new Client({
      connectionString: connectionString(url),
      application_name: 'swarmplane doctor',
      use: 'hub',
      connectionTimeoutMillis: ANSWER_MS,
      query_timeout: 2 * ANSWER_MS,
      statement_timeout: ANSWER_MS,
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  } catch (error) {
    const { message, hint } = error instanceof HubError ? error : explainFailure(error, url);
    return broken('database', message, hint ?? 'check the URL');
  }
}

const ANSWER_MS = 5_000;

async function checkServer(client: pg.Client, url: string): Promise<Finding[]> {
  const { rows } = await client.query<{
    version: string;
    version_num: number;
    standby: boolean;
    encoding: string;
    pid: number;
    login: string;
  }>(`select current_setting('server_version') as version,
             current_setting('server_version_num')::int as version_num,
             pg_is_in_recovery() as standby, getdatabaseencoding() as encoding, pg_backend_pid() as pid, session_user as login`);
  const { version, version_num, standby, encoding, pid, login } = rows[0]!;
  const where = redactUrl(url);
  if (version_num < POSTGRES_VERSION_MIN * 10_000) {
    const says = `PostgreSQL ${version} at ${where} is too old`;
    return [broken('database', says, `upgrade it to ${POSTGRES_VERSION_MIN} or newer`)];
  }
  if (standby) {
    const says = `${where} is a read-only standby`;
    return [broken('database', says, 'give the URL of the primary')];
  }
  if (encoding !== 'UTF8') {
    const says = `${where} has the encoding ${encoding}`;
    return [broken('database', says, 'hubs want UTF8: make another database for them')];
  }
  const found = [fine('database', `PostgreSQL ${version} at ${where}, as ${login}`)];
  // A pooler such as PgBouncer makes up the key data of the start-up; a server sends its own pid.
  if ((client as unknown as { processID: number | null }).processID !== pid) {
    found.push(
      warning(
        'pooler',
        `${where} goes through a connection pooler`,
        "give hubs the server's own port (5432, often), not the pooler's (6432, often)",
      ),
    );
  }
  return found;
}

/** A real notification, there and back on a second connection: a pooler loses it. */
async function checkListening(client: pg.Client, url: string): Promise<Finding> {
  const channel = `swarmplane_doctor_${randomBytes(6).toString('hex')}`;
  const sender = await open(url);
  if (!(sender instanceof pg.Client)) return { ...sender, check: 'listen' };
  let timer: NodeJS.Timeout | undefined;
  try {
    const startedAt = performance.now();
    const came = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), ANSWER_MS);
      client.on('notification', (told) => told.channel === channel && resolve(true));
    });
    await client.query(`listen ${channel}`);
    await sender.query('select pg_notify($1, $2)', [channel, '']);
    if (await came) {
      const ms = (performance.now() - startedAt).toFixed(0);
      return fine('listen', `a notification came back after ${ms} ms`);
    }
    return broken(
      'listen',
      `no notification came back within ${ANSWER_MS / 1000} s: hubs would only poll`,
      'connect to the server itself; a pooler in transaction mode loses LISTEN',
    );
  } catch (error) {
    return broken('listen', messageOf(error), 'connect to the server itself, not to a pooler');
  } finally {
    clearTimeout(timer);
    await client.query('unlisten *').catch(() => undefined);
    await goodbye(sender.end());
  }
}

async function checkServerClock(client: pg.Client): Promise<Finding> {
  const before = Date.now();
  const { rows } = await client.query<{ ms: number }>(
    'select extract(epoch from clock_timestamp())::float8 * 1000 as ms',
  );
  const seconds = (rows[0]!.ms - (before + Date.now()) / 2) / 1000;
  const differs = `the clock of the server is ${Math.abs(seconds).toFixed(1)} s ${seconds > 0 ? 'ahead' : 'behind'}`;
  if (Math.abs(seconds) < CLOCK_S_MAX) return fine('server clock', 'agrees with this host');
  return warning('server clock', differs, 'keep both clocks with NTP');
}

const CLOCK_S_MAX = 5;

/** One look in its own transaction. What this login may not see is skipped, and said. */
async function take(look: Look, client: pg.Client, oldMs: number): Promise<Finding[]> {
  try {
    // As the migrations see it: names of objects are written with their schema.
    await client.query('begin; set local search_path = pg_catalog, pg_temp');
    return await look.look(client, oldMs);
  } catch (error) {
    return [missed(look.check, error)];
  } finally {
    await client.query('rollback').catch(() => undefined);
  }
}

function missed(check: string, error: unknown): Finding {
  const code = codeOf(error);
  if (code === '42501') {
    return skipped(check, `this login may not look: ${messageOf(error)}`, "use the hub's login");
  }
  if (code === '57014') return skipped(check, `took longer than ${ANSWER_MS / 1000} s`);
  return broken(check, messageOf(error), 'see the log of PostgreSQL');
}
