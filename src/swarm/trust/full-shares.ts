/**
 * Whose share of what is full: an alarm that names the member and the link over which it came. Neither
 * is accused by that: a member may just ask much, and a relay may have held back what is not its own.
 */
import type { NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import type { Members } from '../members/members.ts';

/** What is shared, in words. */
export const BOOKS = {
  replay: 'requests remembered against repeating',
  rate: 'requests in a second',
  live: 'requests under way',
  bodies: 'bytes of requests under way',
  cancels: 'withdrawals of requests that never came',
  pulls: 'requests whose body is fetched',
  aside: 'requests of members not known yet',
  replies: 'bytes of answers kept for it',
  opening: 'bytes of answers that it has begun',
  records: 'news of itself in a minute',
  link: 'work done for its link',
} as const;
export type Book = keyof typeof BOOKS;

/**
 * Work, in signatures, for what its origin itself sent beyond its share: most is not even checked; of a
 * large body there is the hash, of a request for this host a refusal that is signed and sealed. Over
 * others nothing: they could not know what this host has of that origin.
 */
const WASTED: Readonly<Record<Book, number>> = {
  replay: 4,
  rate: 1,
  live: 1,
  bodies: 4,
  cancels: 1,
  pulls: 1,
  aside: 1,
  replies: 0,
  opening: 1,
  records: 1,
  link: 0,
};

/** It is not told again sooner. */
const TOLD_MS = 60_000;
/** It is over when it did not happen for so long. */
const OVER_MS = 5 * 60_000;

export class FullShares {
  #context: Context;
  #members: Members;
  #seen = new Map<string, { at: number; toldAt: number; count: number }>();

  constructor(context: Context, members: Members) {
    this.#context = context;
    this.#members = members;
  }

  /** How many are known to be full. */
  get size(): number {
    return this.#seen.size;
  }

  /** Why something of `owner` is not taken, for people. */
  reason(book: Book, owner: NodeId): string {
    return `the share of ${this.#nameOf(owner)} of ${BOOKS[book]} at this host is full: ask again later`;
  }

  /** `over`: who sent what had no room; none where that does not matter. */
  note(book: Book, owner: NodeId, over?: NodeId): void {
    const { mono } = this.#context.now;
    if (over === undefined || over === owner) this.#context.wasted += WASTED[book];
    const key = `${owner} ${book}`;
    const seen = this.#seen.get(key) ?? { at: mono, toldAt: -Infinity, count: 0 };
    this.#seen.set(key, seen);
    seen.at = mono;
    seen.count++;
    if (seen.toldAt + TOLD_MS > mono) return;
    seen.toldAt = mono;
    const way = over === undefined ? '' : `; it came over ${this.#nameOf(over)}`;
    this.#context.alarm(
      'share_full',
      key,
      `${this.#nameOf(owner)} has filled its share of ${BOOKS[book]} at this host${way}: what is beyond it is refused, others are not touched; if it should not ask so much, look at it, and put it out with \`swarmplane secret rotate --expel\``,
      owner,
    );
  }

  /** By the alarm's key. */
  isFull(key: string): boolean {
    return this.#seen.has(key);
  }

  sweep(): void {
    const { mono } = this.#context.now;
    for (const [key, { at }] of this.#seen) {
      const isMember = this.#members.get(key.slice(0, key.indexOf(' '))) !== undefined;
      if (at + OVER_MS <= mono || !isMember) this.#seen.delete(key);
    }
  }

  #nameOf(node: NodeId): string {
    const name = this.#members.get(node)?.record.body.name;
    return name === undefined ? node.slice(0, 12) : `"${name}" (${node.slice(0, 12)})`;
  }
}
