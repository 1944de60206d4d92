/**
 * Writes the outcomes of one claim: the first at once, those that arrive during a write together with
 * the next. While the database is away it keeps them and tries again; the lease token decides whether
 * they still count.
 */
import { Backoff, isBadData, isOutage } from './outage.ts';
import { codeOf, messageOf } from './errors.ts';
import type { Log } from './log.ts';
import { plainOutcome, type Outcome } from './outcome.ts';
import type { Queue } from './queue.ts';

/** Most bytes of JSON in one write, and most that may wait before `add` holds its caller back. */
const BATCH_BYTES = 8 * 1024 * 1024;
const BACKLOG_BYTES = 32 * 1024 * 1024;
const REFUSALS_MAX = 5;

export interface RecorderOptions {
  readonly queue: Queue;
  readonly token: string;
  readonly log: Log;
  /** Ends the trying: the process stops and cannot wait for the database. */
  readonly signal: AbortSignal;
}

export class Recorder {
  readonly #options: RecorderOptions;
  #waiting: Outcome[] = [];
  #bytes = 0;
  #writing: Promise<void> | undefined;
  #gaveUp = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** True once outcomes were dropped: the lease must run out. */
  get gaveUp(): boolean {
    return this.#gaveUp;
  }

  /** Takes one outcome; waits only when too much is waiting already. */
  async add(outcome: Outcome): Promise<void> {
    this.#waiting.push(outcome);
    this.#bytes += outcome.text.length;
    this.#start();
    if (this.#bytes > BACKLOG_BYTES) await this.#writing;
  }

  /** Resolves when everything is written or given up. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  #start(): void {
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
      if (this.#waiting.length > 0) this.#start();
    });
  }

  async #drain(): Promise<void> {
    // Outcomes that arrive in the same turn of the event loop go together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      await this.#write(batch);
      this.#bytes -= sizeOf(batch);
    }
  }

  #takeBatch(): Outcome[] {
    let bytes = 0;
    let count = 0;
    for (const outcome of this.#waiting) {
      bytes += outcome.text.length;
      if (count > 0 && bytes > BATCH_BYTES) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #write(batch: readonly Outcome[]): Promise<void> {
    const { queue, token, log, signal } = this.#options;
    const backoff = new Backoff();
    let refusals = 0;
    while (!this.#gaveUp) {
      try {
        const taken = await queue.complete(token, `[${batch.map((o) => o.text).join(',')}]`);
        const lost = batch.length - taken.size;
        if (lost > 0)
          log.warn({ lost }, 'outcomes thrown away: their deliveries were claimed anew');
        return;
      } catch (error) {
        if (signal.aborted) return this.#giveUp(batch, error);
        if (isMissingPartition(error)) await queue.makePartitions().catch(() => undefined);
        else if (isBadData(error)) return this.#writeOneByOne(batch, error);
        if (!isOutage(error) && ++refusals === REFUSALS_MAX) return this.#giveUp(batch, error);
        log.warn({ error: messageOf(error) }, 'could not write outcomes, trying again');
        await backoff.pause(signal);
      }
    }
  }

  /** An answer that can not be stored fails its own delivery only. */
  async #writeOneByOne(batch: readonly Outcome[], error: unknown): Promise<void> {
    if (batch.length > 1) {
      for (const outcome of batch) await this.#write([outcome]);
      return;
    }
    const { id, code } = batch[0]!;
    if (code === UNSTORABLE) return this.#giveUp(batch, error);
    const message = `the answer can not be stored: ${messageOf(error)}`;
    await this.#write([plainOutcome(id, 'failed', { code: UNSTORABLE, message })]);
  }

  #giveUp(batch: readonly Outcome[], error: unknown): void {
    this.#gaveUp = true;
    this.#options.log.error(
      { outcomes: batch.length, error: messageOf(error) },
      'outcomes dropped; their lease runs out and they are tried again',
    );
  }
}

const UNSTORABLE = 'unstorable_answer';

function sizeOf(batch: readonly Outcome[]): number {
  return batch.reduce((sum, outcome) => sum + outcome.text.length, 0);
}

function isMissingPartition(error: unknown): boolean {
  return codeOf(error) === '23514' && messageOf(error).startsWith('no partition of relation');
}
