/**
 * TOKENs (docs/protocol.md section 3): of each tag the newest version, for the present epoch and for
 * those above it that were heard of. Two neighbours that hold others show each other what they hold.
 */
import {
  concat,
  equalBytes,
  fromHex,
  toHex,
  TOKEN_ENTRY_BYTES,
  TOKENS_MAX,
} from '../../wire/index.ts';
import type { TokensMessage } from '../../wire/index.ts';
import type { EpochId, TokenRecord } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import type { Links } from '../links/links.ts';
import type { LinkId } from '../types.ts';

export class Tokens {
  #context: Context;
  #links: Links;
  #held = new Map<string, TokenRecord>();
  #version = 0;

  constructor(context: Context, links: Links) {
    this.#context = context;
    this.#links = links;
  }

  /** Another number after each change. */
  get version(): number {
    return this.#version;
  }

  get(tag: string): TokenRecord | undefined {
    return this.#held.get(tag);
  }

  /** By tag. */
  all(): readonly TokenRecord[] {
    return [...this.#held.values()].sort(byTag);
  }

  of(epoch: EpochId): readonly TokenRecord[] {
    return this.all().filter((token) => token.epochId === epoch);
  }

  /** True when it was news. Tokens of epochs below the present one admit nobody. */
  take(token: TokenRecord, entered: EpochId): boolean {
    if (token.epochId < entered) return false;
    const known = this.#held.get(token.tag);
    if (known !== undefined && !this.#follows(token, known)) return false;
    this.#held.set(token.tag, token);
    this.#version++;
    const siblings = this.of(token.epochId);
    if (siblings.length > TOKENS_MAX) this.#held.delete(siblings.at(-1)!.tag);
    return this.#held.get(token.tag) === token;
  }

  /** This host is in this epoch now: what admitted to lower ones is void. */
  enter(entered: EpochId): void {
    this.#version++;
    for (const [tag, token] of this.#held) if (token.epochId < entered) this.#held.delete(tag);
  }

  /** Those of a key of the operator that does not count any more. */
  drop(isGone: (token: TokenRecord) => boolean): void {
    this.#version++;
    for (const [tag, token] of this.#held) if (isGone(token)) this.#held.delete(tag);
  }

  /** For `holds`; empty without any. */
  hash(epoch: EpochId): Uint8Array {
    const entries = this.#entries(epoch);
    return entries.length === 0 ? entries : this.#context.crypto.sha256(entries).subarray(0, 8);
  }

  tell(link: LinkId, epoch: EpochId, back: boolean): void {
    const entries = this.#entries(epoch);
    this.#links.sendTo(link, { t: 'tokens', epoch: fromHex(epoch), entries, back });
  }

  /** The other side gets what it lacks, or has otherwise. */
  handle(link: LinkId, { epoch, entries, back }: TokensMessage): void {
    const theirs = new Map<string, Uint8Array>();
    for (let at = 0; at < entries.length; at += TOKEN_ENTRY_BYTES) {
      const tag = toHex(entries.subarray(at, at + 8));
      theirs.set(tag, entries.subarray(at + 8, at + TOKEN_ENTRY_BYTES));
    }
    for (const token of this.of(toHex(epoch))) {
      const hash = theirs.get(token.tag);
      if (hash !== undefined && equalBytes(hash, this.#hashOf(token))) continue;
      this.#links.sendTo(link, { t: 'record', bytes: token.bytes });
    }
    if (back) this.tell(link, toHex(epoch), false);
  }

  /** Order: version, then open before ended, then hash. What a token is never changes. */
  #follows(token: TokenRecord, known: TokenRecord): boolean {
    const same =
      token.epochId === known.epochId &&
      token.made === known.made &&
      equalBytes(token.joinKey, known.joinKey);
    if (!same) return false;
    if (token.version !== known.version) return token.version > known.version;
    if (token.state !== known.state) return token.state === 'ended';
    return Buffer.compare(this.#hashOf(token), this.#hashOf(known)) > 0;
  }

  #entries(epoch: EpochId): Uint8Array {
    return concat(...this.of(epoch).flatMap((one) => [fromHex(one.tag), this.#hashOf(one)]));
  }

  #hashOf(token: TokenRecord): Uint8Array {
    return this.#context.crypto.sha256(token.bytes).subarray(0, 8);
  }
}

function byTag(a: TokenRecord, b: TokenRecord): number {
  return a.tag < b.tag ? -1 : 1;
}
