/**
 * What hosts will be asked again and again is looked at here first: whether it is one SELECT over tables that
 * there are, and what its columns are. What is wrong with it is then said where it was written, and not by
 * every host.
 */
import type { Asker, Description } from '../../agent/index.ts';
import { codeOf, messageOf } from '../errors.ts';
import type { HistoryStore, Trouble } from './store.ts';

export interface DescriberOptions {
  readonly store: HistoryStore;
  readonly asker: Pick<Asker, 'describe'>;
}

/** What says nothing of the text. */
const MOMENTARY: ReadonlySet<string> = new Set(['busy', 'cancelled']);

export class Describer {
  readonly #options: DescriberOptions;
  readonly #startedAt = performance.now();

  constructor(options: DescriberOptions) {
    this.#options = options;
  }

  /** Says of each text that nobody has looked at what it gives. @throws the error of pg */
  async look(): Promise<void> {
    const { store } = this.#options;
    // What another hub refused, or this one before it was started anew with other tables.
    for (const text of await store.undescribed(performance.now() - this.#startedAt)) {
      const described = await this.#describe(text.sql);
      if (described !== undefined) await store.describe(text, described);
    }
  }

  async #describe(sql: string): Promise<Description | Trouble | undefined> {
    try {
      return await this.#options.asker.describe(sql);
    } catch (error) {
      return MOMENTARY.has(codeOf(error)) ? undefined : { trouble: messageOf(error) };
    }
  }
}
