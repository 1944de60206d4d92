/**
 * This host's own identity: its key list, the secret keys of the newest entry and of the next one,
 * and the X25519 secrets of entries replaced less than 30 days ago: an EPOCH record that crossed a
 * rotation is sealed to one of these.
 */
import { concat, decodeAllFields, decodeFields, encodeFields, equalBytes } from '../wire/index.ts';
import { createCrypto } from './backend.ts';
import { SigningKey } from './ed25519.ts';
import { SecureError } from './errors.ts';
import { equalSecret, protocolLabel, sha256 } from './hash.ts';
import {
  KEY_ENTRIES_MAX,
  nodeIdOf,
  pairHash,
  ROTATION_SECONDS_MIN,
  signKeyEntry,
  verifyKeyList,
} from './key-entry.ts';
import type { Crypto, KeyEntry, NodeId } from './types.ts';
import { x25519KeyPair, type X25519KeyPair } from './x25519.ts';

/** Never changes; `rotate` gives a new one. */
export class Identity {
  readonly entries: readonly KeyEntry[];
  readonly #current: SecretPair;
  readonly #next: SecretPair;
  /** Of the entries before the newest, the last one first. */
  readonly #older: readonly X25519KeyPair[];
  readonly #crypto: Crypto;

  private constructor(
    entries: readonly KeyEntry[],
    current: SecretPair,
    next: SecretPair,
    older: readonly X25519KeyPair[] = [],
  ) {
    this.entries = entries;
    this.#current = current;
    this.#next = next;
    this.#older = older;
    this.#crypto = createCrypto(current.signing);
  }

  /** `random` gives n random bytes, `nowSeconds` is Unix time. */
  static create(random: (n: number) => Uint8Array, nowSeconds: number): Identity {
    const first = secretPair(random(32), random(32));
    const next = secretPair(random(32), random(32));
    const nextHash = pairHash(next);
    const content = {
      nodeId: nodeIdOf(first, nextHash),
      version: 0,
      signKey: first.signKey,
      boxKey: first.boxKey,
      nextHash,
      previousHash: new Uint8Array(32),
      time: Math.floor(nowSeconds),
    };
    return new Identity([signKeyEntry(content, first.signing, first.signing)], first, next);
  }

  /**
   * Reads what `toBytes` made.
   * @throws SecureError `bad_identity`
   */
  static parse(bytes: Uint8Array): Identity {
    try {
      return Identity.#parse(bytes);
    } catch (cause) {
      const why = (cause as Error).message;
      throw new SecureError('bad_identity', `not an identity file: ${why}`, { cause });
    }
  }

  get nodeId(): NodeId {
    return this.newest.nodeId;
  }

  get newest(): KeyEntry {
    return this.entries.at(-1)!;
  }

  /** The file's content. Write it with mode 0600 and fsync it before anybody sees the entries. */
  toBytes(): Uint8Array {
    const content = encodeFields([
      FILE_LABEL,
      this.#current.signSeed,
      this.#current.boxSeed,
      this.#next.signSeed,
      this.#next.boxSeed,
      encodeFields(this.entries.map((entry) => entry.bytes)),
      concat(...this.#older.map((pair) => pair.secretKey)),
    ]);
    return encodeFields([content, sha256(content)]);
  }

  /** Ed25519 under the newest key. */
  sign(message: Uint8Array): Uint8Array {
    return this.#current.signing.sign(message);
  }

  crypto(): Crypto {
    return this.#crypto;
  }

  /** The X25519 pairs that something may be sealed to, that of the newest entry first. */
  get boxPairs(): readonly X25519KeyPair[] {
    const { boxKey: publicKey, boxSeed: secretKey } = this.#current;
    return [{ publicKey, secretKey }, ...this.#older];
  }

  /** Without the secrets of entries that were replaced 30 days ago; itself when it has none. */
  forgetOld(nowSeconds: number): Identity {
    const recent = this.#older.filter((_, i) => {
      const replacedAt = this.entries[this.entries.length - 1 - i]!.time;
      return nowSeconds - replacedAt < OLD_BOX_KEY_SECONDS;
    });
    if (recent.length === this.#older.length) return this;
    return new Identity(this.entries, this.#current, this.#next, recent);
  }

  /**
   * Takes the promised pair into use and promises a fresh one.
   * @throws SecureError `rotation_too_soon` | `bad_key_list` when the list is full
   */
  rotate(random: (n: number) => Uint8Array, nowSeconds: number): Identity {
    const before = this.newest;
    const wait = before.time + ROTATION_SECONDS_MIN - Math.floor(nowSeconds);
    if (wait > 0) {
      throw new SecureError('rotation_too_soon', `one rotation an hour: wait ${wait} seconds`);
    }
    if (this.entries.length >= KEY_ENTRIES_MAX) {
      throw new SecureError('bad_key_list', `the key list is full (${KEY_ENTRIES_MAX} entries)`);
    }
    const next = secretPair(random(32), random(32));
    const content = {
      nodeId: this.nodeId,
      version: before.version + 1,
      signKey: this.#next.signKey,
      boxKey: this.#next.boxKey,
      nextHash: pairHash(next),
      previousHash: sha256(before.bytes),
      time: Math.floor(nowSeconds),
    };
    const entry = signKeyEntry(content, this.#current.signing, this.#next.signing);
    const entries = [...this.entries, entry];
    return new Identity(entries, this.#next, next, this.boxPairs).forgetOld(nowSeconds);
  }

  static #parse(bytes: Uint8Array): Identity {
    const [content, checksum] = decodeFields(bytes, 2) as [Uint8Array, Uint8Array];
    if (!equalSecret(checksum, sha256(content))) throw new RangeError('its checksum differs');
    const fields = decodeAllFields(new Uint8Array(content));
    if (fields.length < 6 || fields.length > 7) throw new RangeError('it has other fields');
    if (!equalBytes(fields[0]!, FILE_LABEL)) throw new RangeError('it is of another kind');
    const entries = verifyKeyList(decodeAllFields(fields[5]!));
    const current = secretPair(fields[1]!, fields[2]!);
    const next = secretPair(fields[3]!, fields[4]!);
    const newest = entries.at(-1)!;
    if (!equalBytes(current.signKey, newest.signKey) || !equalBytes(current.boxKey, newest.boxKey))
      throw new RangeError('its secret keys are not those of its newest entry');
    if (!equalBytes(pairHash(next), newest.nextHash))
      throw new RangeError('its next keys are not those it promised');
    // Files of versions that kept no older secrets have no such field.
    return new Identity(entries, current, next, readOlder(entries, fields[6] ?? new Uint8Array()));
  }
}

function readOlder(entries: readonly KeyEntry[], secrets: Uint8Array): X25519KeyPair[] {
  const count = secrets.length / 32;
  if (!Number.isInteger(count) || count >= entries.length) {
    throw new RangeError('it has more older keys than entries');
  }
  return Array.from({ length: count }, (_, i) => {
    const pair = x25519KeyPair(secrets.subarray(32 * i, 32 * (i + 1)));
    if (!equalBytes(pair.publicKey, entries[entries.length - 2 - i]!.boxKey))
      throw new RangeError('its older keys are not those of its entries');
    return pair;
  });
}

interface SecretPair {
  readonly signSeed: Uint8Array;
  readonly boxSeed: Uint8Array;
  readonly signing: SigningKey;
  readonly signKey: Uint8Array;
  readonly boxKey: Uint8Array;
}

function secretPair(signSeed: Uint8Array, boxSeed: Uint8Array): SecretPair {
  const signing = new SigningKey(signSeed);
  const box = x25519KeyPair(boxSeed);
  return {
    signSeed,
    boxSeed: box.secretKey,
    signing,
    signKey: signing.publicKey,
    boxKey: box.publicKey,
  };
}

/** An EPOCH that crossed a rotation is sealed to an older one. */
const OLD_BOX_KEY_SECONDS = 30 * 86_400;
const FILE_LABEL = protocolLabel('identity file');
