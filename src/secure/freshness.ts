/**
 * The first messages that were taken lately, so that each is taken once (docs/protocol.md section 5).
 * Only such with a right MAC come here, so that a stranger fills nothing. What it cannot tell is not
 * fresh: the sender is challenged then, which costs a round trip and no memory.
 */
export class Freshness {
  /** Both hold MACs; what is in `#recent` was taken within two windows. */
  #recent = new Set<string>();
  #before = new Set<string>();
  #turnedAt: number;
  /** Unix ms: the newest time in `#recent`, and in `#before`. */
  #newest = 0;
  #newestBefore = 0;
  /** Unix ms: what was made until then may have been taken and forgotten, here or by an earlier run. */
  #floor: number;

  constructor(start: { readonly mono: number; readonly wall: number }) {
    this.#turnedAt = start.mono;
    this.#floor = start.wall + FRESH_WINDOW_MS;
  }

  /** For tests of the bound. */
  get size(): number {
    return this.#recent.size + this.#before.size;
  }

  /** `mono` and `wall` in milliseconds, `madeMs` by the sender's clock. True once for each MAC. */
  take(now: { readonly mono: number; readonly wall: number }, madeMs: number, mac: Uint8Array) {
    this.#turn(now.mono);
    if (Math.abs(madeMs - now.wall) > FRESH_WINDOW_MS || madeMs <= this.#floor) return false;
    const key = Buffer.from(mac.subarray(0, KEY_BYTES)).toString('latin1');
    if (this.#recent.has(key) || this.#before.has(key) || this.size >= FRESH_MAX) return false;
    this.#recent.add(key);
    this.#newest = Math.max(this.#newest, madeMs);
    return true;
  }

  /** Each MAC stays for two windows at least: the time in which its message is within the window. */
  #turn(mono: number): void {
    const turns = Math.floor((mono - this.#turnedAt) / (2 * FRESH_WINDOW_MS));
    if (turns < 1) return;
    this.#turnedAt = mono;
    this.#before = turns > 1 ? new Set() : this.#recent;
    this.#recent = new Set();
    // An own clock that is set back later would bring forgotten ones into the window again.
    const forgotten = turns > 1 ? this.#newest : 0;
    this.#floor = Math.max(this.#floor, this.#newestBefore, forgotten);
    this.#newestBefore = turns > 1 ? 0 : this.#newest;
    this.#newest = 0;
  }
}

/** Milliseconds either way: clocks that are kept are closer, and a message is not longer on its way. */
export const FRESH_WINDOW_MS = 10_000;
export const FRESH_MAX = 8_192;
const KEY_BYTES = 16;
