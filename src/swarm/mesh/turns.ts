/**
 * Two copies of one state folder take each other's links: each shows the boot id of its own run,
 * and at every member the link of the one replaces that of the other. A restart shows a new boot id
 * once; a boot id that comes back after another one is a turn. After ten turns neither copy gets a
 * link here, until only one of them has been heard of for a while.
 */
import { toHex } from '../../wire/index.ts';
import type { NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';

export const TURNS_MAX = 10;
/** A run that was not heard of for this long is over. Copies that are refused dial more often. */
export const RUN_OVER_MS = 5 * 60_000;
/** Runs remembered of a node, the newest last. */
const RUNS_MAX = 4;

interface Runs {
  /** By boot id: `mono` at which it was last heard of. */
  readonly heardAt: Map<string, number>;
  turns: number;
}

/**
 * `turned`: this link is the tenth turn, and the identity is frozen from now on. `thawed`: it was
 * frozen, and the link may come up again.
 */
export type Turn = 'free' | 'turned' | 'frozen' | 'thawed';

export class Turns {
  #context: Context;
  #nodes = new Map<NodeId, Runs>();

  constructor(context: Context) {
    this.#context = context;
  }

  get size(): number {
    return this.#nodes.size;
  }

  isFrozen(node: NodeId): boolean {
    return (this.#nodes.get(node)?.turns ?? 0) >= TURNS_MAX;
  }

  /** A link of a node came up, under the boot id of one of its runs. */
  note(node: NodeId, bootId: Uint8Array): Turn {
    const runs = this.#nodes.get(node) ?? { heardAt: new Map<string, number>(), turns: 0 };
    this.#nodes.set(node, runs);
    const before = runs.turns >= TURNS_MAX;
    this.#note(runs, toHex(bootId));
    const after = runs.turns >= TURNS_MAX;
    if (before) return after ? 'frozen' : 'thawed';
    return after ? 'turned' : 'free';
  }

  /** Forgets nodes that are no members any more, and runs that are over. */
  sweep(isMember: (node: NodeId) => boolean): void {
    for (const [node, runs] of this.#nodes) {
      const last = Math.max(...runs.heardAt.values());
      const isQuiet = runs.turns === 0 && last + RUN_OVER_MS <= this.#context.now.mono;
      if (isQuiet || !isMember(node)) this.#nodes.delete(node);
    }
  }

  #note(runs: Runs, boot: string): void {
    const { mono } = this.#context.now;
    const { heardAt } = runs;
    const latest = [...heardAt.keys()].at(-1);
    for (const [other, at] of heardAt)
      if (other !== boot && at + RUN_OVER_MS <= mono) heardAt.delete(other);
    if (latest !== boot && heardAt.has(boot) && heardAt.size > 1) runs.turns++;
    heardAt.delete(boot);
    heardAt.set(boot, mono);
    if (heardAt.size === 1) runs.turns = 0;
    for (const oldest of heardAt.keys()) {
      if (heardAt.size <= RUNS_MAX) break;
      heardAt.delete(oldest);
    }
  }
}
