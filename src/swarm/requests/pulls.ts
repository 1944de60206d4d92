/**
 * Requests that cannot be taken yet: the body of a large one is pulled from where its hash came
 * from, and one of an unknown origin waits for the origin's member record. Both are charged to the
 * member whose link told of them first, which loses its oldest where its share is full.
 */
import { fromHex } from '../../wire/index.ts';
import type { RequestBody, RequestMessage } from '../../wire/index.ts';
import type { NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import { Shares, type Sharers } from '../engine/shares.ts';
import type { Link, Links } from '../links/links.ts';
import type { LinkId } from '../types.ts';

const PULLS_MAX = 256;
const STASH_MAX = 256;
const SOURCES_MAX = 8;
/** Another source is asked after this. */
const PULL_MS = 2_000;

interface Pull {
  readonly id: Uint8Array;
  readonly origin: Uint8Array;
  /** Links that have it, the next to be asked first. */
  readonly sources: LinkId[];
  /** Who told of it first. */
  readonly by: NodeId;
  readonly endsAt: number;
}

interface Stashed {
  readonly origin: NodeId;
  readonly link: LinkId;
  readonly by: NodeId;
  readonly message: RequestMessage;
  readonly endsAt: number;
}

export class Pulls {
  #context: Context;
  #links: Links;
  #pulls = new Map<string, Pull>();
  #stash = new Map<string, Stashed>();
  #pullShares: Shares;
  #stashShares: Shares;
  #onFull: (book: 'pulls' | 'aside', by: NodeId) => void;

  constructor(
    context: Context,
    links: Links,
    sharers: Sharers,
    onFull: (book: 'pulls' | 'aside', by: NodeId) => void,
  ) {
    this.#context = context;
    this.#links = links;
    this.#pullShares = new Shares(PULLS_MAX, sharers);
    this.#stashShares = new Shares(STASH_MAX, sharers);
    this.#onFull = onFull;
  }

  get size(): number {
    return this.#pulls.size + this.#stash.size;
  }

  /** Asks the link for the body, or notes it as another place to ask. */
  want(key: string, body: RequestBody, link: Link, message: RequestMessage): void {
    const known = this.#pulls.get(key);
    if (known !== undefined) {
      if (known.sources.length < SOURCES_MAX) known.sources.push(link.id);
      return;
    }
    const by = link.nodeId;
    if (!this.#pullShares.fits(by)) {
      this.#onFull('pulls', by);
      const oldest = [...this.#pulls].find(([, pull]) => pull.by === by);
      if (oldest === undefined) return;
      this.delete(oldest[0]);
    }
    const endsAt = this.#context.now.mono + message.ms;
    this.#pulls.set(key, { id: body.id, origin: body.origin, sources: [link.id], by, endsAt });
    this.#pullShares.take(by);
    this.handleTimer(key);
  }

  /** Asks the next source. */
  handleTimer(key: string): void {
    const pull = this.#pulls.get(key);
    if (pull === undefined) return;
    const link = this.#nextSource(pull);
    if (link === undefined || pull.endsAt <= this.#context.now.mono) return this.delete(key);
    this.#links.send(link, { t: 'pull', id: pull.id, origin: pull.origin });
    this.#context.timers.set('pull', key, this.#context.now.mono + PULL_MS);
  }

  delete(key: string): void {
    const pull = this.#pulls.get(key);
    if (pull === undefined) return;
    this.#pulls.delete(key);
    this.#pullShares.give(pull.by);
    this.#context.timers.clear('pull', key);
  }

  /** Keeps a request until its origin is known, and asks the link for the origin's record. */
  stash(key: string, origin: NodeId, link: Link, message: RequestMessage): void {
    if (this.#stash.has(key)) return;
    const by = link.nodeId;
    if (!this.#stashShares.fits(by)) {
      this.#onFull('aside', by);
      const oldest = [...this.#stash].find(([, stashed]) => stashed.by === by);
      if (oldest === undefined) return;
      this.#unstash(oldest[0], by);
    }
    const endsAt = this.#context.now.mono + message.ms;
    // Nobody has checked it: its body is fetched when it has been.
    const { t, signed, hops, ms } = message;
    const head = { t, signed, hops, ms };
    this.#stash.set(key, { origin, link: link.id, by, message: head, endsAt });
    this.#stashShares.take(by);
    this.#links.send(link, { t: 'want', node: fromHex(origin) });
  }

  unstash(origin: NodeId): Stashed[] {
    if (this.#stash.size === 0) return [];
    const found = [...this.#stash].filter(([, stashed]) => stashed.origin === origin);
    for (const [key, { by }] of found) this.#unstash(key, by);
    return found.map(([, stashed]) => ({
      ...stashed,
      message: {
        ...stashed.message,
        ms: Math.max(0, Math.floor(stashed.endsAt - this.#context.now.mono)),
      },
    }));
  }

  sweep(): void {
    const { mono } = this.#context.now;
    for (const [key, pull] of this.#pulls) if (pull.endsAt <= mono) this.delete(key);
    for (const [key, { endsAt, by }] of this.#stash) if (endsAt <= mono) this.#unstash(key, by);
  }

  #unstash(key: string, by: NodeId): void {
    if (this.#stash.delete(key)) this.#stashShares.give(by);
  }

  #nextSource(pull: Pull): ReturnType<Links['get']> {
    while (pull.sources.length > 0) {
      const id = pull.sources.shift()!;
      const link = this.#links.get(id);
      if (link === undefined) continue;
      pull.sources.push(id);
      return link;
    }
    return undefined;
  }
}
