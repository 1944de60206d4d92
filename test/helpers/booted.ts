/**
 * A machine of its own under a real systemd: an overlay of this one's files in namespaces of its own, so
 * that nothing it does is seen outside. Tables are read inside it, beside the programs people look with.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import type { Constraint, Row } from '../../src/tables/types.ts';
import { eventually } from './eventually.ts';
import { has, isRoot } from './needs.ts';

export interface Booted {
  /** What a program prints there. @throws when it fails */
  print(program: string, ...args: string[]): string;
  /** A table's rows there. @throws with the table's error */
  rows(table: string, constraints?: readonly Constraint[]): Scan;
  /** The same for several queries of a table, one after the other in one process. */
  scans(table: string, queries: readonly (readonly Constraint[])[]): Scan[];
  stop(): void;
}

export interface Scan {
  readonly rows: Row[];
  readonly warnings: string[];
}

/** Whether this machine lets one be made: root, namespaces, an overlay in a tmpfs, systemd as a program. */
export function canBoot(): boolean {
  if (!isRoot || !has('unshare') || !has('nsenter')) return false;
  const folder = mkdtempSync(join(tmpdir(), 'swarmplane-boot-'));
  try {
    const tried = spawnSync('unshare', [
      '-m',
      'sh',
      '-ec',
      `${OVERLAY} && test -x ${SYSTEMD}`,
      folder,
    ]);
    return tried.status === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ends when systemd says that it has started what it starts. */
export async function boot(): Promise<Booted> {
  const folder = mkdtempSync(join(tmpdir(), 'swarmplane-boot-'));
  const child = spawn('unshare', ['-pmuiCnf', 'sh', '-ec', `${OVERLAY}\n${ENTER}`, folder], {
    stdio: 'ignore',
  });
  const pid = await eventually(() => firstProcess(child), 'systemd as process 1 of a namespace');
  const inside = (program: string, args: readonly string[], input?: string) =>
    spawnSync(
      'nsenter',
      ['-t', String(pid), '-m', '-p', '-C', '-u', '-i', '-n', '--', program, ...args],
      {
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
        env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
        ...(input === undefined ? {} : { input }),
      },
    );
  await eventually(
    () =>
      /^(running|degraded)/.test(inside('systemctl', ['is-system-running']).stdout)
        ? true
        : undefined,
    'systemd to have started what it starts',
  );
  const scans: Booted['scans'] = (table, queries) => {
    const program = resolve(import.meta.dirname, '../tables/lib/print-rows.ts');
    const args = ['--import', import.meta.resolve('tsx'), program, table];
    const { stdout, stderr } = inside(process.execPath, args, JSON.stringify(queries));
    if (stdout === '') throw new Error(stderr.trim());
    return (JSON.parse(stdout) as (Scan & { error?: string })[]).map((scan) => {
      if (scan.error !== undefined) throw new Error(scan.error);
      return scan;
    });
  };
  return {
    print(program, ...args) {
      const { status, stdout, stderr } = inside(program, args);
      if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${stderr}`);
      return stdout;
    },
    rows: (table, constraints = []) => scans(table, [constraints])[0]!,
    scans,
    stop() {
      // The end of a namespace's process 1 ends all in it, and its mounts.
      process.kill(pid, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The child of unshare, once it has become systemd. */
function firstProcess(child: ChildProcess): number | undefined {
  if (child.exitCode !== null) throw new Error(`unshare ended with ${child.exitCode}`);
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
  if (children === '') return undefined;
  const program = readFileSync(`/proc/${children}/cmdline`, 'utf8');
  return program.startsWith(SYSTEMD) ? Number(children) : undefined;
}

const SYSTEMD = '/lib/systemd/systemd';

/** `$0` is an empty folder; below it root becomes this machine's files, with changes kept in memory. */
const OVERLAY = `mount --make-rprivate /
mount -t tmpfs tmpfs "$0"
mkdir "$0/upper" "$0/work" "$0/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/root"`;

/** What is changed in it lies below /run/changed, as others may change what is under the overlay. */
const ENTER = `cd "$0/root"
mount -t tmpfs tmpfs run
mkdir run/changed
mount --bind "$0/upper" run/changed
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs var/log
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mkdir old
pivot_root . old
umount -l /old
exec env -i container=test "PATH=$PATH" ${SYSTEMD} --system --unit=basic.target`;
