/** Where strangers wait for their J-PAKE run: the budget and the failure counters with real time. */
import type { Source } from '../wire/index.ts';
import { AdmissionBudget } from './admission-budget.ts';
import { AdmissionFailures, type FailureVerdict } from './admission-failures.ts';
import { NetError } from './errors.ts';
import type { NetTuning } from './tuning.ts';

interface Ticket {
  start(): void;
  refuse(): void;
}

export class AdmissionLane {
  readonly #budget: AdmissionBudget<Ticket>;
  readonly #failures: AdmissionFailures;
  readonly #mono: () => number;
  #timer: NodeJS.Timeout | undefined;
  #refused = 0;

  constructor(tuning: Pick<NetTuning, 'admission' | 'failures'>, mono: () => number) {
    this.#mono = mono;
    this.#budget = new AdmissionBudget(tuning.admission, mono());
    this.#failures = new AdmissionFailures(tuning.failures, mono());
  }

  get queued(): number {
    return this.#budget.queued;
  }

  /** Turned away since the start. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * Resolves when a run may start. `left` aborts when the connection is gone.
   * @throws NetError `busy` at once when there is no room, or after too many failures
   */
  async enter(source: Source, left: AbortSignal): Promise<void> {
    const delayMs = this.#failures.delayMs(this.#mono(), source);
    if (delayMs > 0) {
      this.#refused++;
      const message = `too many failed joins from ${source.address}, wait ${Math.ceil(delayMs)} ms`;
      throw new NetError('busy', message);
    }
    await new Promise<void>((resolve, reject) => {
      const refuse = (): void => {
        this.#refused++;
        reject(new NetError('busy', `the queue for joining is full (${this.queued} wait)`));
      };
      const ticket = { start: resolve, refuse };
      const gone = (): void => {
        this.#budget.withdraw(ticket);
        reject(new NetError('closed', 'the connection ended in the queue'));
      };
      left.addEventListener('abort', gone, { once: true });
      this.#budget.offer(ticket, source)?.refuse();
      this.#serve();
    });
  }

  /** `slow`: whoever failed had the join key. */
  recordFailure(source: Source, slow: boolean): FailureVerdict {
    return this.#failures.record(this.#mono(), source, slow);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #serve(): void {
    clearTimeout(this.#timer);
    const mono = this.#mono();
    for (let next = this.#budget.next(mono); next; next = this.#budget.next(mono)) {
      next.start();
    }
    const waitMs = this.#budget.waitMs(mono);
    if (waitMs !== undefined) this.#timer = setTimeout(() => this.#serve(), Math.ceil(waitMs));
  }
}
