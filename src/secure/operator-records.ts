/**
 * The operator's records that spread through the swarm like member records (docs/protocol.md
 * sections 4 and 9): of each kind the one with the highest number is kept and shown to others.
 */
import { decodeFields, equalBytes, readU64 } from '../wire/index.ts';
import type { PinnedOperator } from './certificate.ts';
import { SecureError } from './errors.ts';
import { protocolLabel } from './hash.ts';
import { HEAD_CERTIFICATE, parseHeadCertificate } from './head-certificate.ts';
import { openRecord, type RecordKind } from './operator-record.ts';
import { parseRevocations } from './revocation.ts';
import type { OperatorRecord } from './types.ts';

/**
 * Verifies a revocation list, a head certificate or an EPOCH record; an EPOCH record is not opened.
 * @throws SecureError `bad_record`
 */
export function parseOperatorRecord(bytes: Uint8Array, pinned: PinnedOperator): OperatorRecord {
  if (isLabelled(bytes, EPOCH)) {
    const [number] = openRecord(bytes, EPOCH, pinned);
    return { kind: 'epoch', number: readNumber(number!), expelled: [], bytes };
  }
  if (isLabelled(bytes, HEAD_CERTIFICATE)) {
    const { head, number } = parseHeadCertificate(bytes, pinned);
    return { kind: 'head', number, expelled: [], head, bytes };
  }
  const { number, expelled } = parseRevocations(bytes, pinned);
  return { kind: 'revocations', number, expelled: [...expelled], bytes };
}

const EPOCH = { label: 'epoch record', fields: 3, error: 'bad_record' } as const;

function isLabelled(bytes: Uint8Array, kind: RecordKind): boolean {
  try {
    const [body] = decodeFields(bytes, 2);
    const label = protocolLabel(kind.label);
    return equalBytes(body!.subarray(4, 4 + label.length), label);
  } catch (cause) {
    throw new SecureError('bad_record', 'not a record of the operator', { cause });
  }
}

function readNumber(field: Uint8Array): number {
  try {
    return readU64(field);
  } catch (cause) {
    throw new SecureError('bad_record', 'an EPOCH record with a number out of range', { cause });
  }
}
