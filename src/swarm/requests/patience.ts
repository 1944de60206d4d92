/**
 * How long an asker waits for one of its hosts. The one place that says so: whatever the ways
 * between two hosts are, a link of their own or others in between, the rule is this one.
 */
import type { MemberState, Tuning } from '../types.ts';

/** What the asker knows of a host that has not ended yet. */
export interface Standing {
  /** It cannot be asked at all: unknown, left or forgotten by name, or without a key to seal to. */
  readonly hopeless: boolean;
  /** It is this host, or a link to it is up. */
  readonly linked: boolean;
  /** No link is meant to be between the two, and there are others over which answers come. */
  readonly relayed: boolean;
  /** By the member table; undefined where it has no such member any more. */
  readonly state: MemberState | undefined;
  /** It has said ACCEPTED, or its answer has begun, over whatever way. */
  readonly spoke: boolean;
  /** `mono` of the last thing that may pass: start of the request, loss of its link, change of its state. */
  readonly since: number;
}

/**
 * `mono` until which a host is worth waiting for: 0 not at all, Infinity until the deadline.
 *
 * - Dead: not at all. Others have looked for it for seconds; a link that comes up after all counts.
 * - Linked, or heard of in this request: until the deadline. A suspect may refute, and its own word
 *   is worth more than a dial that failed; only death ends this.
 * - Alive, no link, not heard of: `relinkGraceMs`. Its link may have been reset and come back in a
 *   moment; a host that got the request over others says ACCEPTED long before.
 * - Suspect, left or gone from the table: `unreachableGraceMs`, time for a dial or a refutation.
 */
export function waitsUntil(
  { hopeless, linked, relayed, state, spoke, since }: Standing,
  { relinkGraceMs, unreachableGraceMs }: Pick<Tuning, 'relinkGraceMs' | 'unreachableGraceMs'>,
): number {
  if (hopeless) return 0;
  if (linked) return Infinity;
  if (state === 'dead') return 0;
  if (spoke) return Infinity;
  if (state !== 'alive') return since + unreachableGraceMs;
  return relayed ? Infinity : since + relinkGraceMs;
}
