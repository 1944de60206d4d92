/** A wait that ends in time: by what is waited for, by its limit, or because nobody wants it any more. */
import { cancelled, QueryError } from './types.ts';

export class Wait {
  /** Never resolves. @throws QueryError `busy` when the time is over, `cancelled` on abort */
  readonly over: Promise<never>;
  readonly signal: AbortSignal | undefined;
  #stop!: () => void;

  /** @param whatFor what is waited for then, for the sentence */
  constructor(
    ms: number,
    { signal, whatFor }: { signal: AbortSignal | undefined; whatFor: () => string },
  ) {
    this.signal = signal;
    this.over = new Promise((_, reject) => {
      const onAbort = (): void => reject(cancelled());
      const timer = setTimeout(
        () => reject(new QueryError('busy', `waited ${ms} ms for ${whatFor()}; ask again later`)),
        ms,
      );
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#stop = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
    });
    this.over.catch(() => this.end());
  }

  /** It is not waited any more. */
  end(): void {
    this.#stop();
  }
}
