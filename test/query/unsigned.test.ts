/** Unsigned 64-bit numbers keep their bits on the way through SQLite into history. */
import { expect, test } from 'vitest';
import { withAffinity } from '../../src/query/values.ts';
import { canonicalValue } from '../../src/tables/canonical.ts';
import type { Value } from '../../src/tables/types.ts';

test.each<[Value, Value]>([
  [7, 7],
  [2n ** 63n - 1n, 2n ** 63n - 1n],
  [2n ** 63n, -(2n ** 63n)],
  [2n ** 64n - 1n, -1n],
  ['18446744073709551615', -1n],
  ['9223372036854775808', -(2n ** 63n)],
  ['9223372036854775807', 2n ** 63n - 1n],
  [2 ** 63, -(2n ** 63n)],
  ['7', 7],
  ['word', 'word'],
  [0.5, 0.5],
])('%s in a column UNSIGNED_BIGINT is %s', (given, held) => {
  expect(withAffinity(given, 'UNSIGNED_BIGINT')).toBe(held);
});

test('what SQLite holds is what history has of the number itself', () => {
  for (const whole of [0n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]) {
    const held = withAffinity(whole, 'UNSIGNED_BIGINT');
    const kept = canonicalValue(held, 'UNSIGNED_BIGINT');
    expect(kept).toBe(canonicalValue(whole, 'UNSIGNED_BIGINT'));
    expect(BigInt.asUintN(64, BigInt(kept as number))).toBe(whole);
  }
});

test('beyond 64 bits nothing changes: SQLite has a double, history NULL', () => {
  expect(withAffinity(2n ** 64n, 'UNSIGNED_BIGINT')).toBe(2 ** 64);
  expect(canonicalValue(2 ** 64, 'UNSIGNED_BIGINT')).toBe(null);
});
