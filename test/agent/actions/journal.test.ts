/** The journal of commands on a real disk: broken off anywhere, damaged, full of old ones. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ActionJournal, JOURNAL_FILE } from '../../../src/agent/actions/journal.ts';
import type { ActionOutcome } from '../../../src/agent/actions/types.ts';
import { StateFolder } from '../../../src/agent/index.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const command = (n: number, expires = Date.now() + 1e6) => ({
  id: idOf(n),
  action: 'restart',
  args: { unit: 'é\n"' },
  askedBy: 'alice',
  expires,
  hash: 'ab'.repeat(32),
  startedAt: Date.now(),
  origin: 'cd'.repeat(32),
});
const outcome = (stdout: string): ActionOutcome => ({
  ended: 'exit',
  exitCode: 0,
  signal: null,
  stdout,
  stderr: '',
  stdoutBytes: stdout.length,
  stderrBytes: 0,
  truncated: false,
  tookMs: 5,
  error: null,
});

it('broken off at any byte still knows every command that may have started', async () => {
  const state = StateFolder.open(join(folder, 'cut'));
  const file = state.file(JOURNAL_FILE);
  const first = await ActionJournal.open(state);
  const sizes: number[] = [];
  for (const step of [
    () => first.start(command(1)),
    () => first.end(idOf(1), outcome('one')),
    () => first.start(command(2)),
  ]) {
    await step();
    sizes.push(statSync(file).size);
  }
  await first.close();
  const whole = readFileSync(file);
  const lengths = new Set([...sizes, ...sizes.map((size) => size - 1), 0, 1, 17]);
  for (let length = 40; length < whole.length; length += 40) lengths.add(length);
  for (const length of lengths) {
    writeFileSync(file, whole.subarray(0, length));
    const journal = await ActionJournal.open(state);
    const [started, ended, second] = sizes.map((size) => length >= size);
    expect(journal.find(idOf(1))?.ended).toBe(started ? ended : undefined);
    expect(journal.find(idOf(2))?.ended).toBe(second ? false : undefined);
    if (ended) expect(await journal.outcome(idOf(1))).toEqual(outcome('one'));
    // What broke off does not spoil what comes after it.
    await journal.start(command(3));
    await journal.close();
    const again = await ActionJournal.open(state);
    expect(again.find(idOf(3))).toEqual({ ...command(3), ...again.find(idOf(3)) });
    await again.close();
  }
});

it('does not open when a byte before its last line was changed', async () => {
  const state = StateFolder.open(join(folder, 'damage'));
  const journal = await ActionJournal.open(state);
  await journal.start(command(1));
  await journal.start(command(2));
  await journal.close();
  const whole = readFileSync(state.file(JOURNAL_FILE));
  for (let at = 0; at < whole.length - 1; at += 7) {
    const bytes = Buffer.from(whole);
    bytes[at]! ^= 1;
    writeFileSync(state.file(JOURNAL_FILE), bytes);
    await expect(ActionJournal.open(state)).rejects.toThrow('is damaged at byte');
  }
});

it('forgets what no hub can ask for any more, and nothing else', async () => {
  const state = StateFolder.open(join(folder, 'old'));
  const journal = await ActionJournal.open(state);
  const long = outcome('x'.repeat(20_000));
  const before = Date.now() - 3_600_000;
  await journal.start(command(0, before));
  for (let n = 1; n <= 110; n++) {
    await journal.start(command(n, n === 50 ? undefined : before));
    await journal.end(idOf(n), long);
  }
  await journal.close();
  const size = statSync(state.file(JOURNAL_FILE)).size;
  // The newest hundred stay, in case that the clock jumped.
  const open = await ActionJournal.open(state);
  await open.start(command(200));
  expect(open.list()).toHaveLength(112);
  for (let n = 300; n < 420; n++) {
    await open.start(command(n, before));
    await open.end(idOf(n), long);
  }
  expect(open.find(idOf(1))).toBeUndefined();
  // Never ended: it may be running.
  expect(open.find(idOf(0))?.ended).toBe(false);
  expect(open.find(idOf(50))?.ended).toBe(true);
  expect(await open.outcome(idOf(50))).toEqual(long);
  const kept = open.list();
  await open.close();
  const again = await ActionJournal.open(state);
  expect(again.list()).toEqual(kept);
  expect(await again.outcome(idOf(419))).toEqual(long);
  await again.close();
  expect(statSync(state.file(JOURNAL_FILE)).size).toBeLessThan(2 * size);
});

it('starts no id twice, whoever asks', async () => {
  const journal = await ActionJournal.open(StateFolder.open(join(folder, 'twice')));
  await journal.start(command(1));
  const another = { ...command(1), origin: 'ef'.repeat(32), expires: Date.now() + 2e6 };
  await expect(journal.start(another)).rejects.toMatchObject({ code: 'command_reused' });
  await journal.end(idOf(1), outcome('one'));
  await expect(journal.start(another)).rejects.toMatchObject({ code: 'command_reused' });
  expect(journal.list()).toHaveLength(1);
  await journal.close();
});
