/** The hub in numbers, for metrics. */
import { messageOf } from './errors.ts';
import type { WakeReason } from './database/listener.ts';
import type { Log } from './log.ts';
import type { Claim, Queue, QueueFacts } from './queue/queue.ts';

/** Counters only grow; they start at zero with the process. */
export interface HubFigures {
  readonly connected: boolean;
  /** Requests that are being asked right now. */
  readonly atWork: number;
  readonly claims: number;
  readonly claimedDeliveries: number;
  /** Of those, the ones that had been tried before. */
  readonly retriedDeliveries: number;
  /** What deliveries became, in the words of docs/backplane.md; `pending` is tried again. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** Leases that another hub took over while this one was at work on them. */
  readonly leasesLost: number;
  readonly wakeups: ReadonlyMap<WakeReason, number>;
  /** Undefined while the database does not answer. */
  readonly queue: QueueFacts | undefined;
}

export class HubCounters {
  claims = 0;
  claimedDeliveries = 0;
  retriedDeliveries = 0;
  leasesLost = 0;
  readonly outcomes = new Map<string, number>();
  readonly wakeups = new Map<WakeReason, number>();

  claimed({ deliveries }: Claim): void {
    this.claims++;
    this.claimedDeliveries += deliveries.length;
    this.retriedDeliveries += deliveries.filter(({ attempt }) => attempt > 1).length;
  }

  became(verdict: string): void {
    this.outcomes.set(verdict, (this.outcomes.get(verdict) ?? 0) + 1);
  }

  woken(reason: WakeReason): void {
    this.wakeups.set(reason, (this.wakeups.get(reason) ?? 0) + 1);
  }
}

/** Asks for the queue's facts: not more often than they are wanted fresh, one question at a time. */
export class QueueFactsReader {
  readonly #queue: Queue;
  readonly #log: Log;
  #last: { at: number; facts: QueueFacts } | undefined;
  #asking: Promise<QueueFacts | undefined> | undefined;

  constructor(queue: Queue, log: Log) {
    this.#queue = queue;
    this.#log = log;
  }

  /** Undefined when the database does not answer in time. Never rejects. */
  async read(): Promise<QueueFacts | undefined> {
    if (this.#last !== undefined && performance.now() - this.#last.at < FRESH_MS) {
      return this.#last.facts;
    }
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), ANSWER_MS);
    });
    return Promise.race([this.#asking, late]).finally(() => clearTimeout(timer));
  }

  async #ask(): Promise<QueueFacts | undefined> {
    try {
      const facts = await this.#queue.facts();
      this.#last = { at: performance.now(), facts };
      return facts;
    } catch (error) {
      this.#log.debug({ error: messageOf(error) }, 'could not count the queue');
      return undefined;
    }
  }
}

const FRESH_MS = 2_000;
/** Prometheus gives a scrape 10 s. */
const ANSWER_MS = 3_000;
