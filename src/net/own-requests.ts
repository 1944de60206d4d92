/** Requests of this node that are under way, each with the stream that its events go to. */
import type { CoreEvent, RequestSpec } from '../swarm/types.ts';
import type { Driver } from './driver.ts';
import type { NetError } from './errors.ts';
import { RequestStream } from './request-stream.ts';

export class OwnRequests {
  readonly #driver: Driver;
  readonly #streams = new Map<string, RequestStream>();

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  /** Asks at once; `signal` withdraws, and so does leaving the stream early. */
  start(spec: RequestSpec, signal?: AbortSignal): RequestStream {
    const cancel = (): void => this.#driver.step((core, now) => core.cancelRequest(now, id));
    const stream = new RequestStream(cancel, () => signal?.removeEventListener('abort', cancel));
    const id = this.#driver.step((core, now) => {
      const started = core.startRequest(now, spec);
      stream.id = started;
      this.#streams.set(started, stream);
      return started;
    });
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    return stream;
  }

  handle(event: Extract<CoreEvent, { kind: 'answer' | 'account' }>): void {
    this.#streams.get(event.requestId)?.push(event);
    if (event.kind === 'account') this.#streams.delete(event.requestId);
  }

  failAll(reason: NetError): void {
    for (const stream of this.#streams.values()) stream.fail(reason);
    this.#streams.clear();
  }
}
