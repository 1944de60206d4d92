import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { LogRepeats, REPEAT_WINDOW_MS, type LogLine } from '../../src/agent/log-repeats.ts';

const WALL = Date.UTC(2026, 0, 1);

/** What a log with this mechanism has in the end. */
class Written {
  readonly lines: LogLine[] = [];
  readonly repeats = new LogRepeats((line) => this.lines.push(line));

  say(mono: number, message: string, fields: LogLine['fields'] = {}, level = 30): void {
    const line = { level, fields, message };
    if (this.repeats.note(line, { mono, wall: WALL + mono })) this.lines.push(line);
  }
}

describe('equal lines of the log', () => {
  test('are told once, then with their count and since when', () => {
    const log = new Written();
    for (let i = 0; i < 75 * 60; i++) log.say(i * 10, 'link up', { peer: 'aa', link: i });
    log.repeats.sweep(REPEAT_WINDOW_MS);
    expect(log.lines).toEqual([
      { level: 30, fields: { peer: 'aa', link: 0 }, message: 'link up' },
      {
        level: 30,
        fields: { peer: 'aa', link: 0, times: 4_499, since: '2026-01-01T00:00:00.010Z' },
        message: 'link up (again)',
      },
    ]);
  });

  test('a day of them is a line a minute, and the count of all is right', () => {
    const log = new Written();
    const day = 24 * 3_600_000;
    for (let mono = 0; mono < day; mono += 500) log.say(mono, 'link down', { peer: 'aa' });
    log.repeats.flush();
    expect(log.lines.length).toBeLessThanOrEqual(1 + day / REPEAT_WINDOW_MS);
    const counted = log.lines.map(({ fields }) => (fields['times'] as number | undefined) ?? 1);
    expect(counted.reduce((a, b) => a + b)).toBe(day / 500);
  });

  test('in between others are found all the same; another level, field or error is another line', () => {
    const log = new Written();
    for (let i = 0; i < 3; i++) {
      log.say(i, 'a', { peer: 'aa' });
      log.say(i, 'a', { peer: 'bb' });
      log.say(i, 'a', { peer: 'aa' }, 40);
      log.say(i, 'a', { err: new Error('x') });
      log.say(i, 'a', { err: new Error('y') });
      log.say(i, 'request', { request: `id${i}` });
    }
    expect(log.lines).toHaveLength(5 + 3);
    log.repeats.flush();
    expect(log.lines.slice(8).map(({ fields }) => fields['times'])).toEqual([2, 2, 2, 2, 2]);
  });

  test('a peer that dials is the same from another port, one that is dialled is not', () => {
    const log = new Written();
    for (const port of [1, 2, 3]) {
      log.say(0, 'link up', { address: `10.0.0.1:${port}`, initiator: false });
      log.say(0, 'link up', { address: `10.0.0.1:${port}`, initiator: true });
    }
    expect(log.lines).toHaveLength(1 + 3);
  });

  test('one that comes after a quiet window is told at once again', () => {
    const log = new Written();
    for (const mono of [0, 70_000, 140_000]) log.say(mono, 'a');
    expect(log.lines.map(({ message }) => message)).toEqual(['a', 'a', 'a']);
  });

  test('memory is bounded, and nothing that was counted is lost by that', () => {
    const log = new Written();
    log.say(0, 'first');
    log.say(0, 'first');
    for (let i = 0; i < 5_000; i++) log.say(1, `other ${i}`);
    log.repeats.flush();
    const [count] = log.lines.filter(({ message }) => message === 'first (again)');
    expect([count!.fields['times'], log.lines.length]).toEqual([1, 5_002]);
  });
});

test('a process that ends tells what it had counted, with the fields of the log', () => {
  const log = new URL('../../src/agent/log.ts', import.meta.url).pathname;
  const program = `
    import { createLog } from ${JSON.stringify(log)};
    const log = createLog('info', 'web1');
    for (let i = 0; i < 1000; i++) log.warn({ alarm: 'clone' }, 'two copies');
    log.info('bye');
    log.debug('unseen');`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', program];
  const { stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toMatchObject([
    { level: 40, node: 'web1', alarm: 'clone', msg: 'two copies' },
    { level: 30, node: 'web1', msg: 'bye' },
    { level: 40, node: 'web1', alarm: 'clone', msg: 'two copies (again)', times: 999 },
  ]);
});
