/**
 * Who goes when a bounded set of strangers is full (docs/protocol.md section 5): one of the block of
 * networks that holds most of it, there of the network, there of the address, drawn by lot where
 * several hold as many. So a flood puts out its own, and never can foresee whom else.
 */
import type { Source } from '../wire/index.ts';

export interface Sourced {
  readonly source: Source;
}

/** `random`: 0 to less than 1. @throws RangeError of nobody */
export function chooseVictim<One extends Sourced>(crowd: Iterable<One>, random: () => number): One {
  let left = [...crowd];
  for (const level of ['block', 'network', 'address'] as const) {
    left = largest(left, (one) => one.source[level]);
  }
  const victim = left[Math.floor(random() * left.length)];
  if (victim === undefined) throw new RangeError('nobody to choose from');
  return victim;
}

/** Those whose group has most, of all groups that have as many. */
function largest<One>(all: readonly One[], groupOf: (one: One) => string): One[] {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(groupOf(one), (counts.get(groupOf(one)) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return all.filter((one) => counts.get(groupOf(one)) === most);
}
