/** Logging in with a URL that holds no password, as `status` prints it and psql takes it. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { checkDatabase } from '../../../src/hub/doctor/database-check.ts';
import { connect, endPool } from '../../../src/hub/database/database.ts';
import type { HubError } from '../../../src/hub/errors.ts';
import { createListener } from '../../../src/hub/database/listener.ts';
import { loginOf } from '../../../src/hub/database/login.ts';
import { whyNoPassword, withPassword } from '../../../src/hub/database/password-file.ts';
import { runSql } from '../../../src/hub/database/sql-shell.ts';
import { withPostgres } from '../../helpers/postgres.ts';

const PASSWORD = 'a:b\\c d&e#ü';

function passwordFile(text: string, mode = 0o600): string {
  const folder = mkdtempSync(join(tmpdir(), 'swarmplane-password-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'pass file');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

describe('the password of a file', () => {
  it.each([
    ['postgres://ann@db/fleet', 'db:5432:fleet:ann:s3cret', 's3cret'],
    ['postgres://ann@db:5433/fleet', 'db:5432:*:*:no\ndb:5433:*:*:yes', 'yes'],
    ['postgres://ann@db/fleet', '#db:5432:*:*:no\n*:*:*:bob:no\r\n*:*:*:ann:yes\r\n', 'yes'],
    ['postgres://ann@[::1]/fleet', '\\:\\:1:5432:fleet:ann:a\\:b\\\\c', 'a:b\\c'],
    ['postgres:///fleet?host=/run/pg&user=ann', '/run/pg:5432:fleet:ann:a b+c', 'a b+c'],
    ['postgres://ann@db', 'db:5432:ann:ann:own', 'own'],
    ['postgres://db/fleet', 'db:5432:fleet:env:yes', 'yes'],
  ])('of %s in %j', (url, text, password) => {
    const env = { PGPASSFILE: passwordFile(text), PGUSER: 'env' };
    expect(new URL(withPassword(url, env)).searchParams.get('password')).toBe(password);
  });

  it.each([
    ['postgres://ann:own@db/fleet', {}],
    ['postgres://db/fleet?password=own', {}],
    ['postgres://ann@db/fleet', { PGPASSWORD: 'x' }],
    ['postgres://ann@db/other', {}],
  ])('is not looked for, or not there, for %s and %j', (url, env) => {
    const PGPASSFILE = passwordFile('*:*:fleet:*:no');
    expect(withPassword(url, { PGPASSFILE, ...env })).toBe(url);
  });

  it('is not taken from what others can read, and the reason quotes the file', () => {
    const env = { PGPASSFILE: passwordFile('*:*:*:*:no', 0o640) };
    const url = 'postgres://ann@db/fleet';
    expect(withPassword(url, env)).toBe(url);
    expect(whyNoPassword(url, env)).toBe(
      `${JSON.stringify(env.PGPASSFILE)} is open to others and was not read: chmod 600 it`,
    );
    expect(whyNoPassword(url, { PGPASSFILE: '/dev/null' })).toBe('"/dev/null" is not a plain file');
    const other = passwordFile('db:5432:x:ann:no');
    expect(whyNoPassword(url, { PGPASSFILE: other })).toBe(
      `${JSON.stringify(other)} has no line for db:5432:fleet:ann`,
    );
  });
});

describe('a server that wants a password', () => {
  const postgres = withPostgres();
  let url: string;

  beforeAll(async () => {
    const [made] = await runSql(
      postgres().superUrl,
      `create role guarded login password '${PASSWORD}'; show hba_file`,
    ).then((results) => results.slice(-1));
    const file = made!.rows[0]![0]!;
    const line = 'host all guarded 127.0.0.1/32 scram-sha-256\n';
    writeFileSync(file, line + readFileSync(file, 'utf8'));
    url = `postgres://guarded@127.0.0.1:${postgres().port}/postgres`;
    await runSql(postgres().superUrl, 'select pg_reload_conf()');
    // The reload is a signal: it takes effect a moment later.
    while ((await reasonOf(runSql(`${url}?passfile=/none`, 'select 1'))) === undefined);
  });

  it('lets in with the URL and the file that `status` prints, whatever connects', async () => {
    const whole = url.replace('@', `:${encodeURIComponent(PASSWORD)}@`);
    const file = passwordFile(loginOf(whole, '/').passfile!);
    const { url: printed } = loginOf(whole, file);
    expect(printed).not.toContain(encodeURIComponent(PASSWORD));

    expect(await runSql(printed, 'select 1 as a')).toMatchObject([{ rows: [['1']] }]);
    await endPool(await connect(printed));
    const [first] = await checkDatabase(printed);
    expect(first!.message).toContain('as guarded');
    const listener = createListener({ url: printed, channel: 'guarded' });
    onTestFinished(() => listener.stop());
    await new Promise<void>((heard) => {
      listener.onWake((reason) => reason === 'connect' && heard());
      void listener.start();
    });
  });

  it('says which file has no password, and leaves no socket that keeps the process alive', async () => {
    const without = `${url}?passfile=/no/such/file`;
    for (const ask of [
      () => runSql(without, 'select 1'),
      () => connect(without),
      () => checkDatabase(without).then(([first]) => Promise.reject(first as never)),
    ]) {
      const before = sockets();
      const { message } = (await reasonOf(ask())) as HubError;
      expect(message).toContain(
        'wants a password and there is none: "/no/such/file" cannot be read (ENOENT)',
      );
      while (sockets() > before) await setImmediate();
    }
    expect(await reasonOf(connect(without))).toMatchObject({ code: 'no_password' });
  });
});

function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
