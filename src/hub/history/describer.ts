/**
 * What hosts will be asked again and again is looked at here first: whether it is one SELECT over tables that
 * there are, and what its columns are. What is wrong with it is then said where it was written, and not by
 * every host.
 */
import type { Asker, Description } from '../../agent/index.ts';
import { isBlocked, isOutage } from '../database/outage.ts';
import { codeOf, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Pulse } from '../pulse.ts';
import type { HistoryStore, Trouble, Undescribed } from './store.ts';

export interface DescriberOptions {
  readonly store: HistoryStore;
  readonly asker: Pick<Asker, 'describe'>;
  readonly log: Log;
  /** Is told which texts it stands still at. */
  readonly pulse: Pulse;
}

/** As many as the database gives at once. */
const GIVEN_MAX = 16;
/** What says nothing of the text. */
const MOMENTARY: ReadonlySet<string> = new Set(['busy', 'cancelled']);

export class Describer {
  readonly #options: DescriberOptions;
  readonly #startedAt = performance.now();
  readonly #failing = new Set<string>();

  constructor(options: DescriberOptions) {
    this.#options = options;
  }

  /** Says of each text that nobody has looked at what it gives. @throws when the database is away */
  async look(): Promise<void> {
    const { store } = this.#options;
    // What another hub refused, or this one before it was started anew with other tables.
    const texts = await store.undescribed(performance.now() - this.#startedAt);
    // Written by another hub since, or gone; of many that wait only some were given.
    const waiting = new Set(texts.map(wordsOf));
    if (texts.length < GIVEN_MAX)
      for (const words of this.#failing) if (!waiting.has(words)) this.#forget(words);
    for (const text of texts) {
      const described = await this.#describe(text.sql);
      // One wait for somebody's lock is enough: hosts are to be asked.
      if (described !== undefined && (await this.#write(text, described)) === 'blocked') return;
    }
  }

  /** One that cannot be written down, e.g. since somebody holds its view, keeps no other waiting, and no host. */
  async #write(text: Undescribed, described: Description | Trouble): Promise<'blocked' | void> {
    const { store, log, pulse } = this.#options;
    const words = wordsOf(text);
    try {
      await store.describe(text, described);
      this.#forget(words);
    } catch (error) {
      if (isOutage(error)) throw error;
      this.#failing.add(words);
      pulse.failed(error, words);
      log.warn({ error: messageOf(error), of: text.of, name: text.name }, 'could not describe it');
      if (isBlocked(error)) return 'blocked';
    }
  }

  #forget(words: string): void {
    this.#failing.delete(words);
    this.#options.pulse.forget(words);
  }

  async #describe(sql: string): Promise<Description | Trouble | undefined> {
    try {
      return await this.#options.asker.describe(sql);
    } catch (error) {
      return MOMENTARY.has(codeOf(error)) ? undefined : { trouble: messageOf(error) };
    }
  }
}

function wordsOf({ of, name }: Undescribed): string {
  return `the ${of} ${name}`;
}
