import { expect, test } from 'vitest';
import { WallJumpDetector } from '../../src/net/clock.ts';
import { TokenBucket } from '../../src/net/token-bucket.ts';

test('wall time 10 s ahead of monotonic time is a jump, once; set back or slewed it is none', () => {
  const jumps = new WallJumpDetector({ mono: 0, wall: 1_000_000 }, 10_000);
  expect(jumps.check({ mono: 1_000, wall: 1_001_500 })).toBe(false);
  expect(jumps.check({ mono: 2_000, wall: 1_012_501 })).toBe(true);
  expect(jumps.check({ mono: 3_000, wall: 1_013_500 })).toBe(false);
  expect(jumps.check({ mono: 4_000, wall: 4_000 })).toBe(false);
  for (let i = 5; i < 50; i++) expect(jumps.check({ mono: i * 1000, wall: i * 1500 })).toBe(false);
});

test('a bucket gives its burst, then its rate, and tells the wait exactly', () => {
  const bucket = new TokenBucket(3, 2, 0);
  expect([bucket.tryTake(0), bucket.tryTake(0), bucket.tryTake(0)]).toEqual([true, true, false]);
  expect(bucket.tryTake(bucket.waitMs(0))).toBe(true);
  bucket.take(1_000, 10);
  expect(bucket.tryTake(1_000 + bucket.waitMs(1_000))).toBe(true);
});
