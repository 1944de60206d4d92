/** Alarms about what somebody did once: no state of things would tell that they have ended. */
import type { Alarm, AlarmKind } from '../../swarm/index.ts';

/** Over when nothing raised them for so long, milliseconds. */
export const QUIET_MS = 3_600_000;

const EVENTS: ReadonlySet<AlarmKind> = new Set([
  'clone',
  'command_reused',
  'join_guessing',
  'old_key',
  'wrong_secret',
]);

/** Those of `open` that nothing raised for an hour, as their ends. `now`: Unix milliseconds. */
export function gone<A extends Alarm>(open: readonly A[], now: number): Alarm[] {
  return open
    .filter(({ kind, at }) => EVENTS.has(kind) && now - at > QUIET_MS)
    .map(({ kind, key }) => ({ kind, key, message: '', at: now, over: true }));
}
