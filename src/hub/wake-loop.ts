/**
 * Work that is done when somebody says that there may be some, and when it falls due by the clock: one
 * run at a time, never two, and none is forgotten.
 *
 * | while | a wake |
 * | --- | --- |
 * | nothing runs | begins a run, after `gatherMs` in which others may come: all of them are one run |
 * | a run is under way | begins another one after it: what came meanwhile may have been missed |
 * | it has stopped | does nothing |
 *
 * | a run has failed, and there is `retryMs` | does nothing: the next run is when that time is over |
 *
 * A run says how long until something falls due; the loop wakes itself then. Without `retryMs` a run
 * that failed is made again with the next wake.
 */
import type { Pulse } from './pulse.ts';

export interface WakeLoopOptions {
  /** One run; resolves to the milliseconds until something is due, undefined where only a wake counts. */
  readonly work: () => Promise<number | undefined>;
  /** What a run threw. Must not throw. */
  readonly failed: (error: unknown) => void;
  /** 0 when left out: a run begins within the wake. */
  readonly gatherMs?: number;
  readonly retryMs?: number;
  /** Is told of every run. */
  readonly pulse?: Pulse;
}

/** A due time is never waited for more finely than this, nor longer: clocks are set, rows are changed. */
const WAIT_MS_MIN = 20;
const WAIT_MS_MAX = 3_600_000;

export class WakeLoop {
  readonly #options: WakeLoopOptions;
  #soon: NodeJS.Timeout | undefined;
  #due: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #pausing = false;
  #stopped = false;

  constructor(options: WakeLoopOptions) {
    this.#options = options;
  }

  /** Cheap to call often. */
  wake(): void {
    if (this.#stopped) return;
    if (this.#running !== undefined) this.#again = true;
    else if (this.#soon === undefined && !this.#pausing) this.#begin();
  }

  /** For who knows that what made runs fail is over: waits for nobody. */
  wakeNow(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    if (this.#stopped) return;
    if (this.#running !== undefined) this.#again = true;
    else this.#run();
  }

  /** Wakes after so long instead of when the last run said. */
  wakeIn(ms: number | undefined): void {
    clearTimeout(this.#due);
    if (this.#stopped || ms === undefined) return;
    const wait = Math.min(Math.max(ms, WAIT_MS_MIN), WAIT_MS_MAX);
    this.#due = setTimeout(() => {
      this.#pausing = false;
      this.wake();
    }, wait);
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Begins no more runs; resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#soon);
    clearTimeout(this.#due);
    await this.#running;
  }

  #begin(): void {
    const { gatherMs = 0 } = this.#options;
    if (gatherMs === 0) return this.#run();
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      this.#run();
    }, gatherMs);
  }

  #run(): void {
    this.#again = false;
    this.#pausing = false;
    this.#running = this.#work().finally(() => {
      this.#running = undefined;
      if (this.#again) this.wake();
    });
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    const { pulse } = this.#options;
    pulse?.began();
    try {
      const due = await this.#options.work();
      pulse?.wentWell();
      this.wakeIn(due);
    } catch (error) {
      pulse?.failed(error);
      this.#options.failed(error);
      this.#pausing = this.#options.retryMs !== undefined;
      this.wakeIn(this.#options.retryMs);
    }
  }
}
