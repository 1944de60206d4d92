import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../../../src/hub/database/database.ts';
import type pg from 'pg';
import { EmbeddedPostgres, type EmbeddedOptions } from '../../../src/hub/postgres/embedded.ts';
import { HubError } from '../../../src/hub/errors.ts';
import { TUNABLE } from '../../../src/hub/postgres/tunable.ts';
import { migrate } from '../../../src/hub/schema/migrate.ts';
import { migrationsDir, sqlDir } from '../../helpers/postgres.ts';
import { only } from '../../helpers/needs.ts';
import { until } from '../../helpers/eventually.ts';

/** The state folder, and what stands for /var/lib/swarmplane. */
let folder: string;
let home: string;
let running: EmbeddedPostgres[];

async function makeFolders(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'swarmplane-embedded-'));
  home = `${folder}-home`;
  running = [];
}

async function removeFolders(): Promise<void> {
  await Promise.all(running.map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
  await rm(home, { recursive: true, force: true });
}

/** The state folder is 0700, as the agent makes it: as root the server's user cannot enter it. */
async function start(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await EmbeddedPostgres.start({
    dataDir: join(folder, 'postgres'),
    homeForRoot: home,
    orphanGraceMs: 30_000,
    ...options,
  });
  running.push(server);
  return server;
}

async function ask(url: string, sql: string): Promise<unknown[]> {
  const pool = await connect(url, { max: 1 });
  try {
    return (await pool.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await pool.end();
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

async function failure(promise: Promise<unknown>): Promise<HubError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HubError);
  return error as HubError;
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // A zombie has no command line any more.
    return readFileSync(`/proc/${pid}/cmdline`).length > 0;
  } catch {
    return false;
  }
};

describe('the embedded server', () => {
  let server: EmbeddedPostgres;
  beforeAll(async () => {
    await makeFolders();
    server = await start();
  });
  afterAll(removeFolders);

  it('starts from nothing, is PostgreSQL 18 in UTF-8 and UTC, and keeps its data over a restart', async () => {
    const first = server;
    const [version, timezone, encoding, locale, fsync, auth] = await ask(
      first.hubUrl,
      `select current_setting('server_version_num')::int / 10000, current_setting('timezone'),
              current_setting('server_encoding'), datlocale, current_setting('fsync'),
              current_setting('password_encryption') from pg_database where datname = 'swarmplane'`,
    );
    expect([version, timezone, encoding, locale, fsync, auth]).toEqual([
      18,
      'UTC',
      'UTF8',
      'C.UTF-8',
      'on',
      'scram-sha-256',
    ]);
    await ask(first.hubUrl, 'create table kept as select 42 as answer');
    await first.stop();
    const second = (server = await start());
    expect(second.url).toBe(first.url);
    expect(second.adopted).toBe(false);
    expect(await ask(second.hubUrl, 'table kept')).toEqual([42]);
  });

  it('lets the repository migrate as the hub, who is no superuser, and the operator insert', async () => {
    const pool = await connect(server.hubUrl);
    await migrate(pool, { migrationsDir, sqlDir, release: '0.0.0' });
    await pool.end();
    expect(
      await ask(
        server.url,
        `select pg_has_role('swarmplane_operator', 'usage'), rolsuper, rolcreaterole
                               from pg_roles where rolname = session_user`,
      ),
    ).toEqual([true, false, false]);
    expect(
      await ask(server.hubUrl, 'select rolsuper from pg_roles where rolname = session_user'),
    ).toEqual([false]);
  });

  it('lets the printed login do what docs advise, and nothing that reaches the account of the server', async () => {
    const operator = await connect(server.url);
    const db = (sql: string): Promise<pg.QueryResult> => operator.query(sql);
    // Labels in force: a reader sees nothing until he is granted something.
    await db(`insert into swarmplane.label_grant (role, label) values ('web_team', 'web')`);
    await db(`delete from swarmplane.label_grant where role = 'swarmplane_reader'`);
    expect((await db('select swarmplane.sees_all()')).rows).toEqual([{ sees_all: true }]);
    await expect(db(`delete from swarmplane.label_grant where label = '*'`)).rejects.toThrow(
      'then operator would not see every host any more',
    );

    await db('create schema reports');
    await db('create table reports.seen as select name from swarmplane.node');
    await db('create view reports.open as select count(*) from swarmplane.request');
    await expect(db('create table swarmplane.mine (id int)')).rejects.toThrow('permission denied');

    for (const name of advised()) expect(TUNABLE).toContain(name);
    for (const name of TUNABLE) await db(`alter system set ${name} to default`);
    await db(`alter system set work_mem = '12MB'`);
    await db('select pg_reload_conf()');
    await until(
      async () => (await ask(server.url, `select current_setting('work_mem')`))[0] === '12MB',
    );
    for (const name of FORBIDDEN)
      await expect(db(`alter system set ${name} = 'x'`), name).rejects.toThrow('permission denied');
    await operator.end();
    const kept = server;
    await kept.stop();
    server = await start();
    expect(await ask(server.url, `select current_setting('work_mem')`)).toEqual(['12MB']);
    const again = await connect(server.url);
    await again.query('alter system reset work_mem');
    await again.query('drop schema reports cascade');
    await again.end();
  });

  it('listens on the loopback address only and lets nobody in without the password', async () => {
    expect(await ask(server.superUrl, `select current_setting('listen_addresses')`)).toEqual([
      '127.0.0.1',
    ]);
    const wrong = server.superUrl.replace(/:[^:@]+@/, ':wrong@');
    expect((await failure(connect(wrong))).code).toBe('wrong_password');
  });

  it('keeps its passwords where only the hub can read them', async () => {
    expect(statSync(join(folder, 'postgres/server.json')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'postgres/postgres.log')).mode & 0o777).toBe(0o600);
  });

  it('never writes a password to its log', async () => {
    const log = await readFile(join(folder, 'postgres/postgres.log'), 'utf8');
    for (const url of [server.url, server.hubUrl, server.superUrl])
      expect(log).not.toContain(new URL(url).password);
  });

  it('moves to another port when its old one was taken meanwhile', async () => {
    await server.stop();
    const squatter = createServer().listen(server.port, '127.0.0.1');
    await once(squatter, 'listening');
    const { port } = squatter.address() as AddressInfo;
    const second = (server = await start());
    expect(second.port).not.toBe(port);
    expect(await ask(second.url, 'select 1')).toEqual([1]);
    squatter.close();
  });

  it('says so when the port that was asked for is in use', async () => {
    await server.stop();
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const { port } = squatter.address() as AddressInfo;
    const error = await failure(start({ port }));
    expect(error).toMatchObject({
      code: 'port_in_use',
      message: `port ${port} on 127.0.0.1 is in use`,
    });
    squatter.close();
  });
});

/** Files and commands of the server's account, doors, and passwords in its log. */
const FORBIDDEN = [
  'archive_command',
  'restore_command',
  'shared_preload_libraries',
  'session_preload_libraries',
  'dynamic_library_path',
  'log_directory',
  'log_statement',
  'log_min_duration_statement',
  'listen_addresses',
  'unix_socket_directories',
  'hba_file',
  'ssl_passphrase_command',
  'allow_system_table_mods',
];

/** Parameters that docs and `doctor` tell people to set. */
function advised(): string[] {
  const root = join(import.meta.dirname, '../../..');
  const pages = ['docs/operating.md', 'docs/backplane.md', 'src/hub/doctor/database-looks.ts'];
  const text = pages.map((page) => readFileSync(join(root, page), 'utf8')).join('\n');
  return [...text.matchAll(/alter system set (\w+)/g)].map(([, name]) => name!);
}

describe('a server that dies', () => {
  let server: EmbeddedPostgres;
  beforeAll(async () => {
    await makeFolders();
    server = await start();
  });
  afterAll(removeFolders);

  it('is noticed and started again, with everything that was committed', async () => {
    await ask(server.hubUrl, 'create table kept as select 42 as answer');
    const seen: string[] = [];
    const back = new Promise<void>((resolve) =>
      server.onState((state) => {
        seen.push(state);
        if (state === 'up') resolve();
      }),
    );
    const before = server.pid;
    process.kill(before, 'SIGKILL');
    await back;
    expect(seen).toEqual(['down', 'up']);
    expect(server.pid).not.toBe(before);
    expect(await ask(server.hubUrl, 'table kept')).toEqual([42]);
  });

  it('leaves a postmaster.pid whose number now belongs to another program, and starts all the same', async () => {
    await server.stop();
    const bystander = spawn('sleep', ['60'], { stdio: 'ignore' });
    const file = join(server.clusterDir, 'postmaster.pid');
    await writeFile(file, `${bystander.pid}\n${server.clusterDir}\n0\n${server.port}\n`);
    const again = await start();
    expect(await ask(again.url, 'select 1')).toEqual([1]);
    expect(bystander.exitCode).toBeNull();
    bystander.kill();
  });
});

const HUB = fileURLToPath(new URL('./embedded-hub.ts', import.meta.url));

/** A hub process that starts the server and then only lives. */
async function startHub(graceMs: number): Promise<{ pid: number; kill(): Promise<void> }> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', HUB, join(folder, 'postgres'), home, String(graceMs)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  return {
    pid: Number(line.toString()),
    kill: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

describe('a hub that is killed', () => {
  beforeEach(makeFolders);
  afterEach(removeFolders);

  it('leaves a server that the next hub takes over', async () => {
    const hub = await startHub(30_000);
    await hub.kill();
    expect(alive(hub.pid)).toBe(true);
    const server = await start();
    expect(server.adopted).toBe(true);
    expect(server.pid).toBe(hub.pid);
    expect(await ask(server.url, 'select 1')).toEqual([1]);
    const back = new Promise((resolve) =>
      server.onState((state) => state === 'up' && resolve(undefined)),
    );
    process.kill(hub.pid, 'SIGKILL');
    await back;
    expect(await ask(server.url, 'select 1')).toEqual([1]);
  });

  it('leaves a server that ends by itself when no hub comes', async () => {
    const hub = await startHub(200);
    await hub.kill();
    await until(() => !alive(hub.pid));
    expect(existsSync(join(folder, 'postgres/server.json'))).toBe(true);
  });
});

describe('what can be wrong before it starts', () => {
  let clusterDir: string;
  beforeAll(async () => {
    await makeFolders();
    const server = await start();
    clusterDir = server.clusterDir;
    await server.stop();
  });
  afterAll(removeFolders);

  it('data of another major version', async () => {
    await writeFile(join(clusterDir, 'PG_VERSION'), '17\n');
    const error = await failure(start());
    expect(error.code).toBe('data_version');
    expect(error.message).toContain('PostgreSQL 17');
    expect(error.hint).toContain('hub backup');
    await writeFile(join(clusterDir, 'PG_VERSION'), '18\n');
  });

  it('a folder that cannot be written', async () => {
    await writeFile(join(folder, 'file'), '');
    const error = await failure(start({ dataDir: join(folder, 'file/postgres') }));
    expect(error.code).toBe('unwritable');
    expect(error.message).toContain(join(folder, 'file'));
  });

  it('a configuration that the server refuses: the last lines of its log are shown', async () => {
    // where ALTER SYSTEM writes
    const file = join(clusterDir, 'postgresql.auto.conf');
    const good = await readFile(file, 'utf8');
    await writeFile(file, 'shared_buffers = banana\n');
    const error = await failure(start());
    expect(error.code).toBe('start_failed');
    expect(error.message).toContain('banana');
    await writeFile(file, good);
  });

  it('data that is gone is an error, not an empty database', async () => {
    await rm(clusterDir, { recursive: true });
    expect((await failure(start())).code).toBe('data_missing');
  });

  it('an initdb that was cut short leaves nothing in the way', async () => {
    await mkdir(`${clusterDir}.new`);
    await writeFile(join(`${clusterDir}.new`, 'PG_VERSION'), '18\n');
    const file = join(folder, 'postgres/server.json');
    const state = await readFile(file, 'utf8');
    await writeFile(file, state.replace('"initialised": true', '"initialised": false'));
    expect(await ask((await start()).url, 'select 1')).toEqual([1]);
  });
});

only(
  isRoot(),
  'as root',
  describe,
)('as root', () => {
  beforeEach(makeFolders);
  afterEach(removeFolders);

  it('runs as an unprivileged user whose data lies outside the closed state folder', async () => {
    chmodSync(folder, 0o700);
    const server = await start();
    expect(statSync(server.clusterDir).uid).not.toBe(0);
    expect(statSync(`/proc/${server.pid}`).uid).toBe(statSync(server.clusterDir).uid);
    expect(server.clusterDir.startsWith(`${folder}/`)).toBe(false);
    expect(readFileSync(join(dirname(server.clusterDir), 'README'), 'utf8')).toContain(folder);
  });

  it('runs as an account of its own, and takes over what was left to nobody', async () => {
    const first = await start();
    const own = statSync(first.clusterDir).uid;
    const passwd = readFileSync('/etc/passwd', 'utf8');
    expect(passwd).toMatch(new RegExp(`^swarmplane-db:[^:]*:${own}:`, 'm'));
    await first.stop();
    const nobody = Number(/^nobody:[^:]*:(\d+):/m.exec(passwd)![1]);
    execFileSync('chown', ['-R', String(nobody), first.clusterDir]);
    const again = await start();
    expect(statSync(again.clusterDir).uid).toBe(own);
    expect(statSync(`/proc/${again.pid}`).uid).toBe(own);
    expect(await ask(again.url, 'select 1')).toEqual([1]);
  });

  /** Runs a shell line as the account of the database, in its folder. */
  function asServer(clusterDir: string, line: string): void {
    const { uid, gid } = statSync(clusterDir);
    execFileSync('/bin/sh', ['-ec', line], { uid, gid, cwd: clusterDir, stdio: 'pipe' });
  }

  it('writes nothing where the account of the database could lead it astray', async () => {
    const server = await start();
    const { clusterDir } = server;
    await server.stop();
    const victim = join(folder, 'victim');
    await writeFile(victim, 'of root\n', { mode: 0o600 });
    asServer(
      clusterDir,
      `for name in swarmplane.conf swarmplane.conf.new postgresql.conf pg_hba.conf pg_ident.conf; do
         ln -sfn ${victim} $name
       done`,
    );
    const again = await start();
    expect(await ask(again.url, 'select 1')).toEqual([1]);
    expect(readFileSync(victim, 'utf8')).toBe('of root\n');
    expect(() => asServer(clusterDir, 'touch ../config/postgresql.conf')).toThrow();
    expect(() => asServer(clusterDir, 'touch ../config/x || touch ../x')).toThrow();
  });

  it.each(['PG_VERSION', 'postmaster.pid'])(
    'neither waits for a pipe nor follows a link that is called %s',
    async (name) => {
      const server = await start();
      const { clusterDir } = server;
      await server.stop();
      asServer(clusterDir, `rm -f ${name}; mkfifo ${name}`);
      expect((await failure(start())).code).toBe('foreign_file');
      asServer(clusterDir, `rm -f ${name}; ln -s /etc/shadow ${name}`);
      const error = await failure(start());
      expect(error.code).toBe('foreign_file');
      expect(error.message).toContain(join(clusterDir, name));
      expect(error.message).not.toContain('root:');
    },
  );

  it('removes what an initdb left over as the account, not as root', async () => {
    const server = await start();
    const { clusterDir } = server;
    await server.stop();
    const file = join(folder, 'postgres/server.json');
    await writeFile(
      file,
      readFileSync(file, 'utf8').replace('"initialised": true', '"initialised": false'),
    );
    const precious = join(folder, 'precious');
    await mkdir(precious);
    await writeFile(join(precious, 'file'), '');
    execFileSync('mv', [clusterDir, `${clusterDir}.new`]);
    asServer(`${clusterDir}.new`, `ln -s ${precious} link; ln -s ${precious} .hidden`);
    await start();
    expect(existsSync(join(precious, 'file'))).toBe(true);
  });

  it('refuses folders that others can change', async () => {
    await mkdir(home, { mode: 0o755 });
    execFileSync('chown', ['nobody', home]);
    const error = await failure(start());
    expect(error.code).toBe('foreign_folder');
    expect(error.message).toContain(JSON.stringify(home));
    execFileSync('chown', ['root', home]);
    chmodSync(home, 0o777);
    expect((await failure(start())).code).toBe('foreign_folder');
  });

  it('keeps its data in the state folder where that user can go', async () => {
    await chmod(folder, 0o755);
    const server = await start();
    expect(server.clusterDir).toBe(join(folder, 'postgres/cluster'));
  });
});
