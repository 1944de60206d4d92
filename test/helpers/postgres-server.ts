/** One PostgreSQL server of the tests: its folder, its process, its databases. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { clusterRoot } from './clusters.ts';
import { copyLive, queryOnce, untilReady, waitForReplica } from './replica.ts';
import { openPool } from '../../src/hub/database/database.ts';
import { toJson } from '../../src/hub/database/json-text.ts';
import { declaredTables } from '../../src/hub/host-tables.ts';
import { migrate } from '../../src/hub/schema/migrate.ts';
import { serverAccount, type OsUser } from '../../src/hub/postgres/os-user.ts';
import { embeddedBinaries } from '../../src/hub/postgres/postgres-binaries.ts';

export type Major = 15 | 18;

const root = fileURLToPath(new URL('../..', import.meta.url));
export const migrationsDir = join(root, 'migrations');
export const sqlDir = join(root, 'sql');

export const SYSTEM_15 = '/usr/lib/postgresql/15/bin';

export interface TestPostgres {
  readonly major: Major;
  readonly port: number;
  /** Folder of the server's data. */
  readonly dataDir: string;
  /** A superuser, on the maintenance database. */
  readonly superUrl: string;
  /**
   * A new database, owned by `swarmplane` (CREATEROLE, no superuser), with the repository's
   * migrations and sql/ applied.
   */
  createDatabase(options?: DatabaseOptions): Promise<TestDatabase>;
  /** Pid of the postmaster. */
  pid(): Promise<number>;
  /** Waits until it takes connections again. */
  ready(): Promise<void>;
  /** Starts it again after it was killed or stopped by a signal. */
  restart(): Promise<void>;
  /** Stops it in order and starts it with these variables in its environment. */
  restartWith(environment: Readonly<Record<string, string>>): Promise<void>;
  /**
   * A replica that has all that was committed takes the server's place, on its port, after the server
   * was killed. Commits with `synchronous_commit = on` are in both.
   */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

export interface DatabaseOptions {
  /** Nothing is in it. */
  readonly empty?: boolean;
  /**
   * As a hub finds it that was there before, of whom nothing is tracked: partitions are made, the tables
   * of hosts are known. A hub starts on it in a quarter of the time.
   */
  readonly used?: boolean;
}

export interface TestDatabase {
  readonly name: string;
  /** As the owner. */
  readonly url: string;
  /** As a login role made for this server at first use, member of the given group roles. */
  urlAs(login: string, memberOf?: readonly string[]): Promise<string>;
  superUrl: string;
  /** A pool as the owner, or for the given URL; ended when the server stops. */
  pool(url?: string): pg.Pool;
}

export class PostgresServer implements TestPostgres {
  readonly major: Major;
  port = 0;
  #account: OsUser | undefined;
  #folder = '';
  #bin = '';
  #process: ChildProcess | undefined;
  #environment: Readonly<Record<string, string>> = {};
  #pools: pg.Pool[] = [];
  #owner: Promise<void> | undefined;
  #templates: Promise<void> | undefined;
  #counter = 0;
  /** True for a copy of a prepared cluster. */
  #prepared = false;

  /** MiB of a file system of its own for the data, which only root can have; undefined for none. */
  readonly #diskMiB: number | undefined;

  constructor(major: Major, diskMiB?: number) {
    this.major = major;
    this.#diskMiB = diskMiB;
  }

  get dataDir(): string {
    return join(this.#folder, 'data');
  }

  get superUrl(): string {
    return this.#url('postgres', 'postgres');
  }

  #url(user: string, database: string): string {
    return `postgres://${user}@127.0.0.1:${this.port}/${database}`;
  }

  /** Makes the data folder: by initdb, or as a copy of `cluster`. */
  async initialise(cluster?: string): Promise<void> {
    this.#account = serverAccount();
    this.#folder = await mkdtemp(join(clusterRoot(), 'swarmplane-pg-'));
    await chmod(this.#folder, 0o755);
    const own = this.#account;
    this.#bin =
      this.major === 15
        ? SYSTEM_15
        : (await embeddedBinaries(own, join(tmpdir(), 'swarmplane-pg-bin'))).bin;
    await mkdir(this.dataDir, { mode: 0o700 });
    if (this.#diskMiB !== undefined) await this.#mount(this.#diskMiB);
    if (own !== undefined) await chown(this.dataDir, own.uid, own.gid);
    if (cluster === undefined) await this.#initdb();
    else {
      await promisify(execFile)('cp', ['-a', `${cluster}/.`, this.dataDir]);
      this.#prepared = true;
    }
    this.port = await freePort();
  }

  async #mount(sizeMiB: number): Promise<void> {
    const options = `size=${sizeMiB}m,mode=0700`;
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', this.dataDir]);
  }

  async #initdb(): Promise<void> {
    const locale =
      this.major === 15 ? [] : ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    await promisify(execFile)(
      join(this.#bin, 'initdb'),
      [
        '-D',
        this.dataDir,
        '-U',
        'postgres',
        '-A',
        'trust',
        '-E',
        'UTF8',
        '--locale=C',
        '--no-sync',
        ...locale,
      ],
      { ...this.#runAs(), env: ENVIRONMENT },
    );
  }

  /** The shell ends the server when its standard input ends: with stop(), or with this process. */
  async restart(): Promise<void> {
    for (;;) {
      try {
        return await this.#start();
      } catch (error) {
        // A backend outlives a killed postmaster for a moment, and keeps its shared memory.
        if (!/shared memory block|lock file/.test((error as Error).message)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  async #start(): Promise<void> {
    await this.#ended();
    const child = this.#spawn(this.dataDir, this.port);
    let said = '';
    child.stderr!.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-10_000)));
    this.#process = child;
    await Promise.race([this.ready(), failure(child, () => said)]);
  }

  #spawn(dataDir: string, port: number): ChildProcess {
    const settings = Object.entries({ ...SETTINGS, port }).flatMap(([key, value]) => [
      '-c',
      `${key}=${value}`,
    ]);
    return spawn(
      '/bin/sh',
      ['-c', KEEPER, 'keeper', dataDir, join(this.#bin, 'postgres'), '-D', dataDir, ...settings],
      {
        ...this.#runAs(),
        env: { ...ENVIRONMENT, ...this.#environment },
        stdio: ['pipe', 'ignore', 'pipe'],
        detached: true,
      },
    );
  }

  async failOver(): Promise<void> {
    const replica = join(this.#folder, 'replica');
    const port = await freePort();
    await copyLive(this.superUrl, this.dataDir, replica);
    const own = this.#account;
    if (own !== undefined)
      await promisify(execFile)('chown', ['-R', `${own.uid}:${own.gid}`, replica]);
    const child = this.#spawn(replica, port);
    child.stderr!.resume();
    const exited = new Promise((resolve) => child.once('exit', resolve));
    try {
      const url = this.superUrl.replace(`:${this.port}/`, `:${port}/`);
      await untilReady(url, child);
      await waitForReplica(this.superUrl);
      process.kill(await this.pid(), 'SIGKILL');
      await this.#ended();
      await queryOnce(url, 'select pg_promote()');
      const pidFile = await readFile(join(replica, 'postmaster.pid'), 'utf8');
      process.kill(Number(pidFile.split('\n')[0]), 'SIGINT');
      await exited;
      await promisify(execFile)('find', [this.dataDir, '-mindepth', '1', '-delete']);
      await promisify(execFile)('cp', ['-a', `${replica}/.`, this.dataDir]);
    } finally {
      child.stdin?.end();
      await exited;
      await rm(replica, { recursive: true, force: true });
    }
    await this.restart();
  }

  async restartWith(environment: Readonly<Record<string, string>>): Promise<void> {
    this.#environment = environment;
    await this.shutDown();
    await this.restart();
  }

  #runAs(): { uid?: number; gid?: number; cwd: string } {
    const { uid, gid } = this.#account ?? {};
    return { ...(uid === undefined ? {} : { uid, gid: gid! }), cwd: '/' };
  }

  async ready(): Promise<void> {
    if (this.#process !== undefined) await untilReady(this.superUrl, this.#process);
  }

  async pid(): Promise<number> {
    return Number((await readFile(join(this.dataDir, 'postmaster.pid'), 'utf8')).split('\n')[0]);
  }

  async createDatabase({
    empty = false,
    used = false,
  }: DatabaseOptions = {}): Promise<TestDatabase> {
    const name = `test_${++this.#counter}`;
    await this.#makeOwner();
    if (!empty) await this.prepare();
    const template = empty ? 'template0' : used ? USED : MIGRATED;
    await this.#asSuper(`create database ${name} owner swarmplane template ${template}`);
    return {
      name,
      url: this.#url('swarmplane', name),
      superUrl: this.#url('postgres', name),
      urlAs: async (login, memberOf = []) => {
        await this.#asSuper(loginRole(login, memberOf));
        return this.#url(login, name);
      },
      pool: (url = this.#url('swarmplane', name)) => this.#pool(url),
    };
  }

  /** The roles and the templates of databases. */
  async prepare(): Promise<void> {
    if (this.#prepared) return;
    await this.#makeOwner();
    await (this.#templates ??= this.#makeTemplates());
  }

  async #makeOwner(): Promise<void> {
    if (this.#prepared) return;
    await (this.#owner ??= this.#asSuper('create role swarmplane login createrole'));
  }

  /** In order, so that a copy of its data starts without recovery. */
  async shutDown(): Promise<void> {
    process.kill(await this.pid(), 'SIGINT');
    await this.#ended();
  }

  #pool(url: string): pg.Pool {
    const pool = openPool(url);
    this.#pools.push(pool);
    return pool;
  }

  async #makeTemplates(): Promise<void> {
    await this.#asSuper(`create database ${MIGRATED} owner swarmplane`);
    await this.#inDatabase(MIGRATED, (pool) =>
      migrate(pool, { migrationsDir, sqlDir, release: '0.0.0' }),
    );
    // Tests are quicker than people: their leases are shorter than what hubs at work renew.
    await this.#inDatabase(MIGRATED, (pool) =>
      pool.query(`
        alter table swarmplane.setting disable trigger _700_audit;
        update swarmplane.setting set least = case kind when 'interval' then '1 microsecond' else '1' end
         where right(name, 5) <> '_kept';
        alter table swarmplane.setting enable trigger _700_audit`),
    );
    await this.#asSuper(`create database ${USED} owner swarmplane template ${MIGRATED}`);
    // First: a hub makes the tables of what is tracked. Nobody did it, so the audit has nothing of it.
    await this.#inDatabase(USED, (pool) =>
      pool.query(`
        alter table swarmplane.track_wish disable trigger _700_audit;
        delete from swarmplane.track_wish;
        alter table swarmplane.track_wish enable trigger _700_audit`),
    );
    await this.#inDatabase(USED, async (pool) => {
      await pool.query('select swarmplane.report_host_tables($1)', [
        toJson(await declaredTables()),
      ]);
      await pool.query('select swarmplane.make_partitions()');
    });
  }

  async #inDatabase(name: string, work: (pool: pg.Pool) => Promise<unknown>): Promise<void> {
    const pool = openPool(this.#url('swarmplane', name));
    try {
      await work(pool);
    } finally {
      await pool.end();
    }
  }

  async #asSuper(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.superUrl });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#pools.splice(0).map((pool) => (pool.ended ? undefined : pool.end())));
    this.#process?.stdin?.end();
    await this.#ended();
    if (this.#diskMiB !== undefined)
      await promisify(execFile)('umount', [this.dataDir]).catch(() => undefined);
    if (this.#folder !== '') await rm(this.#folder, { recursive: true, force: true });
  }

  async #ended(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((resolve) => child.once('exit', resolve));
  }
}

/** Databases that others are copies of. */
const MIGRATED = 'swarmplane_template';
const USED = 'swarmplane_used_template';

/**
 * Runs the server beside a reader of standard input. Whichever ends first ends the other: no server
 * outlives its test, and a killed server is seen at once. Where the reader ended, nobody starts the
 * server again: its data goes, as it may lie in memory.
 */
const KEEPER = `
  data=$1
  shift
  exec 3<&0
  "$@" 3<&- </dev/null &
  server=$!
  (read -r _ <&3; trap '' TERM; kill -QUIT $server) &
  reader=$!
  wait $server
  code=$?
  kill $reader 2>/dev/null
  wait $reader && rm -rf "$data" 2>/dev/null
  exit $code`;

/** fsync off: for tests only. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  shared_buffers: '32MB',
  max_connections: '120',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

const ENVIRONMENT = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };

function loginRole(login: string, memberOf: readonly string[]): string {
  const name = pg.escapeIdentifier(login);
  const grants = memberOf.map((group) => `grant ${pg.escapeIdentifier(group)} to ${name};`);
  return `do $$ begin
    if not exists (select from pg_roles where rolname = ${pg.escapeLiteral(login)}) then
      create role ${name} login;
    end if;
    ${grants.join(' ')}
  end $$`;
}

function failure(child: ChildProcess, said: () => string): Promise<never> {
  return new Promise((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`PostgreSQL ended with ${code}:\n${said()}`)));
  }).catch((error: unknown) => {
    throw error;
  }) as Promise<never>;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
    server.once('error', reject);
  });
}
