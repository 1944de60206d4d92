/**
 * Writes the outcomes of one claim, in order: the first at once, those that arrive during a write
 * together with the next. While the database is away they go to the spool on disk and are tried
 * again; the lease token decides whether they still count.
 */
import { Backoff, isBadData, mayPass } from '../database/outage.ts';
import { codeOf, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Pulse } from '../pulse.ts';
import { plainOutcome, type Outcome } from './outcome.ts';
import type { Queue } from './queue.ts';
import type { Spool } from './spool.ts';

/** Most bytes of JSON in one write, and most that may wait before `add` holds its caller back. */
const BATCH_BYTES = 8 * 1024 * 1024;
const BACKLOG_BYTES = 32 * 1024 * 1024;
const REFUSALS_MAX = 5;

export interface RecorderOptions {
  readonly queue: Queue;
  readonly spool: Spool;
  readonly token: string;
  readonly log: Log;
  /** Ends the trying: the process stops and cannot wait for the database. */
  readonly signal: AbortSignal;
  readonly pulse?: Pulse;
}

export class Recorder {
  readonly #options: RecorderOptions;
  #waiting: Outcome[] = [];
  #bytes = 0;
  #writing: Promise<void> | undefined;
  #room: (() => void)[] = [];
  #gaveUp = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** True once outcomes were dropped: the lease must run out. */
  get gaveUp(): boolean {
    return this.#gaveUp;
  }

  /**
   * Takes one outcome; waits only when too much is waiting in memory already. `last`: no other one
   * can follow, so none is waited for.
   */
  async add(outcome: Outcome, last = false): Promise<void> {
    this.#waiting.push(outcome);
    this.#bytes += outcome.text.length;
    this.start(last);
    if (this.#bytes > BACKLOG_BYTES) await new Promise<void>((done) => this.#room.push(done));
  }

  /** Begins to write what waits, on disk too. `add` does it. */
  start(last = false): void {
    this.#writing ??= this.#drain(last).finally(() => {
      this.#writing = undefined;
      if (this.#waiting.length > 0) this.start();
    });
  }

  /** Resolves when everything is written, given up, or kept on disk by a process that stops. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #drain(last: boolean): Promise<void> {
    const { spool, token, signal } = this.#options;
    // Outcomes that arrive in the same turn of the event loop go together.
    if (!last) await new Promise((resolve) => setImmediate(resolve));
    const backoff = new Backoff();
    while (this.#waiting.length > 0 || spool.has(token)) {
      const spooled = spool.has(token);
      // Behind what is on disk there is no other way: order is kept.
      if (spooled && this.#waiting.length > 0) await this.#spill();
      const batch = spooled ? await this.#firstOfDisk() : this.#firstOfMemory();
      const done = batch.length === 0 || (await this.#write(batch, backoff));
      if (done && spooled) await spool.dropHead(token);
      else if (done) this.#forget(batch);
      else if (!spooled) await this.#spill();
      if (!done && signal.aborted) return this.#leave();
      if (!done) await backoff.pause(signal);
    }
  }

  /** What waits in memory goes to disk, in writes of bounded size, as far as there is room. */
  async #spill(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#firstOfMemory();
      if (!(await this.#options.spool.append(this.#options.token, batch))) return;
      this.#forget(batch);
    }
  }

  /** Empty when nothing of what is there can be read; it is dropped then. */
  async #firstOfDisk(): Promise<readonly Outcome[]> {
    const { spool, token } = this.#options;
    try {
      return await spool.head(token, BATCH_BYTES);
    } catch (error) {
      this.#giveUp([], error);
      return [];
    }
  }

  #firstOfMemory(): readonly Outcome[] {
    let bytes = 0;
    let count = 0;
    for (const outcome of this.#waiting) {
      bytes += outcome.text.length;
      if (count > 0 && bytes > BATCH_BYTES) break;
      count++;
    }
    return this.#waiting.slice(0, count);
  }

  #forget(batch: readonly Outcome[]): void {
    this.#waiting.splice(0, batch.length);
    this.#bytes -= batch.reduce((sum, outcome) => sum + outcome.text.length, 0);
    if (this.#bytes <= BACKLOG_BYTES) for (const done of this.#room.splice(0)) done();
  }

  /** False while the database is away: the batch is to be tried again. */
  async #write(batch: readonly Outcome[], backoff: Backoff): Promise<boolean> {
    const { queue, token, log, signal } = this.#options;
    for (let refusals = 0; ;) {
      try {
        const taken = await queue.complete(token, `[${batch.map((o) => o.text).join(',')}]`);
        const lost = batch.length - taken.size;
        if (lost > 0)
          log.warn({ lost }, 'outcomes thrown away: their deliveries were claimed anew');
        backoff.reset();
        this.#wroteWell();
        return true;
      } catch (error) {
        this.#options.pulse?.failed(error, token);
        if (isMissingPartition(error)) await queue.makePartitions().catch(() => undefined);
        else if (isBadData(error)) return this.#writeOneByOne(batch, error, backoff);
        if (!mayPass(error) && ++refusals === REFUSALS_MAX) return this.#giveUp(batch, error);
        log.warn({ error: messageOf(error) }, 'could not write outcomes, trying again');
        if (mayPass(error) || signal.aborted) return false;
        await backoff.pause(signal);
      }
    }
  }

  #wroteWell(): void {
    const { pulse, token } = this.#options;
    pulse?.wentWell(token);
    // What an earlier claim gave up.
    pulse?.wentWell();
  }

  /**
   * An answer that cannot be stored fails its own delivery only. Those before one that has to wait
   * are written again with it, which changes nothing.
   */
  async #writeOneByOne(
    batch: readonly Outcome[],
    error: unknown,
    backoff: Backoff,
  ): Promise<boolean> {
    if (batch.length > 1) {
      for (const outcome of batch) if (!(await this.#write([outcome], backoff))) return false;
      return true;
    }
    const { id, code } = batch[0]!;
    if (code === UNSTORABLE) return this.#giveUp(batch, error);
    const message = `the answer cannot be stored: ${messageOf(error)}`;
    return this.#write([plainOutcome(id, 'failed', { code: UNSTORABLE, message })], backoff);
  }

  #giveUp(batch: readonly Outcome[], error: unknown): true {
    this.#gaveUp = true;
    this.#options.pulse?.forget(this.#options.token);
    this.#options.pulse?.failed(error);
    this.#options.log.error(
      { outcomes: batch.length, error: messageOf(error) },
      'outcomes dropped; their lease runs out and they are tried again',
    );
    return true;
  }

  /** This process ends before the database is back: the next one writes what is on disk. */
  async #leave(): Promise<void> {
    await this.#spill();
    const lost = this.#waiting.splice(0);
    this.#bytes = 0;
    for (const done of this.#room.splice(0)) done();
    if (lost.length > 0) this.#giveUp(lost, new Error('the spool has no room for them'));
  }
}

const UNSTORABLE = 'unstorable_answer';

function isMissingPartition(error: unknown): boolean {
  // The message may be in the language of the server: a broken constraint has a name.
  return codeOf(error) === '23514' && (error as { constraint?: string }).constraint === undefined;
}
