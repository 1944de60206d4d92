/**
 * Failed confirmations, counted per prefix and in all over an hour (docs/protocol.md section 5):
 * ten from a prefix, or a hundred, raise an alarm and a delay that doubles with each further one.
 * Pure. 96 bits cannot be guessed at any rate; the alarm tells people that somebody tries, and
 * the delay keeps the tries from costing CPU.
 */
export interface FailureLimits {
  readonly perPrefix: number;
  readonly total: number;
  readonly windowMs: number;
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  /** Delay of everybody, once `total` is reached: small, as it hits honest hosts too. */
  readonly totalDelayMaxMs: number;
  readonly prefixesMax: number;
}

export const FAILURE_LIMITS: FailureLimits = {
  perPrefix: 10,
  total: 100,
  windowMs: 3_600_000,
  delayMinMs: 1_000,
  delayMaxMs: 600_000,
  totalDelayMaxMs: 10_000,
  prefixesMax: 4_096,
};

export interface FailureVerdict {
  /** A limit was reached just now: raise the alarm once. */
  readonly alarm: 'prefix' | 'total' | undefined;
  readonly inPrefix: number;
  readonly inAll: number;
}

interface Tally {
  count: number;
  readonly since: number;
  blockedUntil: number;
}

export class AdmissionFailures {
  readonly #limits: FailureLimits;
  readonly #prefixes = new Map<string, Tally>();
  #total: Tally;

  constructor(limits: FailureLimits, mono: number) {
    this.#limits = limits;
    this.#total = { count: 0, since: mono, blockedUntil: 0 };
  }

  /** A wrong secret was shown by an address of `prefix`. */
  record(mono: number, prefix: string): FailureVerdict {
    const { perPrefix, total, delayMaxMs, totalDelayMaxMs } = this.#limits;
    const tally = this.#tallyOf(mono, prefix);
    this.#total = this.#fresh(mono, this.#total) ?? { count: 0, since: mono, blockedUntil: 0 };
    this.#count(mono, tally, perPrefix, delayMaxMs);
    this.#count(mono, this.#total, total, totalDelayMaxMs);
    const alarm =
      tally.count === perPrefix ? 'prefix' : this.#total.count === total ? 'total' : undefined;
    return { alarm, inPrefix: tally.count, inAll: this.#total.count };
  }

  /** Milliseconds until an address of `prefix` may try again; 0 when it may now. */
  delayMs(mono: number, prefix: string): number {
    const until = Math.max(this.#prefixes.get(prefix)?.blockedUntil ?? 0, this.#total.blockedUntil);
    return Math.max(0, until - mono);
  }

  /** Prefixes remembered; for tests of the bound. */
  get prefixes(): number {
    return this.#prefixes.size;
  }

  #count(mono: number, tally: Tally, limit: number, delayMaxMs: number): void {
    tally.count += 1;
    if (tally.count < limit) return;
    const doublings = Math.min(tally.count - limit, 20);
    tally.blockedUntil = mono + Math.min(this.#limits.delayMinMs * 2 ** doublings, delayMaxMs);
  }

  #tallyOf(mono: number, prefix: string): Tally {
    const known = this.#prefixes.get(prefix);
    const tally = (known && this.#fresh(mono, known)) ?? { count: 0, since: mono, blockedUntil: 0 };
    this.#prefixes.delete(prefix);
    this.#prefixes.set(prefix, tally);
    // The map keeps insertion order: the first is the prefix that failed longest ago.
    for (const oldest of this.#prefixes.keys()) {
      if (this.#prefixes.size <= this.#limits.prefixesMax) break;
      this.#prefixes.delete(oldest);
    }
    return tally;
  }

  #fresh(mono: number, tally: Tally): Tally | undefined {
    return mono - tally.since < this.#limits.windowMs ? tally : undefined;
  }
}
