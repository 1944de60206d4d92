/**
 * Requests that are under way, bounded in number and bytes. Where there is no room the origin that
 * takes most of it loses its oldest one, which is most likely over: nobody is told when all have
 * answered. It is still in the replay cache, so it is not run again, only not passed on any more.
 */
import type { NodeId } from '../../secure/types.ts';
import type { Request } from './requests.ts';

const LIVE_MAX = 4096;
const LIVE_BYTES_MAX = 32 * 1024 * 1024;
/** The same of one origin. */
const ORIGIN_MAX = 512;
const ORIGIN_BYTES_MAX = 8 * 1024 * 1024;

/** The requests of one origin, the oldest first. */
interface Share {
  readonly requests: Set<Request>;
  bytes: number;
}

export class LiveRequests {
  readonly #byKey = new Map<string, Request>();
  readonly #shares = new Map<NodeId, Share>();
  #bytes = 0;

  get size(): number {
    return this.#byKey.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): Request | undefined {
    return this.#byKey.get(key);
  }

  all(): Iterable<Request> {
    return this.#byKey.values();
  }

  add(request: Request): void {
    this.#makeRoom(request);
    const share = this.#shares.get(request.origin) ?? { requests: new Set(), bytes: 0 };
    this.#shares.set(request.origin, share);
    this.#byKey.set(request.key, request);
    share.requests.add(request);
    share.bytes += sizeOf(request);
    this.#bytes += sizeOf(request);
  }

  delete(request: Request): void {
    if (!this.#byKey.delete(request.key)) return;
    const share = this.#shares.get(request.origin)!;
    share.requests.delete(request);
    share.bytes -= sizeOf(request);
    this.#bytes -= sizeOf(request);
    if (share.requests.size === 0) this.#shares.delete(request.origin);
  }

  #makeRoom(request: Request): void {
    const size = sizeOf(request);
    const own = (): Share | undefined => this.#shares.get(request.origin);
    while ((own()?.requests.size ?? 0) >= ORIGIN_MAX) this.#dropOldest(own()!);
    while ((own()?.bytes ?? 0) + size > ORIGIN_BYTES_MAX) this.#dropOldest(own()!);
    while (this.size >= LIVE_MAX || this.#bytes + size > LIVE_BYTES_MAX) {
      this.#dropOldest([...this.#shares.values()].reduce((a, b) => (b.bytes > a.bytes ? b : a)));
    }
  }

  #dropOldest({ requests }: Share): void {
    for (const oldest of requests) return this.delete(oldest);
  }
}

function sizeOf(request: Request): number {
  return request.signed.bytes.length + request.body.length;
}
