/**
 * The operator's word on which of two key lists of a node is the good one (docs/protocol.md
 * section 6): it names one entry of the version in which they part.
 */
import { fromHex, NUMBER_MAX, readU64, toHex, u64 } from '../wire/index.ts';
import type { PinnedOperator } from './certificate.ts';
import { SecureError } from './errors.ts';
import { openRecord, signRecord, type RecordKind } from './operator-record.ts';
import type { OperatorKey } from './operator.ts';
import type { NamedHead } from './types.ts';

/**
 * `nowSeconds`, Unix time, is what the newer of two certificates about one node is told by.
 * @throws RangeError for one that no host reads
 */
export function issueHeadCertificate(
  operator: OperatorKey,
  { nodeId, version, hash }: NamedHead,
  nowSeconds: number,
): Uint8Array {
  if (nowSeconds > NUMBER_MAX) throw new RangeError(`time ${nowSeconds}`);
  const fields = [fromHex(nodeId), u64(version), hash, u64(nowSeconds)];
  return signRecord(operator, HEAD_CERTIFICATE, fields);
}

/** @throws SecureError `bad_record` */
export function parseHeadCertificate(
  bytes: Uint8Array,
  pinned: PinnedOperator,
): { readonly head: NamedHead; readonly number: number } {
  const fields = openRecord(bytes, HEAD_CERTIFICATE, pinned);
  const [nodeId, version, hash, time] = fields as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  try {
    if (nodeId.length !== 32 || hash.length !== 32) throw new RangeError('not 32 bytes');
    const head = { nodeId: toHex(nodeId), version: readU64(version), hash };
    return { head, number: readU64(time) };
  } catch (cause) {
    const why = (cause as Error).message;
    throw new SecureError('bad_record', `bad head certificate: ${why}`, { cause });
  }
}

export const HEAD_CERTIFICATE: RecordKind = {
  label: 'head certificate',
  fields: 4,
  error: 'bad_record',
};
