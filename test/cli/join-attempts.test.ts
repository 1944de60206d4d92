import { describe, expect, test } from 'vitest';
import { JoinAttempts, REFUSED_FOR_MS, type JoinVerdict } from '../../src/cli/join-attempts.ts';

/** Fails with `codeAt` until it is final, for `mostMs` at most; the verdicts, and when each came. */
function run(
  addresses: readonly string[],
  codeAt: (now: number, address: string) => string,
  mostMs = 24 * 3_600_000,
): { at: number; verdict: JoinVerdict }[] {
  const attempts = new JoinAttempts(addresses, 0);
  const told: { at: number; verdict: JoinVerdict }[] = [];
  for (let now = 0; now < mostMs;) {
    const address = attempts.next();
    const verdict = attempts.failed(address, codeAt(now, address), now, 0.5);
    told.push({ at: now, verdict });
    if (verdict.kind === 'final') return told;
    now += verdict.pauseMs + 20;
  }
  return told;
}

const isFinal = (told: readonly { verdict: JoinVerdict }[]): boolean =>
  told.at(-1)!.verdict.kind === 'final';

describe('a host that wants to join', () => {
  test.each(['busy', 'timeout', 'closed', 'worker_failed', 'unreachable', 'handshake_failed'])(
    'waits out %s, a day if need be, ever more slowly',
    (code) => {
      const told = run(['a:1'], () => code);
      expect(isFinal(told)).toBe(false);
      expect(told.length).toBeLessThan(86_400 / 20);
      const pauses = told
        .slice(0, 5)
        .map(({ verdict }) => (verdict as { pauseMs: number }).pauseMs);
      expect(pauses).toEqual([750, 1_500, 3_000, 6_000, 12_000]);
    },
  );

  test.each([
    'wrong_secret',
    'wrong_swarm',
    'wrong_epoch',
    'cannot_admit',
    'not_swarmplane',
    'self',
  ])('believes %s after a minute of it, and after few tries', (code) => {
    const told = run(['a:1'], () => code);
    expect(isFinal(told)).toBe(true);
    expect(told.at(-1)!.at).toBeGreaterThanOrEqual(REFUSED_FOR_MS);
    expect(told.at(-1)!.at).toBeLessThan(REFUSED_FOR_MS + 1_000);
    // ten wrong secrets would lock its network out
    expect(told.length).toBeLessThan(10);
  });

  test('is not put off by one address that refuses while another has no time', () => {
    const told = run(['a:1', 'b:1'], (_now, address) =>
      address === 'a:1' ? 'wrong_secret' : 'busy',
    );
    expect(isFinal(told)).toBe(false);
  });

  test('gives up when all addresses have refused for a minute, counted from the last to begin', () => {
    const told = run(['a:1', 'b:1'], (now, address) =>
      address === 'b:1' && now < 100_000 ? 'unreachable' : 'wrong_secret',
    );
    expect(isFinal(told)).toBe(true);
    expect(told.at(-1)!.at).toBeGreaterThanOrEqual(100_000 + REFUSED_FOR_MS);
  });

  test('takes one busy as a sign that the member is there, and begins the minute anew', () => {
    const told = run(['a:1'], (now) => (now > 30_000 && now < 50_000 ? 'busy' : 'wrong_secret'));
    expect(told.at(-1)!.at).toBeGreaterThan(30_000 + REFUSED_FOR_MS);
  });

  test('tries the first round of addresses without a wait, and each in its turn', () => {
    const seen: string[] = [];
    const told = run(
      ['a:1', 'b:1', 'c:1'],
      (_now, address) => (seen.push(address), 'busy'),
      30_000,
    );
    expect(seen.slice(0, 4)).toEqual(['a:1', 'b:1', 'c:1', 'a:1']);
    expect(told.slice(0, 2).map(({ verdict }) => (verdict as { pauseMs: number }).pauseMs)).toEqual(
      [0, 0],
    );
  });

  test.each(['bad_address', 'stopped', 'aborted', 'unknown'])('ends at once for %s', (code) => {
    expect(run(['a:1'], () => code)).toEqual([{ at: 0, verdict: { kind: 'final' } }]);
  });
});
