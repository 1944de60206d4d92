import { describe, expect, test } from 'vitest';
import { AdmissionFailures, FAILURE_LIMITS } from '../../src/net/admission-failures.ts';

describe('failed confirmations', () => {
  test('nine from a prefix go by, the tenth raises the alarm once and a growing delay', () => {
    const failures = new AdmissionFailures(FAILURE_LIMITS, 0);
    for (let i = 1; i <= 9; i++) expect(failures.record(i, 'net').alarm).toBeUndefined();
    expect(failures.delayMs(9, 'net')).toBe(0);
    expect(failures.record(10, 'net')).toEqual({ alarm: 'prefix', inPrefix: 10, inAll: 10 });
    expect(failures.delayMs(10, 'net')).toBe(1000);
    expect(failures.delayMs(10, 'other')).toBe(0);
    expect(failures.record(2000, 'net').alarm).toBeUndefined();
    expect(failures.delayMs(2000, 'net')).toBe(2000);
    for (let i = 0; i < 50; i++) failures.record(3000, 'net');
    expect(failures.delayMs(3000, 'net')).toBe(FAILURE_LIMITS.delayMaxMs);
  });

  test('a hundred from everywhere raise it for all, with a delay that honest hosts can wait out', () => {
    const failures = new AdmissionFailures(FAILURE_LIMITS, 0);
    for (let i = 1; i <= 99; i++) expect(failures.record(i, `net${i}`).alarm).toBeUndefined();
    expect(failures.record(100, 'net100').alarm).toBe('total');
    expect(failures.delayMs(100, 'honest')).toBe(1000);
    for (let i = 0; i < 50; i++) failures.record(200, `more${i}`);
    expect(failures.delayMs(200, 'honest')).toBe(FAILURE_LIMITS.totalDelayMaxMs);
  });

  test('an hour later all is forgotten', () => {
    const failures = new AdmissionFailures(FAILURE_LIMITS, 0);
    for (let i = 0; i < 10; i++) failures.record(0, 'net');
    expect(failures.record(FAILURE_LIMITS.windowMs, 'net')).toEqual({
      ...{ alarm: undefined, inPrefix: 1, inAll: 1 },
    });
  });

  test('memory is bounded however many prefixes fail', () => {
    const failures = new AdmissionFailures(FAILURE_LIMITS, 0);
    for (let i = 0; i < 10_000; i++) failures.record(i, `net${i}`);
    expect(failures.prefixes).toBe(FAILURE_LIMITS.prefixesMax);
  });
});
