/**
 * Failed joins, counted per network and in all over an hour (docs/protocol.md section 5): ten from a
 * network, or a hundred, raise an alarm that tells people that somebody tries. Pure. Who showed no join
 * key cost a hash and is kept from nothing; who showed it, and then failed, waits longer each time from
 * the tenth on, alone: others of its network are not kept out by it.
 */
import type { Source } from '../wire/index.ts';

export interface FailureLimits {
  readonly perPrefix: number;
  readonly total: number;
  readonly windowMs: number;
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  readonly prefixesMax: number;
}

export const FAILURE_LIMITS: FailureLimits = {
  perPrefix: 10,
  total: 100,
  windowMs: 3_600_000,
  delayMinMs: 1_000,
  delayMaxMs: 600_000,
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
}

export class AdmissionFailures {
  readonly #limits: FailureLimits;
  readonly #networks = new Map<string, Tally>();
  /** Of addresses, and /64 of IPv6, that had the join key. */
  readonly #slowed = new Map<string, Tally & { until: number }>();
  #total: Tally;

  constructor(limits: FailureLimits, mono: number) {
    this.#limits = limits;
    this.#total = { count: 0, since: mono };
  }

  /** A join from there failed; `slow`: by somebody who had the join key. */
  record(mono: number, source: Source, slow: boolean): FailureVerdict {
    const { perPrefix, total } = this.#limits;
    const tally = this.#fresh(mono, this.#networks.get(source.network));
    this.#total = this.#fresh(mono, this.#total);
    tally.count += 1;
    this.#total.count += 1;
    this.#keep(this.#networks, source.network, tally);
    if (slow) this.#slow(mono, slowedAs(source));
    const alarm =
      tally.count === perPrefix ? 'prefix' : this.#total.count === total ? 'total' : undefined;
    return { alarm, inPrefix: tally.count, inAll: this.#total.count };
  }

  /** Milliseconds until somebody from there may try again; 0 when it may now. */
  delayMs(mono: number, source: Source): number {
    return Math.max(0, (this.#slowed.get(slowedAs(source))?.until ?? 0) - mono);
  }

  /** Networks remembered; for tests of the bound. */
  get prefixes(): number {
    return this.#networks.size;
  }

  #slow(mono: number, name: string): void {
    const { perPrefix, delayMinMs, delayMaxMs } = this.#limits;
    const { count, since } = this.#fresh(mono, this.#slowed.get(name));
    const over = count + 1 - perPrefix;
    const delay = over < 0 ? 0 : Math.min(delayMinMs * 2 ** Math.min(over, 20), delayMaxMs);
    this.#keep(this.#slowed, name, { count: count + 1, since, until: mono + delay });
  }

  #keep<One>(tallies: Map<string, One>, name: string, tally: One): void {
    tallies.delete(name);
    tallies.set(name, tally);
    // A map keeps insertion order: the first is the one that failed longest ago.
    const [oldest] = tallies.keys();
    if (tallies.size > this.#limits.prefixesMax) tallies.delete(oldest!);
  }

  #fresh(mono: number, tally: Tally | undefined): Tally {
    const isFresh = tally !== undefined && mono - tally.since < this.#limits.windowMs;
    return isFresh ? { count: tally.count, since: tally.since } : { count: 0, since: mono };
  }
}

/** A host has a whole /64 of IPv6 to itself. */
function slowedAs({ network, address }: Source): string {
  return network.endsWith('/64') ? network : address;
}
