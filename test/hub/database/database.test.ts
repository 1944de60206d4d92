import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type pg from 'pg';
import { connect, endPool, openPool, redactUrl } from '../../../src/hub/database/database.ts';
import { HubError } from '../../../src/hub/errors.ts';
import { eachPostgres, withPostgres } from '../../helpers/postgres.ts';
import { RecordingProxy } from '../../helpers/recording-proxy.ts';
import { startPooler } from './pooler.ts';

function socketOf(client: pg.PoolClient): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}

async function failure(promise: Promise<unknown>): Promise<HubError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HubError);
  return error as HubError;
}

describe('a URL for the log', () => {
  it('hides the password, also as a parameter', () => {
    expect(redactUrl('postgres://me:s3cret@db:5432/x?sslpassword=s3cret&a=1')).toBe(
      'postgres://me:***@db:5432/x?sslpassword=***&a=1',
    );
  });

  it('shows nothing of what cannot be parsed', () => {
    expect(redactUrl('me:s3cret@')).not.toContain('s3cret');
  });
});

describe('connecting to what is not there', () => {
  it('says that a port is closed, and to check that the server runs', async () => {
    const error = await failure(connect('postgres://me:s3cret@127.0.0.1:1/x'));
    expect(error.code).toBe('unreachable');
    expect(error.message).toContain('postgres://me:***@127.0.0.1:1/x');
    expect(error.message).not.toContain('s3cret');
    expect(error.hint).toContain('check that it runs');
  });

  it('refuses what is not a URL and says how one is written', async () => {
    expect(await failure(connect('db.example.org'))).toMatchObject({ code: 'bad_url' });
    expect(await failure(connect('mysql://a@b/c'))).toMatchObject({ code: 'bad_url' });
  });

  it('gives up on a server that accepts and stays silent', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as AddressInfo;
    const error = await failure(
      connect(`postgres://a@127.0.0.1:${port}/x`, { connectTimeoutMs: 200 }),
    );
    expect(error.code).toBe('unreachable');
    silent.close();
  });
});

eachPostgres('connecting', (postgres) => {
  it('gives a pool whose bigints are numbers and refuses one that would lose digits', async () => {
    const database = await postgres().createDatabase({ empty: true });
    const pool = await connect(database.url);
    const { rows } = await pool.query(
      `select 42::bigint as a, '2026-11-22'::date as b, 1.10::numeric as c`,
    );
    expect(rows).toEqual([{ a: 42, b: '2026-11-22', c: '1.10' }]);
    await expect(pool.query('select 9007199254740993::bigint')).rejects.toThrow(
      /cast the column to text/,
    );
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });

  it('lives on when the server ends its idle connections', async () => {
    const database = await postgres().createDatabase({ empty: true });
    const warnings: string[] = [];
    const log = {
      debug() {},
      info() {},
      error() {},
      warn: (_: object, text: string) => void warnings.push(text),
    };
    const pool = await connect(database.url, { log, max: 1 });
    const removed = new Promise((resolve) => pool.once('remove', resolve));
    await database
      .pool(database.superUrl)
      .query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'swarmplane hub' and pid <> pg_backend_pid() and usename = 'swarmplane'`,
      );
    await removed;
    expect(warnings).toEqual(['lost an idle connection']);
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
  });

  it('names a database that does not exist', async () => {
    const error = await failure(connect(postgres().superUrl.replace(/postgres$/, 'nowhere')));
    expect(error.code).toBe('database_missing');
    expect(error.message).toContain('nowhere');
  });
});

describe('connecting through something in between', () => {
  const postgres = withPostgres();

  it('notices a pooler by the key data that is not the server process', async () => {
    const pooler = await startPooler(postgres().port, 'session');
    const error = await failure(connect(`postgres://postgres@${pooler}/postgres`));
    expect(error.code).toBe('pooled_connection');
  });

  it('ends a pool whose connections are half-open: nothing is left that keeps a process alive', async () => {
    const proxy = await RecordingProxy.start(`127.0.0.1:${postgres().port}`, { record: false });
    onTestFinished(() => proxy.stop());
    const pool = openPool(`postgres://postgres@${proxy.address}/postgres`);
    const sockets: Socket[] = [];
    pool.on('connect', (client) => sockets.push(socketOf(client)));
    await Promise.all([pool.query('select pg_sleep(0.1)'), pool.query('select pg_sleep(0.1)')]);
    expect(sockets.map((socket) => socket.destroyed)).toEqual([false, false]);
    proxy.freeze();
    await endPool(pool);
    expect(sockets.map((socket) => socket.destroyed)).toEqual([true, true]);
  });

  it('refuses a wrong password without repeating it', async () => {
    const database = await postgres().createDatabase({ empty: true });
    const admin = database.pool(database.superUrl);
    await admin.query(`create role guarded login password 'right'`);
    const { rows } = await admin.query(`show hba_file`);
    const { readFile, writeFile } = await import('node:fs/promises');
    const file = (rows[0] as { hba_file: string }).hba_file;
    await writeFile(
      file,
      `host all guarded 127.0.0.1/32 scram-sha-256\n${await readFile(file, 'utf8')}`,
    );
    await admin.query('select pg_reload_conf()');
    const url = `postgres://guarded:wr0ng@127.0.0.1:${postgres().port}/${database.name}`;
    // The reload is a signal: it takes effect a moment later.
    let error: HubError | undefined;
    while (error === undefined)
      error = await connect(url).then(
        (pool) => pool.end().then(() => undefined),
        (reason: HubError) => reason,
      );
    expect(error.code).toBe('wrong_password');
    expect(error.message).not.toContain('wr0ng');
  });
});
