/** What the answers to a probe say of its target (docs/protocol.md section 6). */
import { equalBytes, fromHex, toHex } from '../../wire/index.ts';
import type { KnownHead } from '../../wire/index.ts';
import type { NodeId } from '../../secure/types.ts';
import type { Pins } from './pins.ts';
import type { ProbeVerdict } from '../types.ts';

/** Fewer witnesses that know the target prove nothing. */
export const WITNESSES_LEAST = 3;

export type Comparison =
  /** The witness knows the same node, and its list is ours or a beginning of it. */
  | 'same'
  /** Another node, or another key in the same place of its list. */
  | 'other'
  /** The witness knows a longer list: what it has more must be fetched first. */
  | 'longer'
  /** The witness knows nobody there. */
  | 'nothing';

/** Compares on the common prefix of the two key lists. */
export function compareHead(pins: Pins, target: NodeId, said: KnownHead | undefined): Comparison {
  if (said === undefined) return 'nothing';
  if (!equalBytes(said.node, fromHex(target))) return 'other';
  const ours = pins.hashAt(target, said.version);
  if (ours === undefined) return 'longer';
  return equalBytes(ours, said.hash) ? 'same' : 'other';
}

/** `own` is the target's answer about itself: it can contradict, but not vouch for itself. */
export function verdictOf(witnesses: readonly Comparison[], own?: Comparison): ProbeVerdict {
  if (own === 'other' || witnesses.includes('other')) return 'conflict';
  const same = witnesses.filter((one) => one === 'same').length;
  return same >= WITNESSES_LEAST ? 'consistent' : 'unknown';
}

export function describeHead(head: KnownHead): string {
  const hash = toHex(head.hash).slice(0, 12);
  return `${toHex(head.node).slice(0, 12)} (key ${head.version}, ${hash})`;
}
