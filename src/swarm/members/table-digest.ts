/**
 * What the member table says, in short: entries of 16 bytes a member by node id, and the hash over them,
 * made anew only after a change.
 */
import { fromHex, SUMMARY_ENTRY_BYTES, utf8 } from '../../wire/index.ts';
import type { MemberBody, SignedObject } from '../../wire/index.ts';
import type { Crypto } from '../../secure/types.ts';
import type { Member } from './member.ts';

export class TableDigest {
  readonly #crypto: Crypto;
  #basis: string | undefined;
  #hash: Uint8Array = new Uint8Array(0);

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  /** `basis` is another one whenever `members` would be others, or would be said otherwise. */
  hash(basis: string, members: () => readonly Member[]): Uint8Array {
    if (this.#basis !== basis) this.#hash = this.#crypto.sha256(this.entries(members()));
    this.#basis = basis;
    return this.#hash;
  }

  /** Id prefix and state hash of each, 8 bytes each. */
  entries(members: readonly Member[]): Uint8Array {
    const entries = new Uint8Array(members.length * SUMMARY_ENTRY_BYTES);
    members.forEach((member, at) => {
      entries.set(prefixOf(member), at * SUMMARY_ENTRY_BYTES);
      entries.set(this.stateHash(member), at * SUMMARY_ENTRY_BYTES + 8);
    });
    return entries;
  }

  /** Eight bytes that differ when what is known of a member differs in a way that matters. */
  stateHash({ record, accusations, forgotten }: Member): Uint8Array {
    const standing = (accusations.size > 0 ? 1 : 0) + (forgotten === undefined ? 0 : 2);
    const known = HASHES.get(record) ?? [];
    HASHES.set(record, known);
    return (known[standing] ??= this.#crypto
      .sha256(record.bytes, utf8(`${accusations.size > 0} ${forgotten !== undefined}`))
      .slice(0, 8));
  }
}

/** Records never change: each is hashed once for each way in which it can stand. */
const HASHES = new WeakMap<SignedObject<MemberBody>, (Uint8Array | undefined)[]>();

export function prefixOf(member: Member): Uint8Array {
  return fromHex(member.nodeId.slice(0, 16));
}
