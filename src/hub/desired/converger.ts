/**
 * Brings desired state about: a pass over each row that is due, when a hub is woken and when the clock says
 * so. All that is known lies in the database; any number of hubs may do this, and one that dies has done
 * nothing or all of a pass.
 */
import { messageOf } from '../errors.ts';
import { isOutage, mayPass } from '../database/outage.ts';
import type { Log } from '../log.ts';
import type { Pulse } from '../pulse.ts';
import { WakeLoop } from '../wake-loop.ts';
import type { DesiredStore } from './desired-store.ts';

/** Most wakes are for requests: looking waits so long, and is done once for all of them. */
const GATHER_MS = 20;
const RETRY_MS = 1_000;
/** Longest a pass may take, the view of its check included. */
const PASS_MS = 15_000;

export class Converger {
  readonly #store: DesiredStore;
  readonly #log: Log;
  readonly #passes: WakeLoop;

  constructor(store: DesiredStore, log: Log, pulse?: Pulse) {
    this.#store = store;
    this.#log = log;
    this.#passes = new WakeLoop({
      work: () => this.#lookAround(),
      failed: (error) => this.#report(error),
      gatherMs: GATHER_MS,
      retryMs: RETRY_MS,
      ...(pulse && { pulse }),
    });
  }

  start(): void {
    this.wake();
  }

  /** Looks soon which rows are due. Cheap to call often. */
  wake(): void {
    this.#passes.wake();
  }

  stop(): Promise<void> {
    return this.#passes.stop();
  }

  async #lookAround(): Promise<number | undefined> {
    for (const id of await this.#store.due()) {
      if (this.#passes.stopped) return undefined;
      await this.#pass(id);
    }
    return this.#store.nextMs();
  }

  /** A row whose pass fails keeps no other from its own. @throws where the database is away */
  async #pass(id: string): Promise<void> {
    try {
      await this.#store.converge(id, PASS_MS);
    } catch (error) {
      if (isOutage(error)) throw error;
      this.#log.warn({ desired: id, error: messageOf(error) }, 'a pass over desired state failed');
      await this.#store.putOff(id, messageOf(error));
    }
  }

  #report(error: unknown): void {
    const say = mayPass(error) ? 'warn' : 'error';
    this.#log[say]({ error: messageOf(error) }, 'could not look after desired state');
  }
}
