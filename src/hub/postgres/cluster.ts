/**
 * The files of the embedded PostgreSQL and how they come to be.
 *
 * In the folder we are given (below the state folder), owned by who starts the hub:
 *   server.json   0600: port, passwords, where the data is
 *   postgres.log  0600: what the server says
 * and `cluster`, the server's data (PGDATA), 0700, owned by the user the server runs as, beside
 * `config`, what it is configured by, owned by who starts the hub. They lie in the same folder if that
 * user can get there. A state folder of root is closed to every other user, so then they go to
 * /var/lib/swarmplane-postgres/<id>/, beside a note that names the state folder.
 *
 * Root writes nothing into `cluster`, follows no link there, and reads only by foreign-file.ts: the
 * server's account may be somebody else's by way of the database.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { replaceFile } from '../../agent/index.ts';
import { HubError, codeOf, messageOf } from '../errors.ts';
import { readForeign } from './foreign-file.ts';
import { adopt, canEnter, serverAccount, type OsUser } from './os-user.ts';
import { embeddedBinaries, type Binaries } from './postgres-binaries.ts';

/** server.json */
export interface ClusterState {
  port: number;
  /** Folder that holds `cluster`. */
  readonly home: string;
  /** Becomes true once initdb is through: from then on missing data is an error. */
  initialised: boolean;
  readonly passwords: {
    readonly postgres: string;
    readonly hub: string;
    readonly operator: string;
  };
}

export interface Cluster {
  readonly dataDir: string;
  readonly state: ClusterState;
  readonly account: OsUser | undefined;
  readonly binaries: Binaries;
  /** PGDATA */
  readonly data: string;
  /** postgresql.conf and pg_hba.conf. */
  readonly config: string;
  readonly logFile: string;
}

/** Not below root's usual state folder, which is closed to the server's user. */
export const HOME_FOR_ROOT = '/var/lib/swarmplane-postgres';

/**
 * Opens the cluster of a folder, making it first where there is none.
 * @throws HubError not_installed, no_account, unwritable, data_version, data_missing, init_failed
 */
export async function openCluster(dataDir: string, homeForRoot = HOME_FOR_ROOT): Promise<Cluster> {
  const folder = resolve(dataDir);
  await writable(folder, () => mkdir(folder, { recursive: true, mode: 0o711 }));
  requireOwn(folder);
  const known = await readState(folder);
  const account = serverAccount(known === undefined ? undefined : join(known.home, 'cluster'));
  const copyTo = account === undefined ? folder : homeForRoot;
  if (account !== undefined) {
    await writable(copyTo, () => mkdir(copyTo, { recursive: true, mode: 0o755 }));
    requireOwn(copyTo);
  }
  const binaries = await embeddedBinaries(account, copyTo);
  const state = known ?? newState(account, folder, homeForRoot);
  const cluster: Cluster = {
    dataDir: folder,
    state,
    account,
    binaries,
    data: join(state.home, 'cluster'),
    config: join(state.home, 'config'),
    logFile: join(folder, 'postgres.log'),
  };
  if (readForeign(join(cluster.data, 'PG_VERSION')) === undefined) await initialise(cluster);
  requireOwn(state.home);
  if (account !== undefined) adopt(cluster.data, account);
  checkVersion(cluster);
  await writable(cluster.config, () => configure(cluster));
  return cluster;
}

/** What root writes and reads lies in folders of root that nobody else can write. */
function requireOwn(folder: string): void {
  if (process.getuid?.() !== 0) return;
  const stat = lstatSync(folder);
  if (stat.isDirectory() && stat.uid === 0 && (stat.mode & 0o022) === 0) return;
  throw new HubError(
    'foreign_folder',
    `${JSON.stringify(folder)} can be changed by others than root`,
    { hint: `if it is meant to be the hub's: chown root ${folder}; chmod go-w ${folder}` },
  );
}

/** Settings anew at every start; pg_hba.conf once, for whoever wants to add to it. */
async function configure({ config }: Cluster): Promise<void> {
  await mkdir(config, { recursive: true, mode: 0o755 });
  requireOwn(config);
  await chmod(config, 0o755);
  await replaceFile(join(config, 'postgresql.conf'), Buffer.from(SETTINGS), 0o644);
  await writeFile(join(config, 'pg_hba.conf'), ACCESS, { flag: 'wx', mode: 0o644 }).catch(
    (error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    },
  );
  // A strict umask must not shut the server's user out.
  for (const name of ['postgresql.conf', 'pg_hba.conf']) await chmod(join(config, name), 0o644);
}

const ACCESS = `# Who may connect, see pg_hba.conf of PostgreSQL. Written once by swarmplane, yours from then on.
host all all 127.0.0.1/32 scram-sha-256
`;

type Login = keyof ClusterState['passwords'];

export function urlOf({ state }: Pick<Cluster, 'state'>, login: Login, database: string): string {
  return `postgres://${login}:${state.passwords[login]}@127.0.0.1:${state.port}/${database}`;
}

/**
 * The hub's own URL where `operatorUrl` is that of the embedded server in this folder; else undefined.
 * For commands that need more than an operator may: doctor, grants.
 */
export async function hubUrlBehind(
  dataDir: string,
  operatorUrl: string,
): Promise<string | undefined> {
  const state = await readState(resolve(dataDir)).catch(() => undefined);
  if (state === undefined) return undefined;
  const url = (login: Login): string => urlOf({ state }, login, 'swarmplane');
  return url('operator') === operatorUrl ? url('hub') : undefined;
}

/**
 * Whether a URL is one that an embedded server gives to people, of this folder's or of one that is gone:
 * with lost data, on another machine or on another port, the URL in the state folder is still the old one.
 */
export function isEmbeddedUrl(url: string): boolean {
  return /^postgres:\/\/operator:[\w-]{32}@127\.0\.0\.1:\d+\/swarmplane$/.test(url);
}

export function superUrl(cluster: Cluster, database: string): string {
  return urlOf(cluster, 'postgres', database);
}

/** How to start a program of the server: as its user, with nothing of our environment. */
export function runAs(account: OsUser | undefined): {
  uid?: number;
  gid?: number;
  cwd: string;
  env: NodeJS.ProcessEnv;
} {
  const ids = account === undefined ? {} : { uid: account.uid, gid: account.gid };
  return { ...ids, cwd: '/', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } };
}

/** Whole or not at all, also when the power goes. */
export async function saveState(cluster: Cluster): Promise<void> {
  const file = join(cluster.dataDir, 'server.json');
  const text = `${JSON.stringify(cluster.state, null, 2)}\n`;
  await writable(file, () => replaceFile(file, Buffer.from(text)));
}

/** What is in server.json; undefined where there is none. @throws HubError unwritable */
export async function readState(folder: string): Promise<ClusterState | undefined> {
  const file = join(folder, 'server.json');
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ClusterState;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new HubError('unwritable', `cannot read ${file}: ${messageOf(error)}`, {
      cause: error,
      hint: 'it holds the passwords of the embedded PostgreSQL: give it back to the user that runs the hub',
    });
  }
}

function newState(account: OsUser | undefined, folder: string, homeForRoot: string): ClusterState {
  const id = randomBytes(6).toString('hex');
  return {
    port: 0,
    home: canEnter(folder, account) ? folder : join(homeForRoot, id),
    initialised: false,
    passwords: { postgres: password(), hub: password(), operator: password() },
  };
}

/** Fit for a URL without escapes. */
function password(): string {
  return randomBytes(24).toString('base64url');
}

/** initdb into a folder beside, renamed when it is through: a crash leaves no half database. */
async function initialise(cluster: Cluster): Promise<void> {
  const { state, account, data } = cluster;
  if (state.initialised)
    throw new HubError('data_missing', `the data of the embedded PostgreSQL is gone: ${data}`, {
      hint: `bring it back, or remove ${join(cluster.dataDir, 'server.json')} to start with an empty database`,
    });
  await saveState(cluster);
  await writable(state.home, () => makeHome(cluster));
  const partial = `${data}.new`;
  await writable(partial, async () => {
    await removeOf(account, partial);
    await mkdir(partial, { mode: 0o700 });
    if (account !== undefined) await chown(partial, account.uid, account.gid);
  });
  await runInitdb(cluster, partial);
  await rename(partial, data);
  state.initialised = true;
  await saveState(cluster);
}

/** What lies in a folder of the account is removed by the account: its links could lead root astray. */
export async function removeOf(account: OsUser | undefined, folder: string): Promise<void> {
  const owner = lstatSync(folder, { throwIfNoEntry: false })?.uid;
  if (account !== undefined && owner === account.uid) {
    const removal = 'rm -rf -- "$1"/* "$1"/.[!.]*';
    await promisify(execFile)('/bin/sh', ['-c', removal, 'sh', folder], runAs(account));
    await rmdir(folder);
  } else await rm(folder, { recursive: true, force: true });
}

async function makeHome({ state, dataDir, account }: Cluster): Promise<void> {
  if (state.home === dataDir) return;
  await mkdir(state.home, { recursive: true, mode: 0o755 });
  // A strict umask must not shut the server's user out.
  if (account !== undefined)
    for (const path of [dirname(state.home), state.home]) await chmod(path, 0o755);
  await writeFile(
    join(state.home, 'README'),
    `The database of the swarmplane hub whose state is in ${dirname(dataDir)}.\nIf that folder is gone, this one is not needed any more.\n`,
  );
}

async function runInitdb({ binaries, account, state }: Cluster, folder: string): Promise<void> {
  const passwordFile = join(folder, '..', '.initdb-password');
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, `${state.passwords.postgres}\n`, { mode: 0o600, flag: 'wx' });
  try {
    if (account !== undefined) await chown(passwordFile, account.uid, account.gid);
    await promisify(execFile)(
      join(binaries.bin, 'initdb'),
      [`--pgdata=${folder}`, `--pwfile=${passwordFile}`, ...INITDB_ARGS],
      runAs(account),
    );
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() ?? '';
    throw new HubError(
      'init_failed',
      `cannot make the database in ${folder}: ${lastLines(said) || messageOf(error)}`,
      {
        cause: error,
        hint: 'free some disk space or correct what it says; or give another server with --database URL',
      },
    );
  } finally {
    await rm(passwordFile, { force: true });
  }
}

// The builtin locale sorts the same on every system and release; an ICU or libc upgrade can
// silently break indexes on text.
const INITDB_ARGS = [
  '--username=postgres',
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--no-instructions',
];

function checkVersion({ data, binaries }: Cluster): void {
  const has = readForeign(join(data, 'PG_VERSION'))?.trim() ?? '';
  const runs = binaries.version.split('.')[0];
  if (has === runs) return;
  throw new HubError(
    'data_version',
    `the data in ${data} is of PostgreSQL ${has}, the embedded server is ${runs}`,
    {
      hint: `with the swarmplane that ran it: swarmplane hub backup FILE; then move ${data} away and: swarmplane hub restore FILE`,
    },
  );
}

/** Written at every start. What an administrator sets with ALTER SYSTEM wins over it. */
const SETTINGS = `# Written by swarmplane at every start: change settings with ALTER SYSTEM instead.
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %u@%d '
shared_buffers = 64MB
min_wal_size = 32MB
max_wal_size = 512MB
wal_compression = on
jit = off
io_method = sync
idle_in_transaction_session_timeout = 10min
`;

async function writable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HubError) throw error;
    throw new HubError('unwritable', `cannot write ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: 'make the state folder writable for the user that runs the hub, or choose another one',
    });
  }
}

export function lastLines(text: string, count = 8): string {
  return text.trim().split('\n').slice(-count).join('\n');
}
