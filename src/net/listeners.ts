import type { NetLog } from './options.ts';

/** Listeners of one kind of event; one that throws disturbs neither the others nor the driver. */
export class Listeners<Event> {
  readonly #listeners = new Set<(event: Event) => void>();
  readonly #log: NetLog;
  /** Kept for the first listener; undefined when nothing is kept, or any more. */
  #early: Event[] | undefined;

  /** `keepsEarly`: the first listener hears what happened before it came, too. */
  constructor(log: NetLog, keepsEarly = false) {
    this.#log = log;
    if (keepsEarly) this.#early = [];
  }

  /** The result takes the listener away again. */
  add(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const event of early) this.emit(event);
    return () => void this.#listeners.delete(listener);
  }

  emit(event: Event): void {
    if (this.#early !== undefined && this.#early.length < EARLY_MAX) this.#early.push(event);
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        this.#log.error({ err: error }, 'a listener failed');
      }
    }
  }
}

const EARLY_MAX = 1_000;
