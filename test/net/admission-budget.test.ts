import { describe, expect, test } from 'vitest';
import { ADMISSION_LIMITS, AdmissionBudget } from '../../src/net/admission-budget.ts';
import { from } from './sources.ts';

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
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) budget.offer(name, from('net'));
    expect(started(budget, 0)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(budget.waitMs(0)).toBe(1000);
    expect(started(budget, 999)).toEqual([]);
    expect(started(budget, 1000)).toEqual(['f']);
    expect(budget.waitMs(1000)).toBeUndefined();
  });

  test('a noisy network is overtaken by a quiet one', () => {
    const budget = new AdmissionBudget<string>(LIMITS, 0);
    for (let i = 0; i < 8; i++) budget.offer(`noisy${i}`, from('noisy'));
    started(budget, 0);
    budget.offer('quiet', from('quiet'));
    expect(started(budget, 500)).toContain('quiet');
  });

  test('four a second in all, from however many networks', () => {
    const budget = new AdmissionBudget<string>(LIMITS, 0);
    let count = 0;
    for (let mono = 0; mono <= 10_000; mono += 50) {
      for (let i = 0; i < 3; i++) budget.offer(`${mono}/${i}`, from(`net${mono}/${i}`));
      count += started(budget, mono).length;
    }
    expect(count).toBe(LIMITS.totalBurst + 40);
  });

  test('a full queue puts out one of the network that has most of it, by lot', () => {
    const budget = new AdmissionBudget<string>({ ...LIMITS, totalBurst: 1 }, 0);
    for (let i = 0; i < 8; i++) expect(budget.offer(`noisy${i}`, from('noisy'))).toBeUndefined();
    expect(budget.offer('noisy8', from('noisy'))).toMatch(/^noisy/);
    for (let i = 0; i < 24; i++) expect(budget.offer(`${i}`, from(`net${i}`))).toBeUndefined();
    expect(budget.queued).toBe(LIMITS.queueMax);
    for (let i = 0; i < 7; i++)
      expect(budget.offer(`late${i}`, from(`late${i}`))).toMatch(/^noisy/);
    // Now each network has one place, and the newest has no better right than the others.
    const out = Array.from({ length: 200 }, (_, i) => budget.offer(`x${i}`, from(`x${i}`)));
    expect(out.some((ticket, i) => ticket === `x${i}`)).toBe(true);
    expect(out.every((ticket, i) => ticket === `x${i}`)).toBe(false);
    expect(budget.queued).toBe(LIMITS.queueMax);
  });

  test('within a network the address that has most gives way', () => {
    const budget = new AdmissionBudget<string>(LIMITS, 0);
    budget.offer('honest', from('lan', '1'));
    for (let i = 0; i < 7; i++) budget.offer(`loud${i}`, from('lan', '2'));
    for (let i = 7; i < 50; i++)
      expect(budget.offer(`loud${i}`, from('lan', '2'))).toMatch(/^loud/);
    expect(started(budget, 0)[0]).toBe('honest');
  });

  test('a withdrawn ticket costs nothing', () => {
    const budget = new AdmissionBudget<string>(LIMITS, 0);
    budget.offer('gone', from('net'));
    budget.withdraw('gone');
    expect(budget.next(0)).toBeUndefined();
    expect(budget.queued).toBe(0);
  });

  test('prefixes are forgotten when their budget is whole again', () => {
    const budget = new AdmissionBudget<number>(LIMITS, 0);
    for (let i = 0; i < 10_000; i++) {
      budget.offer(i, from(`net${i}`));
      started(budget, i * 50);
    }
    expect(budget.prefixes).toBeLessThan(60);
  });
});
