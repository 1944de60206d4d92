/**
 * Revoked certificates and expelled hosts (docs/protocol.md section 9): one operator-signed list
 * with a number; it spreads like member records and the highest number wins.
 */
import { concat, fromHex, readU64, toHex, u64 } from '../wire/index.ts';
import type { PinnedOperator } from './certificate.ts';
import { SecureError } from './errors.ts';
import { openRecord, signRecord } from './operator-record.ts';
import type { OperatorKey } from './operator.ts';
import type { NodeId } from './types.ts';

export interface RevocationList {
  readonly number: number;
  /** Certificate serials, 32 hex digits each. */
  readonly serials: ReadonlySet<string>;
  readonly expelled: ReadonlySet<NodeId>;
  /** As signed. */
  readonly bytes: Uint8Array;
}

/** Entries of either kind. */
export const REVOCATIONS_MAX = 4096;

/** The list after `before`, with more in it; nothing is ever taken out. */
export function issueRevocations(
  operator: OperatorKey,
  before: RevocationList | undefined,
  added: { readonly serials?: readonly string[]; readonly expelled?: readonly NodeId[] },
): RevocationList {
  const number = (before?.number ?? 0) + 1;
  const serials = new Set([...(before?.serials ?? []), ...(added.serials ?? [])]);
  const expelled = new Set([...(before?.expelled ?? []), ...(added.expelled ?? [])]);
  if (serials.size > REVOCATIONS_MAX || expelled.size > REVOCATIONS_MAX) {
    throw new RangeError(`more than ${REVOCATIONS_MAX} revocations: rotate the secret instead`);
  }
  const bytes = signRecord(operator, KIND.label, [
    u64(number),
    joinHex(serials, SERIAL_BYTES),
    joinHex(expelled, NODE_BYTES),
  ]);
  return { number, serials, expelled, bytes };
}

/** @throws SecureError `bad_record` */
export function parseRevocations(bytes: Uint8Array, pinned: PinnedOperator): RevocationList {
  const fields = openRecord(bytes, KIND, pinned) as [Uint8Array, Uint8Array, Uint8Array];
  try {
    return {
      number: readU64(fields[0]),
      serials: splitHex(fields[1], SERIAL_BYTES),
      expelled: splitHex(fields[2], NODE_BYTES),
      bytes: new Uint8Array(bytes),
    };
  } catch (cause) {
    const why = (cause as Error).message;
    throw new SecureError('bad_record', `bad revocation list: ${why}`, { cause });
  }
}

/** The one to keep of two. */
export function newerRevocations(a: RevocationList | undefined, b: RevocationList): RevocationList {
  return a !== undefined && a.number >= b.number ? a : b;
}

const KIND = { label: 'revocation list', fields: 3, error: 'bad_record' } as const;
const SERIAL_BYTES = 16;
const NODE_BYTES = 32;

function joinHex(items: ReadonlySet<string>, length: number): Uint8Array {
  const parts = [...items].sort().map(fromHex);
  if (parts.some((part) => part.length !== length)) {
    throw new RangeError(`each of these has ${length * 2} hex digits`);
  }
  return concat(...parts);
}

function splitHex(bytes: Uint8Array, length: number): ReadonlySet<string> {
  if (bytes.length % length !== 0 || bytes.length > REVOCATIONS_MAX * length) {
    throw new RangeError(`a list of ${bytes.length} bytes`);
  }
  const items = new Set<string>();
  for (let at = 0; at < bytes.length; at += length) {
    items.add(toHex(bytes.subarray(at, at + length)));
  }
  return items;
}
