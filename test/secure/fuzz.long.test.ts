/** Hostile bytes in bulk, 200,000 cases in all; `npm run fuzz -- --minutes 60` goes on for an hour. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_TARGETS } from './fuzz-targets.ts';

const CASES = 204_000;

const targets = FUZZ_TARGETS.map((target) => [target.name, target] as const);

test.each(targets)('%s', (_name, { share, property }) => {
  fc.assert(property, { numRuns: Math.ceil(CASES * share) });
});

test('these are at least 200,000 cases', () => {
  const all = FUZZ_TARGETS.reduce((sum, { share }) => sum + share, 0);
  expect(all * CASES).toBeGreaterThanOrEqual(200_000);
});
