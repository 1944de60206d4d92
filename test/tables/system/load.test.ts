/** Loads beside a process that works and one that waits, and beside times(1)'s figures of them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';

import { expect, onTestFinished, test } from 'vitest';

import { coreRows, cpuLoad, parseCores } from '../../../src/tables/system/cpu-load.ts';
import { loadRows, processLoad, type Reading } from '../../../src/tables/system/process-load.ts';
import { contextFor, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

test('a process that works takes processors, one that waits does not', async () => {
  const [works, waits] = [await started('for (;;);'), await started('setInterval(() => {}, 1e6);')];
  const rows = await rowsOf(processLoad);
  expectShape(processLoad, rows);
  const of = (child: ChildProcess) => rows.find(({ pid }) => pid === child.pid)!;
  expect(of(works).cpu_percent).toBeGreaterThan(Number(of(waits).cpu_percent));
  expect(of(works)).toMatchObject({ name: 'node', read_rate: 0 });
  const cores = readFileSync('/proc/cpuinfo', 'utf8').match(/^processor/gm)!.length;
  // A tick may be counted to either side of a reading.
  expect(Number(of(works).cpu_percent)).toBeLessThan(100 + 5);
  const all = rows.reduce((sum, row) => sum + Number(row.cpu_percent), 0);
  expect(all).toBeLessThan(100 * cores * 1.2);
});

test('rates are by the time between a process’s own readings; others with its pid are not it', () => {
  const reading = (over: Partial<Reading>): Reading => ({
    at: 0,
    name: 'a',
    started: '5',
    userTicks: 0,
    systemTicks: 0,
    read: null,
    written: 0,
    ...over,
  });
  const before = new Map([1, 2, 3].map((pid) => [pid, reading({})]));
  const after = new Map([
    [1, reading({ at: 2000, userTicks: 100, systemTicks: 20, read: 7, written: 4096 })],
    [2, reading({ at: 2000, started: '6', userTicks: 9 })],
    [4, reading({ at: 2000 })],
  ]);
  expect(loadRows(before, after)).toEqual([
    {
      pid: 1,
      name: 'a',
      cpu_percent: 60,
      user_percent: 50,
      system_percent: 10,
      read_rate: null,
      write_rate: 2048,
      seconds: 2,
    },
  ]);
});

test('cores: shares of a stretch are whole, and guests are not counted twice', async () => {
  const then = parseCores('cpu  9 9\ncpu0 100 0 50 800 50 0 0 0 40 0\ncpu1 1 1 1 1\nintr 1\n');
  const now = parseCores('cpu  9 9\ncpu0 150 0 60 830 45 2 3 5 90 0\ncpu1 1 1 1 1\n');
  expect(coreRows(then, now)).toEqual([
    {
      core: 0,
      busy: 70,
      user: 50,
      nice: 0,
      system: 10,
      idle: 30,
      iowait: 0,
      irq: 2,
      softirq: 3,
      steal: 5,
    },
  ]);
  const rows = await rowsOf(cpuLoad);
  expectShape(cpuLoad, rows);
  for (const { busy, idle, iowait } of rows)
    expect(Number(busy) + Number(idle) + Number(iowait)).toBeCloseTo(100, 1);
  await expect(rowsOf(cpuLoad, { root: fakeRoot({}) })).rejects.toThrow('cannot read /proc/stat');
});

test('the second is not waited for once the query’s time is over', async () => {
  const over = new AbortController();
  const context = contextFor(processLoad, { signal: over.signal });
  const collected = processLoad.kind === 'snapshot' ? processLoad.collect(context) : [];
  over.abort();
  await expect(collected).rejects.toThrow('aborted');
});

/** Says a word once it runs, so that its start is not in the stretch. */
async function started(body: string): Promise<ChildProcess> {
  const child = spawn('node', ['-e', `console.log('on'); ${body}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}
