import { describe, expect, test } from 'vitest';
import { AdmissionFailures, FAILURE_LIMITS } from '../../src/net/admission-failures.ts';
import { from } from './sources.ts';

describe('failed joins', () => {
  test('nine from a network go by, the tenth raises the alarm once', () => {
    const failures = new AdmissionFailures(FAILURE_LIMITS, 0);
    for (let i = 1; i <= 9; i++)
      expect(failures.record(i, from('net'), true).alarm).toBeUndefined();
    const tenth = failures.record(10, from('net'), true);
    expect(tenth).toEqual({ alarm: 'prefix', inPrefix: 10, inAll: 10 });
    expect(failures.record(2000, from('net'), true).alarm).toBeUndefined();
  });

  test('an address that had the join key waits longer each time, alone in its network', () => {
    const failures = new AdmissionFailures(FAILURE_LIMITS, 0);
    const [bad, neighbour] = [from('net', '1'), from('net', '2')];
    for (let i = 1; i <= 9; i++) failures.record(i, bad, true);
    expect(failures.delayMs(9, bad)).toBe(0);
    failures.record(10, bad, true);
    expect(failures.delayMs(10, bad)).toBe(1000);
    failures.record(2000, bad, true);
    expect(failures.delayMs(2000, bad)).toBe(2000);
    for (let i = 0; i < 50; i++) failures.record(3000, bad, true);
    expect(failures.delayMs(3000, bad)).toBe(FAILURE_LIMITS.delayMaxMs);
    expect(failures.delayMs(3000, neighbour)).toBe(0);
  });

  test('of IPv6 a /64 waits as one', () => {
    const failures = new AdmissionFailures(FAILURE_LIMITS, 0);
    const one = (host: string) => ({
      ...from('2001:db8:0:1::/64', host),
      block: '2001:db8:0::/48',
    });
    for (let i = 0; i < 10; i++) failures.record(i, one(`${i}`), true);
    expect(failures.delayMs(10, one('99'))).toBeGreaterThan(0);
  });

  test('a hundred from everywhere raise the alarm, and shut nobody out', () => {
    const failures = new AdmissionFailures(FAILURE_LIMITS, 0);
    for (let i = 1; i <= 99; i++) {
      expect(failures.record(i, from(`net${i}`), false).alarm).toBeUndefined();
    }
    expect(failures.record(100, from('net100'), false).alarm).toBe('total');
    for (let i = 0; i < 5000; i++) failures.record(200, from(`more${i % 15}`), false);
    expect(failures.delayMs(200, from('honest'))).toBe(0);
    expect(failures.delayMs(200, from('more1'))).toBe(0);
  });

  test('an hour later all is forgotten', () => {
    const failures = new AdmissionFailures(FAILURE_LIMITS, 0);
    for (let i = 0; i < 10; i++) failures.record(0, from('net'), true);
    expect(failures.record(FAILURE_LIMITS.windowMs, from('net'), true)).toEqual({
      alarm: undefined,
      inPrefix: 1,
      inAll: 1,
    });
  });

  test('memory is bounded however many networks fail', () => {
    const failures = new AdmissionFailures(FAILURE_LIMITS, 0);
    for (let i = 0; i < 10_000; i++) failures.record(i, from(`net${i}`), true);
    expect(failures.prefixes).toBe(FAILURE_LIMITS.prefixesMax);
  });
});
