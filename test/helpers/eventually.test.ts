import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { eventually, Stop, until } from './eventually.ts';

it('gives what is there at last', async () => {
  let looks = 0;
  expect(await until(() => (++looks < 3 ? undefined : looks))).toBe(3);
  expect(await until(() => Promise.resolve(0))).toBe(0);
});

it('ends with what it waited for, by its text where nothing is said', async () => {
  const soon = { limitMs: 20, everyMs: 1 };
  const rows: number[] = [];
  await expect(until(() => rows.length > 7, undefined, soon)).rejects.toThrow(
    'not within 20 ms: () => rows.length > 7',
  );
  await expect(
    until(
      () => null,
      () => `${rows.length} rows`,
      soon,
    ),
  ).rejects.toThrow('0 rows');
});

it('ends at once with an error, as of SQL that is wrong', async () => {
  let looks = 0;
  const look = (): boolean => {
    looks++;
    throw new Error('column "nmae" does not exist');
  };
  await expect(until(look, 'a row')).rejects.toThrow('"nmae"');
  expect(looks).toBe(1);
});

it('of processes that start goes on over errors, and tells the last', async () => {
  let asked = 0;
  const ask = (): number => {
    if (++asked < 2) throw new Error('no socket');
    return asked;
  };
  expect(await eventually(ask, 'it answers')).toBe(2);
  const never = () => Promise.reject(new Error('no socket'));
  await expect(eventually(never, 'it answers', 1)).rejects.toThrow(
    'it answers; the last try: no socket',
  );
  const ended = () => Promise.reject(new Stop('it ended'));
  await expect(eventually(ended, 'it answers')).rejects.toThrow('it ended');
});

it('is what tests poll with: no loop of theirs waits without an end', () => {
  const root = resolve(import.meta.dirname, '..');
  const endless = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !ENDED.includes(file))
    .filter((file) =>
      /while \((?:[^\n]|\n(?= {2,}\S))*?\)\s*\{?\s*await new Promise\([^\n]*(?:setTimeout|setImmediate)/.test(
        readFileSync(`${root}/${file}`, 'utf8'),
      ),
    );
  expect(endless).toEqual([]);
});

/** Their loops end otherwise: with the server's process, by a count. */
const ENDED = ['helpers/eventually.test.ts', 'helpers/postgres-server.ts'];
