import { describe, expect, test } from 'vitest';
import { probeShare } from './probe.ts';

describe('a key swapped at first contact', () => {
  test.each([
    { witnesses: 1, share: 0.5 },
    { witnesses: 3, share: 0.7 },
    { witnesses: 5, share: 0.8 },
  ])(
    'is found by a probe of $witnesses witnesses in 1 - f^k of cases, f = $share',
    { timeout: 120_000 },
    ({ witnesses, share }) => {
      const { found, theory, bound } = probeShare({ seed: 7, runs: 150, witnesses, share });
      console.log(`found ${found.toFixed(3)}, theory 1 - f^k ${theory.toFixed(3)}`);
      expect(Math.abs(found - theory)).toBeLessThanOrEqual(bound);
    },
  );

  test('is always found where no path is hostile, and never where all are', () => {
    const of = (share: number) => probeShare({ seed: 9, runs: 20, witnesses: 5, share }).found;
    expect(of(0)).toBe(1);
    expect(of(1)).toBe(0);
  });
});
