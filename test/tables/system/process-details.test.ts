/** What processes hold: files, variables, memory, namespaces, pipes. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { processEnvs } from '../../../src/tables/system/process-envs.ts';
import { processMemoryMap } from '../../../src/tables/system/process-memory-map.ts';
import { processNamespaces } from '../../../src/tables/system/process-namespaces.ts';
import { processOpenFiles } from '../../../src/tables/system/process-open-files.ts';
import { processOpenPipes } from '../../../src/tables/system/process-open-pipes.ts';
import { eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { print } from '../lib/program.ts';
import { needs } from '../../helpers/needs.ts';
import { until } from '../../helpers/eventually.ts';

const mine = [eq('pid', process.pid)];

describe('process_open_files', () => {
  it('has a file this process opens, under its odd name, until it is closed', async () => {
    const path = join(temporaryFolder(), 'two\nlines');
    writeFileSync(path, '');
    const fd = openSync(path, 'r');
    expect(await rowsOf(processOpenFiles, { constraints: mine })).toContainEqual({
      pid: process.pid,
      fd,
      path,
    });
    rmSync(path);
    const gone = await rowsOf(processOpenFiles, { constraints: mine });
    expect(gone.find((row) => row.fd === fd)!.path).toBe(`${path} (deleted)`);
    closeSync(fd);
    const after = await rowsOf(processOpenFiles, { constraints: mine });
    expect(after.find((row) => row.path === `${path} (deleted)`)).toBeUndefined();
  });

  needs('lsof')('agrees with lsof about a child', async () => {
    const folder = temporaryFolder();
    const child = await start('sleep', ['1000'], folder);
    const rows = await rowsOf(processOpenFiles, { constraints: [eq('pid', child)] });
    const fields = print('lsof', '-w', '-p', String(child), '-a', '-d', '0-99', '-F', 'fn');
    const files = [...fields.matchAll(/^f(\d+)\nn(\/.*)$/gm)].map(
      ([, fd, path]) => `${fd} ${path}`,
    );
    expect(rows.map((row) => `${row.fd} ${row.path}`).sort()).toEqual(files.sort());
  });

  it('leaves sockets and pipes to their tables and skips what vanishes', async () => {
    const root = fakeRoot({
      'proc/5/fd/0': { link: 'socket:[1]' },
      'proc/5/fd/1': { link: '/var/log/x' },
      'proc/5/fd/2': 'not a link',
      'proc/6/comm': 'no descriptors',
    });
    expect(await rowsOf(processOpenFiles, { root })).toEqual([
      { pid: 5, fd: 1, path: '/var/log/x' },
    ]);
  });
});

describe('process_envs', () => {
  it('has the variables a child was started with', async () => {
    const child = await start('sleep', ['1000'], '/', { A: 'b=c', NEW: 'x\ny', EMPTY: '' });
    const rows = await rowsOf(processEnvs, { constraints: [eq('pid', child)] });
    expect(rows).toEqual([
      { pid: child, key: 'A', value: 'b=c' },
      { pid: child, key: 'NEW', value: 'x\ny' },
      { pid: child, key: 'EMPTY', value: '' },
    ]);
  });

  it('agrees with /proc read by the shell', async () => {
    const shell = print('sh', '-c', `tr '\\0' '\\n' < /proc/${process.pid}/environ | grep -c =`);
    const rows = await rowsOf(processEnvs, { constraints: mine });
    // A value may hold newlines with an = in it, so the shell counts as many or more.
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.length).toBeLessThanOrEqual(Number(shell));
  });

  it('is sensitive', () => expect(processEnvs.sensitive).toBe(true));
});

describe('process_memory_map', () => {
  it('has the regions of a sleeping child as the kernel lists them', async () => {
    const child = await start('sleep', ['1000']);
    const rows = await rowsOf(processMemoryMap, { constraints: [eq('pid', child)] });
    const lines = readFileSync(`/proc/${child}/maps`, 'utf8').trimEnd().split('\n');
    expect(rows).toHaveLength(lines.length);
    const [first] = rows;
    expect(lines[0]).toContain(`${String(first!.start).slice(2)}-${String(first!.end).slice(2)}`);
    expect(first).toMatchObject({ path: readlinkSync(`/proc/${child}/exe`), pseudo: 0 });
    expect(rows).toContainEqual(expect.objectContaining({ path: '[stack]', pseudo: 1, inode: 0 }));
  });

  it('keeps high addresses as text and large offsets exact', async () => {
    const line =
      'ffffffffff600000-ffffffffff601000 --xp fffffffffffff000 fe:01 7                  /a b\\012c\n';
    const root = fakeRoot({ 'proc/9/maps': `${line}torn` });
    expect(await rowsOf(processMemoryMap, { root })).toEqual([
      {
        pid: 9,
        start: '0xffffffffff600000',
        end: '0xffffffffff601000',
        permissions: '--xp',
        offset: 0xffff_ffff_ffff_f000n,
        device: 'fe:01',
        inode: 7,
        path: '/a b\nc',
        pseudo: 0,
      },
    ]);
  });
});

describe('process_namespaces', () => {
  it('agrees with the links of this process', async () => {
    const [row] = await rowsOf(processNamespaces, { constraints: mine });
    for (const kind of ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts']) {
      expect(readlinkSync(`/proc/self/ns/${kind}`)).toBe(`${kind}:[${row![`${kind}_namespace`]}]`);
    }
  });

  it('has NULL where a namespace may not be seen', async () => {
    const root = fakeRoot({ 'proc/9/stat': '9 (x) S 1', 'proc/9/ns/net': { link: 'net:[5]' } });
    const [row] = await rowsOf(processNamespaces, { root });
    expect(row).toMatchObject({ pid: 9, net_namespace: '5', mnt_namespace: null });
  });
});

describe('process_open_pipes', () => {
  it('joins the ends of an unnamed pipe between this process and a child', async () => {
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
    endAfterTest(child);
    await once(child, 'spawn');
    // Node makes its pipes as sockets; a shell makes real ones.
    const shell = spawn('sh', ['-c', 'sleep 1000 | cat'], { stdio: 'ignore', detached: true });
    onTestFinished(() => void process.kill(-shell.pid!, 'SIGKILL'));
    await once(shell, 'spawn');
    await until(() => childrenOf(shell.pid!).length === 2);
    const [writer, reader] = childrenOf(shell.pid!);
    await until(() => nameOf(writer!) === 'sleep' && nameOf(reader!) === 'cat');
    const rows = await rowsOf(processOpenPipes);
    const inode = Number(/\d+/.exec(readlinkSync(`/proc/${reader}/fd/0`))![0]);
    expect(rows).toContainEqual({
      pid: writer,
      fd: 1,
      mode: 'w',
      inode,
      type: 'unnamed',
      partner_pid: reader,
      partner_fd: 0,
      partner_mode: 'r',
    });
    expect(rows).toContainEqual(
      expect.objectContaining({ pid: reader, fd: 0, mode: 'r', partner_pid: writer }),
    );
  });

  it('sees a named pipe without opening it', async () => {
    const path = join(temporaryFolder(), 'pipe');
    expect(spawnSync('mkfifo', [path]).status).toBe(0);
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    onTestFinished(() => closeSync(fd));
    const rows = (await rowsOf(processOpenPipes)).filter((row) => row.type === 'named');
    expect(rows).toContainEqual(
      expect.objectContaining({ pid: process.pid, fd, mode: 'rw', type: 'named' }),
    );
  });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'swarmplane-held-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function endAfterTest(child: ChildProcess): void {
  onTestFinished(() => void child.kill('SIGKILL'));
}

/** Resolves once the process has become the program. */
async function start(file: string, args: string[], cwd = '/', env = process.env): Promise<number> {
  const child = spawn(`/bin/${file}`, args, { stdio: 'ignore', cwd, env });
  endAfterTest(child);
  await once(child, 'spawn');
  // Asleep: what it loads is loaded by then.
  await until(() => nameOf(child.pid!) === file && stateOf(child.pid!) === 'S');
  return child.pid!;
}

function stateOf(pid: number): string | undefined {
  return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
}

function nameOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
}

function childrenOf(pid: number): number[] {
  const content = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return content === '' ? [] : content.split(' ').map(Number);
}
