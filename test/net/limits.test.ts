import { describe, expect, test } from 'vitest';
import { ADMISSION_LIMITS } from '../../src/net/admission-budget.ts';
import { AdmissionFailures, FAILURE_LIMITS } from '../../src/net/admission-failures.ts';
import { AdmissionLane } from '../../src/net/admission-lane.ts';
import { wrongSecretAlarms } from '../../src/net/handshake-alarms.ts';
import { DEFAULT_NET_TUNING } from '../../src/net/index.ts';
import { from } from './sources.ts';

const never = new AbortController().signal;

describe('being asked too much', () => {
  test('has the figures of docs/protocol.md section 5', () => {
    expect(ADMISSION_LIMITS).toMatchObject({
      prefixPerSecond: 1,
      prefixBurst: 5,
      totalPerSecond: 4,
      queueMax: 32,
    });
    expect(FAILURE_LIMITS).toMatchObject({ perPrefix: 10, total: 100, windowMs: 3_600_000 });
    expect(DEFAULT_NET_TUNING).toMatchObject({
      firstMessageMs: 1_000,
      challengeMs: 3_000,
      handshakeMs: 10_000,
      banMs: 60_000,
      unauthenticatedMax: 256,
      admission: ADMISSION_LIMITS,
      failures: FAILURE_LIMITS,
    });
  });

  test('keeps who had the join key out for twice as long after each further failure', async () => {
    let now = 0;
    const lane = new AdmissionLane(DEFAULT_NET_TUNING, () => now);
    const waits = async (prefix: string): Promise<number> => {
      const said = await lane.enter(from(prefix), never).catch((error: Error) => error.message);
      return Number(/wait (\d+) ms/.exec(said ?? '')?.[1] ?? 0);
    };
    for (let i = 1; i < 10; i++) lane.recordFailure(from('guesser'), true);
    expect(await waits('guesser')).toBe(0);
    for (const expected of [1_000, 2_000, 4_000, 8_000]) {
      lane.recordFailure(from('guesser'), true);
      expect(await waits('guesser')).toBe(expected);
      expect(await waits('other')).toBe(0);
      now += expected;
      expect(await waits('guesser')).toBe(0);
    }
    lane.stop();
  });

  test('tells of guessing once per network, and once of guessing from everywhere', () => {
    const failures = new AdmissionFailures(FAILURE_LIMITS, 0);
    const told: string[] = [];
    const fail = (prefix: string, times: number): void => {
      for (let i = 0; i < times; i++) {
        const verdict = {
          ...failures.record(i, from(prefix), false),
          why: 'wrong secret',
        } as const;
        const alarms = wrongSecretAlarms(`${prefix}:1`, prefix, verdict, 0);
        expect(alarms[0]).toMatchObject({ kind: 'wrong_secret', key: prefix });
        told.push(...alarms.slice(1).map(({ kind, key }) => `${kind} ${key}`));
      }
    };
    fail('one', 20);
    for (let i = 0; i < 100; i++) fail(`net ${i}`, 1);
    expect(told).toEqual(['join_guessing one', 'join_guessing all networks']);
  });
});
