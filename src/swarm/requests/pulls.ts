/**
 * Requests that cannot be taken yet: the body of a large one is pulled from where its hash came
 * from, and one of an unknown origin waits for the origin's member record.
 */
import { fromHex } from '../../wire/index.ts';
import type { RequestBody, RequestMessage } from '../../wire/index.ts';
import type { NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import type { Links } from '../links/links.ts';
import type { LinkId } from '../types.ts';

const PULLS_MAX = 256;
const STASH_MAX = 64;
const SOURCES_MAX = 8;
/** Another source is asked after this. */
const PULL_MS = 2_000;

interface Pull {
  readonly id: Uint8Array;
  readonly origin: Uint8Array;
  /** Links that have it, the next to be asked first. */
  readonly sources: LinkId[];
  readonly endsAt: number;
}

interface Stashed {
  readonly origin: NodeId;
  readonly link: LinkId;
  readonly message: RequestMessage;
  readonly endsAt: number;
}

export class Pulls {
  #context: Context;
  #links: Links;
  #pulls = new Map<string, Pull>();
  #stash = new Map<string, Stashed>();

  constructor(context: Context, links: Links) {
    this.#context = context;
    this.#links = links;
  }

  get size(): number {
    return this.#pulls.size + this.#stash.size;
  }

  /** Asks the link for the body, or notes it as another place to ask. */
  want(key: string, body: RequestBody, link: LinkId, message: RequestMessage): void {
    const known = this.#pulls.get(key);
    if (known !== undefined) {
      if (known.sources.length < SOURCES_MAX) known.sources.push(link);
      return;
    }
    if (this.#pulls.size >= PULLS_MAX) return;
    const endsAt = this.#context.now.mono + message.ms;
    this.#pulls.set(key, { id: body.id, origin: body.origin, sources: [link], endsAt });
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
    if (this.#pulls.delete(key)) this.#context.timers.clear('pull', key);
  }

  /** Keeps a request until its origin is known, and asks the link for the origin's record. */
  stash(key: string, origin: NodeId, link: LinkId, message: RequestMessage): void {
    if (this.#stash.has(key) || this.#stash.size >= STASH_MAX) return;
    const endsAt = this.#context.now.mono + message.ms;
    this.#stash.set(key, { origin, link, message, endsAt });
    const from = this.#links.get(link);
    if (from !== undefined) this.#links.send(from, { t: 'want', nodes: [fromHex(origin)] });
  }

  unstash(origin: NodeId): Stashed[] {
    if (this.#stash.size === 0) return [];
    const found = [...this.#stash].filter(([, stashed]) => stashed.origin === origin);
    for (const [key] of found) this.#stash.delete(key);
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
    for (const [key, stashed] of this.#stash) if (stashed.endsAt <= mono) this.#stash.delete(key);
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
