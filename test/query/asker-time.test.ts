import { expect, test } from 'vitest';
import { AskerTime } from '../../src/query/asker-time.ts';

test('an asker has three minutes’ worth at once, then what each minute brings', () => {
  const time = new AskerTime();
  time.charge('a', 59_999, 20_000, 0);
  expect(time.waitMs('a', 0)).toBe(0);
  time.charge('a', 10_001, 20_000, 0);
  expect(time.waitMs('a', 0)).toBe(30_000);
  expect(time.waitMs('a', 29_000)).toBeGreaterThan(0);
  expect(time.waitMs('a', 30_001)).toBe(0);
  expect(time.waitMs('b', 0)).toBe(0);
});

test('the host’s own askers are not counted, and who is quiet is forgotten', () => {
  const time = new AskerTime();
  time.charge('own', 1e9, undefined, 0);
  expect([time.size, time.waitMs('own', 0)]).toEqual([0, 0]);
  time.charge('a', 20_000, 20_000, 0);
  time.charge('b', 1, 20_000, 60_000);
  expect(time.size).toBe(1);
});
