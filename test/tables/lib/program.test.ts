/** Programs that are missing, stuck or too talkative, and mounts that do not answer. */
import { describe, expect, it } from 'vitest';

import { blockingMounts, isBelow } from '../../../src/tables/lib/mounts.ts';
import { runProgram } from '../../../src/tables/lib/program.ts';
import { mounts } from '../../../src/tables/system/mounts.ts';
import { contextFor, fakeRoot } from './context.ts';

const here = { root: '/' };

describe('running a program', () => {
  it('takes arguments as they are: there is no shell', async () => {
    const result = await runProgram(here, 'printf', ['%s', '$(id); `id` "x"']);
    expect(result).toEqual({ code: 0, stdout: '$(id); `id` "x"', stderr: '' });
  });

  it('gives exit code and standard error', async () => {
    const result = await runProgram(here, 'sh', ['-c', 'echo no >&2; exit 3']);
    expect(result).toEqual({ code: 3, stdout: '', stderr: 'no\n' });
  });

  it('hands on none of the agent’s own environment', async () => {
    process.env.SWARMPLANE_TEST_SECRET = 's';
    const { stdout } = await runProgram(here, 'env', [], { env: { EXTRA: '1' } });
    expect(stdout.split('\n').sort().slice(1)).toEqual([
      'EXTRA=1',
      'LC_ALL=C',
      expect.stringMatching(/^PATH=/),
    ]);
  });

  it('kills one that does not end in time', async () => {
    const run = runProgram(here, 'sleep', ['1000'], { timeoutMs: 50 });
    await expect(run).rejects.toMatchObject({
      code: 'table_unavailable',
      reason: 'timeout',
      message: 'sleep did not end within 50 ms',
    });
  });

  it('stops one that prints without end', async () => {
    const run = runProgram(here, 'yes', [], { outputMax: 10_000 });
    await expect(run).rejects.toMatchObject({ reason: 'output' });
  });

  it('says which one is missing', async () => {
    const run = runProgram(here, 'no-such-program', []);
    await expect(run).rejects.toThrow('no-such-program is not installed on this host');
  });

  it('never describes this machine as another', async () => {
    await expect(runProgram({ root: '/elsewhere' }, 'id', [])).rejects.toThrow('another root');
  });
});

describe('a mount that does not answer', () => {
  const root = (): string =>
    fakeRoot({
      'proc/self/mounts':
        '/dev/sda1 / ext4 rw 0 0\nserver:/x /mnt/dead\\040one nfs4 rw 0 0\nsshfs /mnt/s fuse.sshfs rw 0 0\n',
    });

  it('is named, and the rows of all mounts come', async () => {
    const context = contextFor(mounts, { root: root() });
    if (mounts.kind !== 'snapshot') throw new Error('mounts is a snapshot');
    const rows = await mounts.collect(context);
    expect(rows.map((row) => row.path)).toEqual(['/', '/mnt/dead one', '/mnt/s']);
    expect(rows[0]!.blocks).toBeGreaterThan(0);
    expect(rows[1]!.blocks).toBeUndefined();
    expect(context.warnings.join('\n')).toContain('mounts: "/mnt/dead one" does not answer');
  });

  it('is known by its type', () => {
    const folders = blockingMounts({ root: root() });
    expect(folders).toEqual(['/mnt/dead one', '/mnt/s']);
    expect(isBelow('/mnt/s/file', folders)).toBe(true);
    expect(isBelow('/mnt/s', folders)).toBe(true);
    expect(isBelow('/mnt/sx', folders)).toBe(false);
  });
});
