import { describe, expect, test } from 'vitest';
import { FAULTS, parseFaults } from './knobs.ts';
import type { Fault } from './knobs.ts';
import { simulate } from './simulate.ts';

/** Fails with what to type to see it again. */
function expectAllHold(
  seed: number,
  nodes: number,
  faults: ReadonlySet<Fault>,
  twice = false,
): void {
  const report = simulate({ seed, nodes, faults }, twice);
  const broken = report.verdicts
    .filter((verdict) => verdict.violations.length > 0)
    .map((verdict) => `${verdict.name}: ${verdict.violations.slice(0, 3).join('; ')}`);
  const replay = `npm run sim -- --seed ${seed} --nodes ${nodes} --faults ${[...faults].join(',')}`;
  expect(broken, replay).toEqual([]);
}

describe('simulation', () => {
  test(
    'all invariants hold at 50 nodes under churn, partition and loss',
    { timeout: 240_000 },
    () => {
      expectAllHold(7, 50, parseFaults('churn,partition,loss'));
    },
  );

  test('one seed does the same twice', { timeout: 120_000 }, () => {
    expectAllHold(11, 12, new Set(FAULTS), true);
  });

  test.each([1, 2, 3, 4])('all faults together, fixed seed %i', { timeout: 120_000 }, (seed) => {
    expectAllHold(seed, 7, new Set(FAULTS));
  });

  const fresh = Array.from({ length: 3 }, () => Math.floor(Math.random() * 1_000_000));
  test.each(fresh)('all faults together, fresh seed %i', { timeout: 120_000 }, (seed) => {
    expectAllHold(seed, 7, new Set(FAULTS));
  });
});
