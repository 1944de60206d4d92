/** processes against ps, /proc read another way, and processes of our own making. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { processes } from '../../../src/tables/system/processes.ts';
import type { Row } from '../../../src/tables/types.ts';
import { contextFor, eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { printLines } from '../lib/program.ts';
import { isRoot, needs, only } from '../../helpers/needs.ts';
import { until } from '../../helpers/eventually.ts';

const one = async (pid: number): Promise<Row | undefined> =>
  (await rowsOf(processes, { constraints: [eq('pid', pid)] }))[0];

describe('processes', () => {
  needs('ps')('agrees with ps about a process of ours', async () => {
    const child = await startSleep(['sleep', '1000']);
    const row = await one(child);
    const columns = 'ppid,pgid,uid,gid,euid,egid,nlwp,ni,comm,args';
    const [line] = printLines('ps', '-o', columns, '--no-headers', '-p', String(child));
    const [ppid, pgid, uid, gid, euid, egid, nlwp, ni, comm, ...args] = line!.trim().split(/\s+/);
    expect(row).toMatchObject({ pid: child, name: comm, cmdline: args.join(' ') });
    expect(row).toMatchObject({ parent: Number(ppid), pgroup: Number(pgid) });
    expect(row).toMatchObject({ threads: Number(nlwp), nice: Number(ni) });
    expect(row).toMatchObject({ uid: Number(uid), gid: Number(gid) });
    expect(row).toMatchObject({ euid: Number(euid), egid: Number(egid) });
    const sizes = ['-o', 'vsz,rss,lstart', '--no-headers', '-p', String(child)];
    const [vsz, rss, ...start] = printLines('ps', ...sizes)[0]!
      .trim()
      .split(/\s+/);
    // It has only just become sleep and may still load its libraries.
    const later = await one(child);
    expect(Math.abs(Number(later!.total_size) - Number(vsz) * 1024)).toBeLessThan(2 ** 20);
    expect(Math.abs(Number(later!.resident_size) - Number(rss) * 1024)).toBeLessThan(2 ** 20);
    expect(Math.abs(Number(row!.start_time) - Date.parse(start.join(' ')) / 1000)).toBeLessThan(2);
  });

  needs('ps')('has the lasting processes that ps has', async () => {
    const before = printLines('ps', '-eo', 'pid', '--no-headers').map(Number);
    const pids = new Set((await rowsOf(processes)).map((row) => row.pid));
    const after = new Set(printLines('ps', '-eo', 'pid', '--no-headers').map(Number));
    for (const pid of before) if (after.has(pid)) expect(pids).toContain(pid);
  });

  it('agrees with what this process knows of itself', async () => {
    const row = await one(process.pid);
    expect(row).toMatchObject({ pid: process.pid, parent: process.ppid, on_disk: 1 });
    expect(row).toMatchObject({ path: process.execPath, cwd: process.cwd(), root: '/' });
    expect(row).toMatchObject({ uid: process.getuid!(), egid: process.getegid!() });
    expect(row!.user_time).toBeGreaterThan(0);
    expect(Math.abs(Number(row!.resident_size) - process.memoryUsage.rss())).toBeLessThan(64e6);
    const io = /^read_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))![1];
    expect(row!.disk_bytes_read).toBeLessThanOrEqual(Number(io));
    expect(readFileSync('/proc/self/cgroup', 'utf8')).toContain(`:${String(row!.cgroup_path)}\n`);
  });

  it('sees that a program was deleted', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'swarmplane-gone-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const copy = join(folder, 'slee\np');
    copyFileSync('/bin/sleep', copy);
    const pid = await startSleep([copy, '1000']);
    expect(await one(pid)).toMatchObject({ path: copy, on_disk: 1 });
    unlinkSync(copy);
    expect(await one(pid)).toMatchObject({ path: copy, on_disk: 0, name: 'slee\np' });
  });

  it('knows a program whose own name ends as the mark of a deleted one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'swarmplane-gone-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const copy = join(folder, 'x (deleted)');
    copyFileSync('/bin/sleep', copy);
    const pid = await startSleep([copy, '1000']);
    expect(await one(pid)).toMatchObject({ path: copy, on_disk: 1 });
    unlinkSync(copy);
    expect(await one(pid)).toMatchObject({ path: copy, on_disk: 0 });
  });

  it('keeps newlines and turns invalid UTF-8 in arguments into U+FFFD', async () => {
    const pid = await startSleep(
      ['sh', '-c', 'exec -a "$(printf \'a\\nb\\377\')" sleep 1000'],
      'bash',
    );
    expect((await one(pid))!.cmdline).toBe('a\nb\ufffd 1000');
  });

  it('reads nothing of the command line when it is not asked for', async () => {
    const root = fakeRoot({
      'proc/stat': 'btime 1000\n',
      'proc/7/stat': STAT,
    });
    const [row] = await rowsOf(processes, { root, columns: new Set(['pid', 'name']) });
    expect(Object.keys(row!)).not.toContain('cmdline');
    expect(row).toMatchObject({ pid: 7, name: 'evil) R 1', state: 'S', parent: 3 });
    expect(row).toMatchObject({ start_time: 1002, nice: -5, threads: 4, user_time: 120 });
  });

  it('skips a process that vanishes while it is read', async () => {
    const root = fakeRoot({
      'proc/7/stat': STAT,
      'proc/8/cmdline': 'half gone',
      'proc/9/stat': 'torn',
    });
    const rows = await rowsOf(processes, { root });
    expect(rows.map((row) => row.pid)).toEqual([7]);
    expect(rows[0]).toMatchObject({ path: null, on_disk: -1, cmdline: null, uid: undefined });
    expect(await rowsOf(processes, { constraints: [eq('pid', 4_194_305)] })).toEqual([]);
  });

  it('takes part in no race: a hundred short-lived processes never fail a scan', async () => {
    const shell = spawn('sh', ['-c', 'for i in $(seq 100); do /bin/true & done; wait'], {
      stdio: 'ignore',
    });
    const ended = once(shell, 'exit');
    let running = true;
    void ended.then(() => (running = false));
    while (running) {
      expect((await rowsOf(processes)).length).toBeGreaterThan(1);
      await new Promise(setImmediate);
    }
  });

  it('prefers the unified control group', async () => {
    const groups = async (content: string): Promise<unknown> => {
      const root = fakeRoot({ 'proc/7/stat': STAT, 'proc/7/cgroup': content });
      return (await rowsOf(processes, { root }))[0]!.cgroup_path;
    };
    expect(await groups('0::/system.slice/a:b.service\n')).toBe('/system.slice/a:b.service');
    expect(await groups('4:cpu:/c\n1:name=systemd:/s\n0::/\n')).toBe('/s');
    expect(await groups('4:cpu:/c\n')).toBe('/c');
  });

  only(!isRoot, 'as an ordinary user')('says that an ordinary user sees less', async () => {
    const context = contextFor(processes);
    await rowsOf(processes, context);
    expect(context.warnings.join()).toContain('not root');
  });
});

/** Fields 3 to 24 of a process named `evil) R 1`. */
const STAT =
  '7 (evil) R 1) S 3 7 7 0 -1 4194560 100 0 0 0 12 5 0 0 20 -5 4 0 250 8192000 300 1844674407 0\n';

/** Starts something that ends as `sleep` and resolves once it has become that. */
async function startSleep(argv: string[], shell?: string): Promise<number> {
  if (shell !== undefined && !existsSync(`/bin/${shell}`)) shell = 'sh';
  const child = spawn(shell ?? argv[0]!, argv.slice(1), { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  // A shell becomes sleep a moment later: its arguments then end with sleep's.
  await until(() => readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').endsWith('\x001000\0'));
  return child.pid!;
}
