import { describe, expect, test } from 'vitest';
import { ADMISSION_LIMITS, AdmissionBudget } from '../../src/net/admission-budget.ts';

const LIMITS = ADMISSION_LIMITS;

/** Offers from one prefix and takes all that may start at `mono`. */
function started<Ticket>(budget: AdmissionBudget<Ticket>, mono: number): Ticket[] {
  const out: Ticket[] = [];
  for (let next = budget.next(mono); next !== undefined; next = budget.next(mono)) out.push(next);
  return out;
}

describe('the J-PAKE budget', () => {
  test('five hosts of one network start at once, the sixth a second later', () => {
    const budget = new AdmissionBudget<string>(LIMITS, 0);
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) expect(budget.offer(name, 'net')).toBe(true);
    expect(started(budget, 0)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(budget.waitMs(0)).toBe(1000);
    expect(started(budget, 999)).toEqual([]);
    expect(started(budget, 1000)).toEqual(['f']);
    expect(budget.waitMs(1000)).toBeUndefined();
  });

  test('a noisy network is overtaken by a quiet one', () => {
    const budget = new AdmissionBudget<string>(LIMITS, 0);
    for (let i = 0; i < 8; i++) budget.offer(`noisy${i}`, 'noisy');
    started(budget, 0);
    budget.offer('quiet', 'quiet');
    expect(started(budget, 500)).toContain('quiet');
  });

  test('four a second in all, from however many networks', () => {
    const budget = new AdmissionBudget<string>(LIMITS, 0);
    let count = 0;
    for (let mono = 0; mono <= 10_000; mono += 50) {
      for (let i = 0; i < 3; i++) budget.offer(`${mono}/${i}`, `net${mono}/${i}`);
      count += started(budget, mono).length;
    }
    expect(count).toBe(LIMITS.totalBurst + 40);
  });

  test('a full queue refuses, and one prefix cannot fill it', () => {
    const budget = new AdmissionBudget<number>({ ...LIMITS, totalBurst: 1 }, 0);
    const same = Array.from({ length: 20 }, (_, i) => budget.offer(i, 'one'));
    expect(same.filter(Boolean)).toHaveLength(LIMITS.queuePerPrefixMax);
    for (let i = 0; i < 100; i++) budget.offer(100 + i, `net${i}`);
    expect(budget.queued).toBe(LIMITS.queueMax);
    expect(budget.offer(999, 'late')).toBe(false);
  });

  test('a withdrawn ticket costs nothing', () => {
    const budget = new AdmissionBudget<string>(LIMITS, 0);
    budget.offer('gone', 'net');
    budget.withdraw('gone');
    expect(budget.next(0)).toBeUndefined();
    expect(budget.queued).toBe(0);
  });

  test('prefixes are forgotten when their budget is whole again', () => {
    const budget = new AdmissionBudget<number>(LIMITS, 0);
    for (let i = 0; i < 10_000; i++) {
      budget.offer(i, `net${i}`);
      started(budget, i * 50);
    }
    expect(budget.prefixes).toBeLessThan(60);
  });
});
