/** How much of something each of many may do: a token bucket each, forgotten while it is full. */
import type { Context } from './context.ts';

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export class Rates {
  #context: Pick<Context, 'now'>;
  #rateOf: (key: string) => Rate;
  /** What was taken and is not made good yet, at `at` (`mono`). */
  #spent = new Map<string, { spent: number; at: number }>();

  constructor(context: Pick<Context, 'now'>, rateOf: (key: string) => Rate) {
    this.#context = context;
    this.#rateOf = rateOf;
  }

  /** How many have taken some lately. */
  get size(): number {
    return this.#spent.size;
  }

  /** Takes `amount` where it is there. */
  take(key: string, amount = 1): boolean {
    const spent = this.#spentBy(key) + amount;
    // Fractions add up; what is made good by now must be there.
    if (spent > this.#rateOf(key).burst + 1e-9) return false;
    this.#spent.set(key, { spent, at: this.#context.now.mono });
    return true;
  }

  /** Whether `amount` would be there now; nothing is taken. */
  has(key: string, amount = 1): boolean {
    return this.#spentBy(key) + amount <= this.#rateOf(key).burst + 1e-9;
  }

  /** Takes `amount` in any case. @returns milliseconds until what is missing is made good */
  charge(key: string, amount: number): number {
    const spent = this.#spentBy(key) + amount;
    this.#spent.set(key, { spent, at: this.#context.now.mono });
    const { burst, perSecond } = this.#rateOf(key);
    return Math.max(0, ((spent - burst) / perSecond) * 1000);
  }

  forget(key: string): void {
    this.#spent.delete(key);
  }

  sweep(): void {
    for (const key of this.#spent.keys()) if (this.#spentBy(key) <= 0) this.#spent.delete(key);
  }

  #spentBy(key: string): number {
    const known = this.#spent.get(key);
    if (known === undefined) return 0;
    const seconds = (this.#context.now.mono - known.at) / 1000;
    return Math.max(0, known.spent - seconds * this.#rateOf(key).perSecond);
  }
}
