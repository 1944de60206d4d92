/**
 * Key entries and lists (docs/protocol.md section 6): how an identity keeps its id over years while
 * its keys change. Each entry was promised by a hash in the one before it.
 */
import { concat, decodeFields, encodeFields, equalBytes, fromHex } from '../wire/index.ts';
import { fromUtf8, readU64, toHex, u64 } from '../wire/index.ts';
import { verifyStrict, isGoodPoint, type SigningKey } from './ed25519.ts';
import { SecureError } from './errors.ts';
import { protocolLabel, sha256 } from './hash.ts';
import type { KeyEntry, NodeId } from './types.ts';

/** Entries in one list. */
export const KEY_ENTRIES_MAX = 1024;
/** Longest entry, bytes; the present form takes 370. */
export const KEY_ENTRY_BYTES_MAX = 1024;
/** Seconds between two entries of one list. */
export const ROTATION_SECONDS_MIN = 3600;

export interface PublicPair {
  readonly signKey: Uint8Array;
  readonly boxKey: Uint8Array;
}

/** What a signer puts into an entry. */
export interface KeyEntryContent extends PublicPair {
  readonly nodeId: NodeId;
  readonly version: number;
  readonly nextHash: Uint8Array;
  readonly previousHash: Uint8Array;
  readonly time: number;
}

/**
 * Parses one entry and checks what can be checked without the one before: form, good keys, proof
 * of possession, and for version 0 that the node id is the hash of what it promises.
 * @throws SecureError `bad_key_list`
 */
export function parseKeyEntry(bytes: Uint8Array): KeyEntry {
  const name = Buffer.from(sha256(bytes)).toString('latin1');
  const known = parsed.get(name);
  if (known !== undefined) return known;
  const entry = parseAndVerify(bytes);
  // The oldest goes first: reconnecting members show the same entries again and again.
  if (parsed.size >= PARSED_MAX) parsed.delete(parsed.keys().next().value!);
  parsed.set(name, entry);
  return entry;
}

const PARSED_MAX = 4096;
const parsed = new Map<string, KeyEntry>();

function parseAndVerify(bytes: Uint8Array): KeyEntry {
  const { entry, body, previousSignature, possession } = splitEntry(bytes);
  if (!isGoodPoint(entry.signKey)) throw bad(entry, 'its signing key is not a safe one');
  if (!verifyStrict(entry.signKey, possessionMessage(body, previousSignature), possession)) {
    throw bad(entry, 'its proof of possession does not hold');
  }
  if (entry.version === 0) checkFirst(entry, body, previousSignature);
  return entry;
}

/**
 * Checks that `entry` follows `before`: promised keys, hash, time, signature by the previous key.
 * @throws SecureError `bad_key_list`
 */
export function verifySuccessor(before: KeyEntry, entry: KeyEntry): void {
  const { body, previousSignature } = splitEntry(entry.bytes);
  if (entry.nodeId !== before.nodeId) throw bad(entry, 'it belongs to another node');
  if (entry.version !== before.version + 1) throw bad(entry, `it cannot follow ${before.version}`);
  if (entry.version >= KEY_ENTRIES_MAX) throw bad(entry, 'the list is full');
  if (!equalBytes(entry.previousHash, sha256(before.bytes))) {
    throw bad(entry, 'it follows another entry than the one known');
  }
  if (!equalBytes(pairHash(entry), before.nextHash)) throw bad(entry, 'its keys were not promised');
  if (entry.time < before.time + ROTATION_SECONDS_MIN) {
    throw bad(entry, 'it follows in less than an hour');
  }
  if (!verifyStrict(before.signKey, body, previousSignature)) {
    throw bad(entry, 'the previous key did not sign it');
  }
}

/**
 * A whole list, from version 0 on.
 * @throws SecureError `bad_key_list`
 */
export function verifyKeyList(entries: readonly Uint8Array[]): readonly KeyEntry[] {
  if (entries.length === 0 || entries.length > KEY_ENTRIES_MAX) {
    throw new SecureError(
      'bad_key_list',
      `a key list has 1 to 1024 entries, not ${entries.length}`,
    );
  }
  const parsed = entries.map(parseKeyEntry);
  if (parsed[0]!.version !== 0) throw bad(parsed[0]!, 'a list begins with version 0');
  for (let i = 1; i < parsed.length; i++) verifySuccessor(parsed[i - 1]!, parsed[i]!);
  return parsed;
}

/** Signs an entry. `previous` is the key of the entry before; for version 0 the key itself. */
export function signKeyEntry(
  content: KeyEntryContent,
  previous: SigningKey,
  own: SigningKey,
): KeyEntry {
  const body = encodeFields([
    ENTRY_LABEL,
    fromHex(content.nodeId),
    u64(content.version),
    content.signKey,
    content.boxKey,
    content.nextHash,
    content.previousHash,
    u64(content.time),
  ]);
  const signature = previous.sign(body);
  const possession = own.sign(possessionMessage(body, signature));
  return { ...content, bytes: encodeFields([body, signature, possession]) };
}

/** The promise of a pair of keys, and half of what a node id is made of. */
export function pairHash(pair: PublicPair): Uint8Array {
  return sha256(encodeFields([protocolLabel('next keys'), pair.signKey, pair.boxKey]));
}

/** The id of the node whose list begins with these keys and this promise. */
export function nodeIdOf(first: PublicPair, nextHash: Uint8Array): NodeId {
  const parts = [protocolLabel('node id'), first.signKey, first.boxKey, nextHash];
  return toHex(sha256(encodeFields(parts)));
}

function splitEntry(bytes: Uint8Array) {
  try {
    if (bytes.length > KEY_ENTRY_BYTES_MAX) throw new RangeError(`${bytes.length} bytes long`);
    // Kept for years: not a window into somebody's receive buffer.
    const kept = new Uint8Array(bytes);
    const [body, previousSignature, possession] = decodeFields(kept, 3) as Bytes3;
    return { entry: parseBody(kept, body), body, previousSignature, possession };
  } catch (cause) {
    const why = (cause as Error).message;
    throw new SecureError('bad_key_list', `not a key entry: ${why}`, { cause });
  }
}

type Bytes3 = [Uint8Array, Uint8Array, Uint8Array];

function parseBody(bytes: Uint8Array, body: Uint8Array): KeyEntry {
  const fields = decodeFields(body, 8);
  const field = (index: number, length: number): Uint8Array => {
    const value = fields[index]!;
    if (value.length !== length) throw new RangeError(`field ${index} has ${value.length} bytes`);
    return value;
  };
  if (!equalBytes(fields[0]!, ENTRY_LABEL)) {
    throw new RangeError(`labelled "${fromUtf8(fields[0]!.subarray(0, 40))}"`);
  }
  return {
    nodeId: toHex(field(1, 32)),
    version: readU64(fields[2]!, KEY_ENTRIES_MAX - 1),
    signKey: field(3, 32),
    boxKey: field(4, 32),
    nextHash: field(5, 32),
    previousHash: field(6, 32),
    time: readU64(fields[7]!, TIME_MAX),
    bytes,
  };
}

function checkFirst(entry: KeyEntry, body: Uint8Array, signature: Uint8Array): void {
  if (entry.nodeId !== nodeIdOf(entry, entry.nextHash)) {
    throw bad(entry, 'the node id is not the hash of its first keys');
  }
  if (entry.previousHash.some((byte) => byte !== 0)) throw bad(entry, 'it names an entry before');
  if (!verifyStrict(entry.signKey, body, signature)) throw bad(entry, 'it is not signed by itself');
}

function possessionMessage(body: Uint8Array, previousSignature: Uint8Array): Uint8Array {
  return concat(POSSESSION_LABEL, encodeFields([body, previousSignature]));
}

function bad(entry: KeyEntry, why: string): SecureError {
  return new SecureError(
    'bad_key_list',
    `key entry ${entry.version} of ${entry.nodeId.slice(0, 16)} is refused: ${why}`,
  );
}

const ENTRY_LABEL = protocolLabel('key entry');
const POSSESSION_LABEL = protocolLabel('possession');
/** Unix seconds. */
const TIME_MAX = 2 ** 40;
