/** The events of one request as an async iterable that ends with its account. */
import type { CoreEvent, RequestId } from '../swarm/types.ts';
import type { NetError } from './errors.ts';

export type RequestEvent = Extract<CoreEvent, { kind: 'answer' | 'account' }>;

/**
 * Holds what the consumer has not taken yet; the core bounds it (each expected host answers once,
 * with at most 4 MiB). Leaving the loop early calls `onLeave`, which cancels.
 */
export class RequestStream implements AsyncIterable<RequestEvent>, AsyncIterator<RequestEvent> {
  /** As every host's log has it: 32 hex digits. */
  id: RequestId = '';
  readonly #onLeave: () => void;
  readonly #onEnd: () => void;
  readonly #ready: RequestEvent[] = [];
  #ended = false;
  #failure: NetError | undefined;
  #wake: (() => void) | undefined;

  /** `onEnd` is called once when nothing more can come. */
  constructor(onLeave: () => void, onEnd: () => void) {
    this.#onLeave = onLeave;
    this.#onEnd = onEnd;
  }

  push(event: RequestEvent): void {
    if (this.#ended) return;
    this.#ready.push(event);
    if (event.kind === 'account') this.#end();
    this.#wake?.();
  }

  fail(error: NetError): void {
    this.#failure = error;
    this.#end();
    this.#wake?.();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<RequestEvent, undefined>> {
    while (this.#ready.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const value = this.#ready.shift();
    if (value !== undefined) return { done: false, value };
    if (this.#failure !== undefined) throw this.#failure;
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<RequestEvent, undefined>> {
    if (!this.#ended) this.#onLeave();
    this.#end();
    this.#ready.length = 0;
    return Promise.resolve({ done: true, value: undefined });
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
  }
}
