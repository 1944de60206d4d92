/**
 * Tests that need something of the machine. Where it is missing they are skipped, and the end of the
 * run (scripts/test.mjs) lists them by the reason, which stands in their titles:
 *
 *   needs('ss')('has every TCP port that ss has', async () => { .. });
 *   only(isRoot, 'as root', describe)('the user the server runs as', () => { .. });
 *
 * What a test needs is there in CI, which installs it, and a skip for the want of it is a failure there.
 * What a test runs under only is the machine's nature: nobody installs it.
 */
import { spawnSync } from 'node:child_process';
import { describe, it } from 'vitest';

type Of = typeof it | typeof describe;

/** @param met by default whether `what` is a program on the path */
export function needs<T extends Of = typeof it>(what: string, met = has(what), of?: T) {
  return marked<T>(`needs ${what}`, met, of);
}

/** @param where a phrase after "only": `as root`, `under systemd` */
export function only<T extends Of = typeof it>(met: boolean, where: string, of?: T) {
  return marked<T>(`only ${where}`, met, of);
}

export const isRoot = process.getuid?.() === 0;

/** Whether a program is there. */
export function has(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

function marked<T extends Of>(reason: string, met: boolean, of: Of = it): ReturnType<T['skipIf']> {
  if (met) return of.skipIf(false) as ReturnType<T['skipIf']>;
  const skipped = of.skipIf(true) as (title: string, ...rest: unknown[]) => unknown;
  const skip = (title: string, ...rest: unknown[]) => skipped(`${title} [${reason}]`, ...rest);
  return skip as unknown as ReturnType<T['skipIf']>;
}
