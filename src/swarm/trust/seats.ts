/**
 * Seats (docs/protocol.md section 3): the nodes that each token has brought. A seat is on the disk
 * before anything of its node is taken up, and stays until the epoch ends, so that leaving frees none.
 */
import {
  concat,
  fromHex,
  pack,
  PREFIX_BYTES,
  prefixOfNode,
  toHex,
  unpack,
} from '../../wire/index.ts';
import type { NodeId, TokenRecord } from '../../secure/types.ts';
import type { KeptSeats } from '../types.ts';
import type { Context } from '../engine/context.ts';

/** Key of the persist effect. */
export const SEATS_KEY = 'seats';

export interface SeatsHandlers {
  /** Seats that were waited for are on the disk. */
  saved(): void;
  /** More nodes than a token may bring were seen. */
  overused(token: TokenRecord): void;
}

export class Seats {
  #context: Context;
  #handlers: SeatsHandlers;
  #taken = new Map<string, Set<string>>();
  #saving = new Set<string>();
  #wanted = new Set<string>();
  /** Taken in this run, and not told of yet. */
  #new = new Set<string>();
  /** Seats at which people were told that a token brought too many, by tag. */
  #told = new Map<string, number>();
  #isWriting = false;
  #version = 0;
  /** Kept for those that were let in here and whose record is on its way; until when, by `mono`. */
  #reserved = new Map<string, number>();

  constructor(context: Context, handlers: SeatsHandlers) {
    this.#context = context;
    this.#handlers = handlers;
  }

  /** Another number after each seat that was taken or let go. */
  get version(): number {
    return this.#version;
  }

  restore(kept: KeptSeats): void {
    this.#version++;
    for (const [tag, prefixes] of kept) this.#taken.set(tag, new Set(prefixes));
  }

  count(tag: string): number {
    return this.#taken.get(tag)?.size ?? 0;
  }

  /** Prefixes of the nodes that a token has brought, in the order in which they were seen here. */
  of(tag: string): readonly string[] {
    return [...(this.#taken.get(tag) ?? [])];
  }

  /** By the prefix of its node. */
  holds(tag: string, prefix: string): boolean {
    return this.#taken.get(tag)?.has(prefix) ?? false;
  }

  /** More were refused here than may be: other hosts may have taken up other ones. */
  isFull(token: TokenRecord): boolean {
    return this.count(token.tag) >= mostOf(token);
  }

  isOverused(token: TokenRecord): boolean {
    return this.count(token.tag) > token.uses;
  }

  /** `full` beyond what every host takes up: the slack is for two sides of a cut. */
  take(token: TokenRecord, nodeId: NodeId): 'taken' | 'saving' | 'full' {
    const prefix = prefixOfNode(nodeId);
    const taken = this.#taken.get(token.tag) ?? new Set();
    const key = keyOf(token.tag, prefix);
    if (taken.has(prefix)) return this.#isSaved(key) ? 'taken' : 'saving';
    if (taken.size >= mostOf(token)) {
      this.#tellOverused(token);
      return 'full';
    }
    taken.add(prefix);
    this.#version++;
    this.#taken.set(token.tag, taken);
    this.#reserved.delete(key);
    this.#wanted.add(key);
    this.#new.add(key);
    if (taken.size > token.uses) this.#tellOverused(token);
    this.#save();
    return 'saving';
  }

  /** True once for each seat that was taken in this run. */
  isNew(tag: string, nodeId: NodeId): boolean {
    return this.#new.delete(keyOf(tag, prefixOfNode(nodeId)));
  }

  /** What one who lets in counts; false when the token has brought all that it may. */
  reserve(token: TokenRecord, nodeId: NodeId): boolean {
    const prefix = prefixOfNode(nodeId);
    if (this.#taken.get(token.tag)?.has(prefix)) return true;
    if (!this.hasFree(token)) return false;
    this.#reserved.set(keyOf(token.tag, prefix), this.#context.now.mono + RESERVED_MS);
    return true;
  }

  hasFree(token: TokenRecord): boolean {
    const { mono } = this.#context.now;
    let reserved = 0;
    for (const [key, until] of this.#reserved) {
      if (until <= mono) this.#reserved.delete(key);
      else if (key.startsWith(token.tag)) reserved++;
    }
    return this.count(token.tag) + reserved < token.uses;
  }

  /** Seats of tokens that are no more. */
  forget(isKnown: (tag: string) => boolean): void {
    this.#version++;
    for (const tag of this.#taken.keys()) if (!isKnown(tag)) this.#taken.delete(tag);
    for (const tag of this.#told.keys()) if (!isKnown(tag)) this.#told.delete(tag);
    for (const key of this.#new) if (!isKnown(key.split(' ')[0]!)) this.#new.delete(key);
  }

  /** Once for each number of seats: who has the token's text can try as often as it likes. */
  #tellOverused(token: TokenRecord): void {
    const count = this.count(token.tag);
    if (this.#told.get(token.tag) === count) return;
    this.#told.set(token.tag, count);
    this.#handlers.overused(token);
  }

  /** Kept or not: a disk that is full shall not keep hosts out. */
  #saved(): void {
    this.#isWriting = false;
    this.#saving.clear();
    this.#save();
    this.#handlers.saved();
  }

  #isSaved(key: string): boolean {
    return !this.#wanted.has(key) && !this.#saving.has(key);
  }

  #save(): void {
    if (this.#isWriting || this.#wanted.size === 0) return;
    [this.#saving, this.#wanted] = [this.#wanted, new Set()];
    this.#isWriting = true;
    const value = [...this.#taken].map(([tag, seats]) => [
      fromHex(tag),
      concat(...[...seats].map(fromHex)),
    ]);
    const done = () => this.#saved();
    const what = 'the seats of join tokens';
    this.#context.persist({ key: SEATS_KEY, what, bytes: pack(value), done });
  }
}

/** What the persist effect kept; nothing where it cannot be read. */
export function unpackSeats(bytes: Uint8Array): KeptSeats {
  try {
    const value = unpack(bytes);
    if (!Array.isArray(value)) return new Map();
    return new Map(
      (value as [Uint8Array, Uint8Array][]).map(([tag, seats]) => [
        toHex(tag),
        Array.from({ length: seats.length / PREFIX_BYTES }, (_, at) =>
          toHex(seats.subarray(at * PREFIX_BYTES, (at + 1) * PREFIX_BYTES)),
        ),
      ]),
    );
  } catch {
    return new Map();
  }
}

/** What every host takes up of one token. */
export function mostOf({ uses }: Pick<TokenRecord, 'uses'>): number {
  return uses + Math.min(uses, SLACK_MAX);
}

function keyOf(tag: string, prefix: string): string {
  return `${tag} ${prefix}`;
}

const SLACK_MAX = 16;
const RESERVED_MS = 60_000;
