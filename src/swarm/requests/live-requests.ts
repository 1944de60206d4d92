/**
 * Requests that are under way, bounded in number and bytes, a share for each origin. Where one's share
 * is full it loses its oldest one, which is most likely over: nobody is told when all have answered. It
 * is still in the replay cache, so it is not run again, only not passed on any more.
 */
import type { NodeId } from '../../secure/types.ts';
import { Shares, type Sharers } from '../engine/shares.ts';
import type { Request } from './request.ts';

const LIVE_MAX = 4_096;
const LIVE_BYTES_MAX = 32 * 1024 * 1024;
/** Of one origin, whatever its share is. */
const ORIGIN_MAX = 512;

export class LiveRequests {
  readonly #self: NodeId;
  readonly #byKey = new Map<string, Request>();
  /** The oldest first. */
  readonly #byOrigin = new Map<NodeId, Set<Request>>();
  readonly #count: Shares;
  readonly #bytes: Shares;
  #size = 0;

  constructor(self: NodeId, sharers: Sharers) {
    this.#self = self;
    this.#count = new Shares(LIVE_MAX, sharers);
    this.#bytes = new Shares(LIVE_BYTES_MAX, sharers);
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Bytes, own ones too. */
  get bytes(): number {
    return this.#size;
  }

  get(key: string): Request | undefined {
    return this.#byKey.get(key);
  }

  all(): Iterable<Request> {
    return this.#byKey.values();
  }

  of(origin: NodeId): readonly Request[] {
    return [...(this.#byOrigin.get(origin) ?? [])];
  }

  /** @returns what is full, where an older one of its origin had to go for it */
  add(request: Request): 'live' | 'bodies' | undefined {
    const full = request.origin === this.#self ? undefined : this.#makeRoom(request);
    const requests = this.#byOrigin.get(request.origin) ?? new Set();
    this.#byOrigin.set(request.origin, requests.add(request));
    this.#byKey.set(request.key, request);
    this.#size += sizeOf(request);
    if (request.origin === this.#self) return undefined;
    this.#count.take(request.origin);
    this.#bytes.take(request.origin, sizeOf(request));
    return full;
  }

  delete(request: Request): void {
    if (!this.#byKey.delete(request.key)) return;
    const { origin } = request;
    const requests = this.#byOrigin.get(origin)!;
    requests.delete(request);
    if (requests.size === 0) this.#byOrigin.delete(origin);
    this.#size -= sizeOf(request);
    if (origin === this.#self) return;
    this.#count.give(origin);
    this.#bytes.give(origin, sizeOf(request));
  }

  /** An older one goes: of this origin where its own share is full, else of who takes most. */
  #makeRoom(request: Request): 'live' | 'bodies' | undefined {
    const { origin } = request;
    const size = sizeOf(request);
    let full: 'live' | 'bodies' | undefined;
    for (;;) {
      const [used, bytes] = [this.#count.used(origin), this.#bytes.used(origin)];
      const tooMany = used >= Math.min(ORIGIN_MAX, this.#count.most(origin));
      const tooLarge = bytes + size > this.#bytes.most(origin);
      if (!tooMany && !tooLarge && this.#count.fits(origin) && this.#bytes.fits(origin, size))
        return full;
      if (tooMany || tooLarge) full = tooMany ? 'live' : 'bodies';
      const isOwn = (tooMany || tooLarge) && used > 0;
      const oldest = this.#oldestOf(isOwn ? origin : this.#largest());
      if (oldest === undefined) return full;
      this.delete(oldest);
    }
  }

  #oldestOf(origin: NodeId | undefined): Request | undefined {
    for (const oldest of this.#byOrigin.get(origin ?? '') ?? []) return oldest;
    return undefined;
  }

  #largest(): NodeId | undefined {
    const others = [...this.#byOrigin.keys()].filter((origin) => origin !== this.#self);
    const bytes = (origin: NodeId): number => this.#bytes.used(origin);
    return others.reduce<NodeId | undefined>(
      (most, one) => (most === undefined || bytes(one) > bytes(most) ? one : most),
      undefined,
    );
  }
}

function sizeOf(request: Request): number {
  return request.signed.bytes.length + request.body.length;
}
