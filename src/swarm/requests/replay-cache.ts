/**
 * Requests that were taken once. An executing host would carry a copy out while its wall clock is
 * less than the allowed skew past `expires`, and it took the first one no earlier than that skew
 * before `issued`: so an entry that lives for the request's life and twice the skew is enough, and
 * relays need no wall time.
 */
import type { Context } from '../engine/context.ts';

const ENTRIES_MAX = 65_536;

export class ReplayCache {
  #context: Context;
  /** Key to the `mono` at which it may be forgotten. */
  #until = new Map<string, number>();

  constructor(context: Context) {
    this.#context = context;
  }

  get size(): number {
    return this.#until.size;
  }

  has(key: string): boolean {
    const until = this.#until.get(key);
    return until !== undefined && until > this.#context.now.mono;
  }

  /** False when it is full: then the request must not be taken, or it could be replayed. */
  add(key: string, lifeMs: number): boolean {
    if (this.#until.size >= ENTRIES_MAX) this.sweep();
    if (this.#until.size >= ENTRIES_MAX) return false;
    this.#until.set(key, this.#context.now.mono + lifeMs + 2 * this.#context.tuning.clockSkewMaxMs);
    return true;
  }

  sweep(): void {
    const { mono } = this.#context.now;
    for (const [key, until] of this.#until) if (until <= mono) this.#until.delete(key);
  }
}
