import type { NetLog } from './options.ts';

/** Listeners of one kind of event; one that throws disturbs neither the others nor the driver. */
export class Listeners<Event> {
  readonly #listeners = new Set<(event: Event) => void>();
  readonly #log: NetLog;

  constructor(log: NetLog) {
    this.#log = log;
  }

  /** The result takes the listener away again. */
  add(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  emit(event: Event): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        this.#log.error({ err: error }, 'a listener failed');
      }
    }
  }
}
