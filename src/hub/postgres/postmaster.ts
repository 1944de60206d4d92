/**
 * The server process of the embedded PostgreSQL: started, or taken over from a hub that was killed.
 * It runs in a session of its own, so Ctrl-C reaches the hub only, which then stops it in order.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
} from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lastLines, runAs, type Cluster } from './cluster.ts';
import { readForeign } from './foreign-file.ts';

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly adopted: boolean;
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
  /** What the server has said since it was started, the last lines. */
  said(): string;
}

export function startPostmaster(cluster: Cluster, port: number): Postmaster {
  const log = openSync(cluster.logFile, 'a', 0o600);
  const from = statSync(cluster.logFile).size;
  const settings = [
    `config_file=${join(cluster.config, 'postgresql.conf')}`,
    `hba_file=${join(cluster.config, 'pg_hba.conf')}`,
    'listen_addresses=127.0.0.1',
    'fsync=on',
  ].flatMap((setting) => ['-c', setting]);
  const args = ['-D', cluster.data, '-p', String(port), ...settings];
  let failure = '';
  try {
    const child = spawn(join(cluster.binaries.bin, 'postgres'), args, {
      ...runAs(cluster.account),
      stdio: ['ignore', log, log],
      detached: true,
    });
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', (error) => {
        failure = error.message;
        resolve();
      });
    });
    child.unref();
    const said = (): string => failure || lastLines(readFrom(cluster.logFile, from));
    return { pid: child.pid ?? 0, port, adopted: false, ended, said };
  } finally {
    closeSync(log);
  }
}

/**
 * The server that runs on this data already, left by a hub that was killed. A postmaster.pid that
 * names no such process any more is removed: its number may belong to another program by now, and
 * PostgreSQL would then refuse to start.
 */
export function findPostmaster(cluster: Cluster): Postmaster | undefined {
  const file = join(cluster.data, 'postmaster.pid');
  const text = readForeign(file);
  if (text === undefined) return undefined;
  const lines = text.split('\n');
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  if (!isPostmasterOf(pid, cluster.data)) {
    rmSync(file, { force: true });
    return undefined;
  }
  const from = existsSync(cluster.logFile) ? statSync(cluster.logFile).size : 0;
  const said = (): string => lastLines(readFrom(cluster.logFile, from));
  return { pid, port, adopted: true, ended: gone(pid, cluster.data), said };
}

/** What pg_ctl waits for: the eighth line of postmaster.pid, written when the port is bound and recovery through. */
export function saysReady(cluster: Cluster, postmaster: Postmaster): boolean {
  try {
    const lines = (readForeign(join(cluster.data, 'postmaster.pid')) ?? '').split('\n');
    return Number(lines[0]) === postmaster.pid && lines[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}

/** Not our child, so no signal tells of its end: looked at four times a second. */
function gone(pid: number, data: string): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (isPostmasterOf(pid, data)) return;
      clearInterval(timer);
      resolve();
    }, 250);
    timer.unref();
  });
}

/** A postmaster's working directory is its data folder; where there is no /proc, being alive must do. */
function isPostmasterOf(pid: number, data: string): boolean {
  if (!Number.isInteger(pid) || pid <= 1) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (!existsSync('/proc/self/cwd')) return true;
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === data;
  } catch {
    return false;
  }
}

/** Fast shutdown: sessions are ended, data is written. Harder after half a minute. */
export async function stopPostmaster(postmaster: Postmaster): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    try {
      process.kill(postmaster.pid, signal);
    } catch {
      return;
    }
    if (await endsWithin(postmaster, STOP_PATIENCE_MS)) return;
  }
}

const STOP_PATIENCE_MS = 30_000;

async function endsWithin(postmaster: Postmaster, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  // This timer also keeps the process alive until the server is gone.
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const ended = await Promise.race([postmaster.ended.then(() => true), late]);
  clearTimeout(timer);
  return ended;
}

/** Ends a server that no hub looks after any more. */
export interface Guardian {
  /** The hub stops in order: nothing to guard. */
  dismiss(): void;
}

/**
 * A shell that waits for the end of its standard input, that is, of this process, however it ended.
 * If no hub has taken the server over some time later, the shell stops it.
 */
export async function startGuardian(cluster: Cluster, graceMs: number): Promise<Guardian> {
  const token = randomBytes(8).toString('hex');
  const tokenFile = join(cluster.state.home, 'guardian');
  await rm(tokenFile, { force: true });
  await writeFile(tokenFile, token, { mode: 0o644, flag: 'wx' });
  const args = [
    String(graceMs / 1000),
    tokenFile,
    token,
    join(cluster.binaries.bin, 'pg_ctl'),
    cluster.data,
  ];
  const child: ChildProcess = spawn('/bin/sh', ['-c', GUARDIAN, 'swarmplane-guardian', ...args], {
    ...runAs(cluster.account),
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // Its end and a closed pipe are no concern of ours.
  child.once('error', () => undefined);
  child.stdin!.on('error', () => undefined);
  (child.stdin as unknown as { unref(): void }).unref();
  child.unref();
  return { dismiss: () => void child.stdin!.end('dismissed\n') };
}

const GUARDIAN = `
  read -r word && exit 0
  sleep "$1"
  [ "$(cat "$2")" = "$3" ] || exit 0
  exec "$4" stop --pgdata="$5" --mode=fast`;

const TAIL_BYTES = 16_384;

function readFrom(file: string, from: number): string {
  try {
    const bytes = readFileSync(file);
    return bytes
      .subarray(Math.max(Math.min(from, bytes.length), bytes.length - TAIL_BYTES))
      .toString();
  } catch {
    return '';
  }
}
