/**
 * Takes work from the queue and runs it: when woken by the listener (NOTIFY, connect, poll), and by
 * its own timer for what falls due.
 */
import { setMaxListeners } from 'node:events';
import { messageOf } from '../errors.ts';
import { mayPass } from '../database/outage.ts';
import type { Pulse } from '../pulse.ts';
import type { Log } from '../log.ts';
import type { Queue } from './queue.ts';
import { Run, type RunOptions } from './run.ts';
import { WakeLoop } from '../wake-loop.ts';

export interface DispatcherOptions extends Omit<RunOptions, 'abandon'> {
  readonly queue: Queue;
  readonly log: Log;
  readonly hubId: () => string;
  /** How long the stop waits for the database before it leaves work to its lease. */
  readonly stopMs: number;
  /** Most deliveries in one claim. */
  readonly claimMax: number;
  /** Most requests at work at once, but for those that have been for a while: they wait for slow hosts. */
  readonly runsMax: number;
  /** Whether leases that ran out may be reaped by now. */
  readonly mayReap: () => boolean;
  readonly parts: RunOptions['parts'] & { readonly claims: Pulse; readonly tending: Pulse };
}

/** A request that is at work for longer waits for hosts: it leaves its place to others, up to so many times as many. */
const SLOW_MS = 1_000;
const SLOW_TIMES = 16;
/** Beside those of `runsMax`, places for what somebody waits for. */
const ASKS_MAX = 8;

interface AtWork {
  readonly run: Run;
  readonly done: Promise<void>;
  /** Takes a place. */
  fresh: boolean;
}

/** What is not a claim waits so long for others of its kind: it must not compete with an answer. */
const TEND_MS = 30;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #runs = new Map<string, AtWork>();
  readonly #abandon = new AbortController();
  readonly #claims: WakeLoop;
  readonly #tends: WakeLoop;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    // Each run waits on it while the database is away: many are no leak.
    setMaxListeners(0, this.#abandon.signal);
    const failed = (error: unknown): void => this.#report(error);
    const { claims, tending } = options.parts;
    this.#claims = new WakeLoop({ work: () => this.#claimAll(), failed, pulse: claims });
    const tend = () => this.#tend();
    this.#tends = new WakeLoop({ work: tend, gatherMs: TEND_MS, failed, pulse: tending });
  }

  /** Tokens of the leases at work; those whose outcomes were dropped are left to run out. */
  get tokens(): string[] {
    return [...this.#runs].filter(([, { run }]) => !run.gaveUp).map(([token]) => token);
  }

  start(): void {
    this.wake();
  }

  /** Looks for work now. Cheap to call often. */
  wake(): void {
    this.#claims.wake();
    this.#tends.wake();
  }

  /** The lease is somebody else's now: what was not answered yet is dropped. */
  lost(token: string): void {
    this.#runs.get(token)?.run.stop('lost');
  }

  /** Ends all asking; outcomes that are there are written, the rest is given back. */
  async stop(): Promise<void> {
    const giveUp = setTimeout(() => this.#abandon.abort(), this.#options.stopMs);
    await Promise.all([this.#claims.stop(), this.#tends.stop()]);
    for (const { run } of this.#runs.values()) run.stop('stop');
    await Promise.all([...this.#runs.values()].map(({ done }) => done));
    clearTimeout(giveUp);
  }

  get #full(): boolean {
    const { runsMax } = this.#options;
    return this.#fresh().length >= runsMax || this.#runs.size >= runsMax * SLOW_TIMES;
  }

  /** Whether there is a place for an ask, where there is none for anything. */
  get #takesAsks(): boolean {
    return this.#fresh().filter(({ run }) => !run.claim.waitForAway).length < ASKS_MAX;
  }

  #fresh(): AtWork[] {
    return [...this.#runs.values()].filter(({ fresh }) => fresh);
  }

  /** The clock wakes claims; what is due besides them is looked after when they are through. */
  async #claimAll(): Promise<undefined> {
    try {
      while (!this.#claims.stopped && (!this.#full || this.#takesAsks) && (await this.#claim()));
    } finally {
      this.#tends.wake();
    }
  }

  /** False when nothing else is due: what is committed later wakes us. */
  async #claim(): Promise<boolean> {
    const { queue, hubId, claimMax, asker } = this.#options;
    const claim = await queue.claim(hubId(), claimMax, asker.allowedActions(), this.#full);
    if (claim === undefined) return false;
    const run = new Run(claim, { ...this.#options, abandon: this.#abandon.signal });
    const slow = setTimeout(() => this.#leavePlace(claim.token), SLOW_MS);
    const done = run.go().finally(() => {
      clearTimeout(slow);
      this.#ended(claim.token);
    });
    this.#runs.set(claim.token, { run, done, fresh: true });
    return claim.more;
  }

  #leavePlace(token: string): void {
    const wasFull = this.#full;
    const atWork = this.#runs.get(token);
    if (atWork !== undefined) atWork.fresh = false;
    if (wasFull) this.wake();
  }

  /** Only with every place taken may there be work that nobody looked for. */
  #ended(token: string): void {
    const wasFull = this.#full;
    this.#runs.delete(token);
    if (wasFull) this.wake();
    else this.#tends.wake();
  }

  /** Cancels and what is due by the clock. */
  async #tend(): Promise<undefined> {
    const { queue, mayReap, asker } = this.#options;
    for (;;) {
      const { did, cancelled, dueMs } = await queue.tend(
        [...this.#runs.keys()],
        mayReap(),
        asker.allowedActions(),
      );
      for (const token of cancelled) this.#runs.get(token)?.run.stop('cancelled');
      if (did && !this.#tends.stopped) continue;
      // With every place taken the end of a run wakes us, not the clock.
      if (!this.#full) this.#claims.wakeIn(dueMs ?? undefined);
      return;
    }
  }

  #report(error: unknown): void {
    const facts = { error: messageOf(error) };
    if (mayPass(error)) this.#options.log.warn(facts, 'the database is away or held up');
    else this.#options.log.error(facts, 'could not take work from the queue');
  }
}
