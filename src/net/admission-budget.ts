/**
 * How many J-PAKE runs this node lets strangers cause (docs/protocol.md section 5). Pure.
 * A ticket waits in one short queue until both its prefix and the whole node have budget; tickets
 * of a prefix that has none are overtaken, so one noisy network does not hold up the others.
 */
import type { Source } from '../wire/index.ts';
import { chooseVictim } from './crowd.ts';
import { TokenBucket } from './token-bucket.ts';

export interface AdmissionLimits {
  readonly prefixPerSecond: number;
  readonly prefixBurst: number;
  readonly totalPerSecond: number;
  readonly totalBurst: number;
  readonly queueMax: number;
  /** Of those, for one prefix: more would run out of handshake time while they wait. */
  readonly queuePerPrefixMax: number;
}

export const ADMISSION_LIMITS: AdmissionLimits = {
  prefixPerSecond: 1,
  prefixBurst: 5,
  totalPerSecond: 4,
  totalBurst: 5,
  queueMax: 32,
  queuePerPrefixMax: 8,
};

export class AdmissionBudget<Ticket> {
  readonly #limits: AdmissionLimits;
  readonly #total: TokenBucket;
  /** Holds only prefixes that are not full again: never more than were let in within burst/rate seconds. */
  readonly #prefixes = new Map<string, TokenBucket>();
  readonly #queue: { ticket: Ticket; source: Source }[] = [];
  readonly #random: () => number;

  constructor(limits: AdmissionLimits, mono: number, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
    this.#total = new TokenBucket(limits.totalPerSecond, limits.totalBurst, mono);
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Prefixes remembered; for tests of the bound. */
  get prefixes(): number {
    return this.#prefixes.size;
  }

  /** Queues a ticket. The one, maybe itself, that has no room any more: it must be closed at once. */
  offer(ticket: Ticket, source: Source): Ticket | undefined {
    const { queueMax, queuePerPrefixMax } = this.#limits;
    this.#queue.push({ ticket, source });
    const same = this.#queue.filter((one) => one.source.network === source.network);
    const crowd = same.length > queuePerPrefixMax ? same : this.#queue;
    if (crowd === this.#queue && crowd.length <= queueMax) return undefined;
    const out = chooseVictim(crowd, this.#random);
    this.withdraw(out.ticket);
    return out.ticket;
  }

  /** The connection went away while waiting. */
  withdraw(ticket: Ticket): void {
    const at = this.#queue.findIndex((one) => one.ticket === ticket);
    if (at >= 0) this.#queue.splice(at, 1);
  }

  /** Takes the next ticket that may start now. Call until undefined. */
  next(mono: number): Ticket | undefined {
    if (this.#total.waitMs(mono) > 0) return undefined;
    const at = this.#queue.findIndex((one) => this.#waitOf(mono, one.source.network) === 0);
    if (at < 0) return undefined;
    const [taken] = this.#queue.splice(at, 1);
    this.#total.take(mono, 1);
    this.#takeFrom(mono, taken!.source.network);
    return taken!.ticket;
  }

  /** Milliseconds until `next` can give something, undefined when nothing waits. */
  waitMs(mono: number): number | undefined {
    if (this.#queue.length === 0) return undefined;
    const waits = this.#queue.map((one) => this.#waitOf(mono, one.source.network));
    return Math.max(this.#total.waitMs(mono), Math.min(...waits));
  }

  #waitOf(mono: number, prefix: string): number {
    return this.#prefixes.get(prefix)?.waitMs(mono) ?? 0;
  }

  #takeFrom(mono: number, prefix: string): void {
    for (const [key, bucket] of this.#prefixes) {
      if (bucket.full(mono)) this.#prefixes.delete(key);
    }
    const { prefixPerSecond, prefixBurst } = this.#limits;
    const bucket =
      this.#prefixes.get(prefix) ?? new TokenBucket(prefixPerSecond, prefixBurst, mono);
    bucket.take(mono, 1);
    this.#prefixes.set(prefix, bucket);
  }
}
