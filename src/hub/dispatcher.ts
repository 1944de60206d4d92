/**
 * Takes work from the queue and runs it: when woken by the listener (NOTIFY, connect, poll), and by
 * its own timer for what falls due.
 */
import { messageOf } from './errors.ts';
import { isOutage } from './outage.ts';
import type { Log } from './log.ts';
import type { Queue } from './queue.ts';
import { Run, type RunOptions } from './run.ts';

export interface DispatcherOptions extends Omit<RunOptions, 'abandon'> {
  readonly queue: Queue;
  readonly log: Log;
  readonly hubId: () => string;
  /** How long the stop waits for the database before it leaves work to its lease. */
  readonly stopMs: number;
  /** Most deliveries in one claim. */
  readonly claimMax: number;
  /** Most requests at work at once. */
  readonly runsMax: number;
  /** Whether leases that ran out may be reaped by now. */
  readonly mayReap: () => boolean;
}

/** A due time is never waited for more finely than this. */
const TICK_MIN_MS = 20;
const TICK_MAX_MS = 3_600_000;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #runs = new Map<string, { run: Run; done: Promise<void> }>();
  readonly #abandon = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #pumping: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Tokens of the leases at work; those whose outcomes were dropped are left to run out. */
  get tokens(): string[] {
    return [...this.#runs].filter(([, { run }]) => !run.gaveUp).map(([token]) => token);
  }

  /** Looks for work now. Cheap to call often. */
  wake(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#pumping ??= this.#pump().finally(() => {
      this.#pumping = undefined;
      if (this.#again) this.wake();
    });
  }

  /** The lease is somebody else's now: what was not answered yet is dropped. */
  lost(token: string): void {
    this.#runs.get(token)?.run.stop('lost');
  }

  /** Ends all asking; outcomes that are there are written, the rest is given back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#again = false;
    clearTimeout(this.#timer);
    const giveUp = setTimeout(() => this.#abandon.abort(), this.#options.stopMs);
    await this.#pumping;
    for (const { run } of this.#runs.values()) run.stop('stop');
    await Promise.all([...this.#runs.values()].map(({ done }) => done));
    clearTimeout(giveUp);
  }

  /** Never rejects. */
  async #pump(): Promise<void> {
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        await this.#claimAll();
        await this.#endCancelled();
        while (!this.#stopped && (await this.#options.queue.sweep(this.#options.mayReap())));
      }
      // With every place taken the end of a run wakes us, not the clock.
      const { queue, asker } = this.#options;
      if (!this.#full) this.#schedule(await queue.nextDueMs(asker.allowedActions()));
    } catch (error) {
      this.#report(error);
    }
  }

  get #full(): boolean {
    return this.#runs.size >= this.#options.runsMax;
  }

  async #claimAll(): Promise<void> {
    while (!this.#stopped && !this.#full) {
      const { queue, hubId, claimMax, asker } = this.#options;
      const claim = await queue.claim(hubId(), claimMax, asker.allowedActions());
      if (claim === undefined) return;
      const run = new Run(claim, { ...this.#options, abandon: this.#abandon.signal });
      const done = run.go().finally(() => {
        this.#runs.delete(claim.token);
        this.wake();
      });
      this.#runs.set(claim.token, { run, done });
    }
  }

  async #endCancelled(): Promise<void> {
    if (this.#runs.size === 0) return;
    for (const token of await this.#options.queue.cancelled([...this.#runs.keys()]))
      this.#runs.get(token)?.run.stop('cancelled');
  }

  #schedule(dueMs: number | undefined): void {
    clearTimeout(this.#timer);
    if (this.#stopped || dueMs === undefined) return;
    this.#timer = setTimeout(
      () => this.wake(),
      Math.min(Math.max(dueMs, TICK_MIN_MS), TICK_MAX_MS),
    );
  }

  #report(error: unknown): void {
    const facts = { error: messageOf(error) };
    if (isOutage(error)) this.#options.log.warn(facts, 'the database is away');
    else this.#options.log.error(facts, 'could not take work from the queue');
  }
}
