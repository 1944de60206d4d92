/**
 * Revoked certificates and expelled hosts (docs/protocol.md section 9): operator-signed lists. A list
 * names the lists that it stands in place of; every list held stays in force until a held one names
 * it, so that two operators who could not hear each other lose nothing.
 */
import { concat, fromHex, prefixOfNode, readU64, toHex, u64 } from '../wire/index.ts';
import type { PinnedOperator } from './certificate.ts';
import { NUMBER_MAX, OLD_LIST_DAYS } from './limits.ts';
import { SecureError } from './errors.ts';
import { sha256 } from './hash.ts';
import { openRecord, signRecord, type RecordKind } from './operator-record.ts';
import type { OperatorKey } from './operator.ts';
import type { RevocationRecord } from './types.ts';

/** When an entry was made. */
export interface RevokedAt {
  /** Days since 1970. */
  readonly day: number;
  readonly epoch: number;
}

export interface RevocationList {
  readonly number: number;
  /** SHA-256 of the record, 64 hex digits. */
  readonly hash: string;
  /** Hashes of the lists that it stands in place of. */
  readonly merges: readonly string[];
  /** Certificate serials, 32 hex digits each. */
  readonly serials: ReadonlyMap<string, RevokedAt>;
  /** Prefixes of node ids, 32 hex digits each. */
  readonly expelled: ReadonlyMap<string, RevokedAt>;
  /** As signed. */
  readonly bytes: Uint8Array;
}

/** What all lists in force say together. */
export interface Revoked {
  readonly serials: ReadonlySet<string>;
  readonly expelled: ReadonlySet<string>;
}

/** Entries of both kinds: a list fits into a frame. */
export const REVOCATIONS_MAX = 10_000;
/** Lists that one can stand in place of. */
export const MERGES_MAX = 8;

/**
 * The list that stands in place of those in force, with more in it. Entries of over 400 days ago that
 * two epochs have left behind are dropped.
 * @throws RangeError when it would be longer than a list can be
 */
export function issueRevocations(
  operator: OperatorKey,
  inForce: readonly RevocationList[],
  added: { readonly serials?: readonly string[]; readonly expelled?: readonly string[] },
  at: RevokedAt,
): RevocationList {
  const merged = inForce.slice(0, MERGES_MAX);
  // A thief's list may have the last number; what stands in place of another is told by its hash.
  const number = Math.min(NUMBER_MAX, Math.max(0, ...inForce.map((list) => list.number)) + 1);
  const all = (of: 'serials' | 'expelled', more: readonly string[]) =>
    recent(
      new Map([...more.map((one) => [one, at] as const), ...inForce.flatMap((l) => [...l[of]])]),
      at,
    );
  const serials = all('serials', added.serials ?? []);
  const expelled = all('expelled', (added.expelled ?? []).map(prefixOfNode));
  if (serials.size + expelled.size > REVOCATIONS_MAX) {
    throw new RangeError(
      `${serials.size + expelled.size} revocations, at most ${REVOCATIONS_MAX}: leave hosts out with \`swarmplane secret rotate --only\` instead of expelling them`,
    );
  }
  const bytes = signRecord(operator, REVOCATIONS, [
    u64(number),
    concat(...merged.map((list) => fromHex(list.hash))),
    joinEntries(serials),
    joinEntries(expelled),
  ]);
  const merges = merged.map((list) => list.hash);
  return { number, hash: toHex(sha256(bytes)), merges, serials, expelled, bytes };
}

/** @throws SecureError `bad_record` */
export function parseRevocations(bytes: Uint8Array, pinned: PinnedOperator): RevocationList {
  const fields = openRecord(bytes, REVOCATIONS, pinned);
  const [number, merges, serials, expelled] = fields as Fields;
  try {
    if (merges.length % 32 !== 0 || merges.length > 32 * MERGES_MAX) throw new RangeError('merges');
    if (readU64(number) > NUMBER_MAX) throw new RangeError(`number ${readU64(number)}`);
    return {
      number: readU64(number),
      hash: toHex(sha256(bytes)),
      merges: chunksOf(merges, 32).map(toHex),
      serials: splitEntries(serials),
      expelled: splitEntries(expelled),
      bytes: new Uint8Array(bytes),
    };
  } catch (cause) {
    const why = (cause as Error).message;
    throw new SecureError('bad_record', `bad revocation list: ${why}`, { cause });
  }
}

export function revokedBy(lists: readonly RevocationRecord[]): Revoked {
  return {
    serials: new Set(lists.flatMap(({ serials }) => serials)),
    expelled: new Set(lists.flatMap(({ expelled }) => expelled)),
  };
}

const REVOCATIONS: RecordKind = {
  label: 'revocation list',
  fields: 4,
  error: 'bad_record',
  version: 2,
};
const ENTRY_BYTES = 16 + 4 + 4;

type Fields = [Uint8Array, Uint8Array, Uint8Array, Uint8Array];

function recent(entries: Map<string, RevokedAt>, now: RevokedAt): Map<string, RevokedAt> {
  const gone = (at: RevokedAt) => now.day - at.day > OLD_LIST_DAYS && now.epoch - at.epoch >= 2;
  return new Map([...entries].filter(([, at]) => !gone(at)));
}

function joinEntries(entries: ReadonlyMap<string, RevokedAt>): Uint8Array {
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return concat(
    ...sorted.map(([name, { day, epoch }]) => {
      const bytes = new Uint8Array(ENTRY_BYTES);
      if (!/^[0-9a-f]{32}$/.test(name)) throw new RangeError('each of these has 32 hex digits');
      bytes.set(fromHex(name));
      const view = new DataView(bytes.buffer);
      view.setUint32(16, day);
      view.setUint32(20, Math.min(epoch, 0xffff_ffff));
      return bytes;
    }),
  );
}

function splitEntries(bytes: Uint8Array): Map<string, RevokedAt> {
  if (bytes.length % ENTRY_BYTES !== 0 || bytes.length > REVOCATIONS_MAX * ENTRY_BYTES) {
    throw new RangeError(`a list of ${bytes.length} bytes`);
  }
  return new Map(
    chunksOf(bytes, ENTRY_BYTES).map((entry) => {
      const view = new DataView(entry.buffer, entry.byteOffset);
      const at = { day: view.getUint32(16), epoch: view.getUint32(20) };
      return [toHex(entry.subarray(0, 16)), at] as const;
    }),
  );
}

function chunksOf(bytes: Uint8Array, length: number): Uint8Array[] {
  return Array.from({ length: bytes.length / length }, (_, at) =>
    bytes.subarray(at * length, (at + 1) * length),
  );
}
