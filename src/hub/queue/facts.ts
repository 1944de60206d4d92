/** The queue in numbers, as the database counts it. */
import type pg from 'pg';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';

/** What sql/62-fact.sql counts: by state, in whole numbers, ages in seconds. */
export interface QueueFacts {
  readonly deliveries: Readonly<Record<string, number>>;
  readonly oldest_due_seconds: number;
  readonly open_requests: number;
  readonly leases: number;
  readonly hosts: Readonly<Record<string, number>>;
  readonly alerts: Readonly<Record<string, number>>;
  /** How long the oldest opening or resolution waits to be told to a webhook. */
  readonly untold_seconds: number;
  /** Names of the hubs that are at work. */
  readonly hubs: readonly string[];
}

/** Asks for the queue's facts: not more often than they are wanted fresh, one question at a time. */
export class QueueFactsReader {
  readonly #pool: pg.Pool;
  readonly #log: Log;
  #last: { at: number; facts: QueueFacts } | undefined;
  #asking: Promise<QueueFacts | undefined> | undefined;

  constructor(pool: pg.Pool, log: Log) {
    this.#pool = pool;
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
      const sql = 'select swarmplane.queue_facts() as facts';
      const { rows } = await this.#pool.query<{ facts: QueueFacts }>(sql);
      const { facts } = rows[0]!;
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
