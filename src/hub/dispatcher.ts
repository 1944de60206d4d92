/**
 * Takes work from the queue and runs it: when woken by the listener (NOTIFY, connect, poll), and by
 * its own timer for what falls due.
 */
import { setMaxListeners } from 'node:events';
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
/** What is not a claim waits so long for others of its kind: it must not compete with an answer. */
const TEND_MS = 30;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #runs = new Map<string, { run: Run; done: Promise<void> }>();
  readonly #abandon = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #claiming: Promise<void> | undefined;
  #again = false;
  #tendTimer: NodeJS.Timeout | undefined;
  #tending: Promise<void> | undefined;
  #tendAgain = false;
  #stopped = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    // Each run waits on it while the database is away: many are no leak.
    setMaxListeners(0, this.#abandon.signal);
  }

  /** Tokens of the leases at work; those whose outcomes were dropped are left to run out. */
  get tokens(): string[] {
    return [...this.#runs].filter(([, { run }]) => !run.gaveUp).map(([token]) => token);
  }

  /** Looks for work now. Cheap to call often. */
  wake(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#claiming ??= this.#claimAll().finally(() => {
      this.#claiming = undefined;
      if (this.#again) this.wake();
    });
    this.#tendSoon();
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
    clearTimeout(this.#tendTimer);
    const giveUp = setTimeout(() => this.#abandon.abort(), this.#options.stopMs);
    await Promise.all([this.#claiming, this.#tending]);
    for (const { run } of this.#runs.values()) run.stop('stop');
    await Promise.all([...this.#runs.values()].map(({ done }) => done));
    clearTimeout(giveUp);
  }

  get #full(): boolean {
    return this.#runs.size >= this.#options.runsMax;
  }

  /** Never rejects. */
  async #claimAll(): Promise<void> {
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        while (!this.#stopped && !this.#full && (await this.#claim()));
      }
    } catch (error) {
      this.#report(error);
    }
  }

  /** False when nothing else is due: what is committed later wakes us. */
  async #claim(): Promise<boolean> {
    const { queue, hubId, claimMax, asker } = this.#options;
    const claim = await queue.claim(hubId(), claimMax, asker.allowedActions());
    if (claim === undefined) return false;
    const run = new Run(claim, { ...this.#options, abandon: this.#abandon.signal });
    const done = run.go().finally(() => this.#ended(claim.token));
    this.#runs.set(claim.token, { run, done });
    return claim.more;
  }

  /** Only with every place taken may there be work that nobody looked for. */
  #ended(token: string): void {
    const wasFull = this.#full;
    this.#runs.delete(token);
    if (wasFull) this.wake();
    else this.#tendSoon();
  }

  #tendSoon(): void {
    if (this.#stopped) return;
    if (this.#tending !== undefined) this.#tendAgain = true;
    else this.#tendTimer ??= setTimeout(() => this.#startTending(), TEND_MS);
  }

  #startTending(): void {
    this.#tendTimer = undefined;
    this.#tending = this.#tend().finally(() => {
      this.#tending = undefined;
      if (this.#tendAgain) this.#tendSoon();
    });
    this.#tendAgain = false;
  }

  /** Cancels and what is due by the clock. Never rejects. */
  async #tend(): Promise<void> {
    const { queue, mayReap, asker } = this.#options;
    try {
      for (;;) {
        const { did, cancelled, dueMs } = await queue.tend(
          [...this.#runs.keys()],
          mayReap(),
          asker.allowedActions(),
        );
        for (const token of cancelled) this.#runs.get(token)?.run.stop('cancelled');
        if (did && !this.#stopped) continue;
        // With every place taken the end of a run wakes us, not the clock.
        if (!this.#full) this.#schedule(dueMs);
        return;
      }
    } catch (error) {
      this.#report(error);
    }
  }

  #schedule(dueMs: number | null): void {
    clearTimeout(this.#timer);
    if (this.#stopped || dueMs === null) return;
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
