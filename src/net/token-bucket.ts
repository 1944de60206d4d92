/** A rate limit that allows bursts. Pure: `mono` milliseconds are an argument. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, burst: number, mono: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = mono;
  }

  /** Takes `amount` if it is there. */
  tryTake(mono: number, amount = 1): boolean {
    this.#refill(mono);
    // Refilling adds up fractions; what waitMs promised must be there when the time has come.
    if (this.#tokens < amount - 1e-9) return false;
    this.#tokens -= amount;
    return true;
  }

  /** Takes `amount` in any case; what is missing is a debt that `waitMs` tells. */
  take(mono: number, amount: number): void {
    this.#refill(mono);
    this.#tokens -= amount;
  }

  /** Milliseconds until `amount` is there. */
  waitMs(mono: number, amount = 1): number {
    this.#refill(mono);
    return Math.max(0, ((amount - this.#tokens) / this.#perSecond) * 1000);
  }

  /** Nothing was taken lately: a new bucket would be the same. */
  full(mono: number): boolean {
    this.#refill(mono);
    return this.#tokens >= this.#burst;
  }

  #refill(mono: number): void {
    if (mono <= this.#at) return;
    this.#tokens = Math.min(
      this.#burst,
      this.#tokens + ((mono - this.#at) / 1000) * this.#perSecond,
    );
    this.#at = mono;
  }
}
