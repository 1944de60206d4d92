/**
 * The operator's records that spread through the swarm like member records (docs/protocol.md
 * sections 3, 4 and 9).
 */
import { decodeFields, equalBytes } from '../wire/index.ts';
import type { PinnedOperator } from './certificate.ts';
import { EPOCH_HEAD, parseEpochHead } from './epoch-head.ts';
import { SecureError } from './errors.ts';
import { protocolLabel } from './hash.ts';
import { HEAD_CERTIFICATE, parseHeadCertificate } from './head-certificate.ts';
import { KEY_STATEMENT, parseKeyStatement } from './key-statement.ts';
import { HUB_CERTIFICATE, parseHubCertificate } from './hub-certificate.ts';
import type { RecordKind } from './operator-record.ts';
import { parseRevocations } from './revocation.ts';
import { parseTokenRecord, TOKEN } from './token-record.ts';
import type { OperatorRecord } from './types.ts';

/**
 * Verifies a statement about a key, a revocation list, a head or hub certificate, an EPOCH head or a
 * TOKEN; nothing is opened.
 * @throws SecureError `bad_record`
 */
export function parseOperatorRecord(bytes: Uint8Array, pinned: PinnedOperator): OperatorRecord {
  if (isLabelled(bytes, KEY_STATEMENT)) return parseKeyStatement(bytes, pinned);
  if (isLabelled(bytes, EPOCH_HEAD)) return parseEpochHead(bytes, pinned);
  if (isLabelled(bytes, TOKEN)) return parseTokenRecord(bytes, pinned);
  if (isLabelled(bytes, HUB_CERTIFICATE)) return parseHubCertificate(bytes, pinned);
  if (isLabelled(bytes, HEAD_CERTIFICATE)) {
    const { head, number } = parseHeadCertificate(bytes, pinned);
    return { kind: 'head', number, head, bytes };
  }
  const { number, hash, merges, ...all } = parseRevocations(bytes, pinned);
  const [expelled, serials] = [[...all.expelled.keys()], [...all.serials.keys()]];
  return { kind: 'revocations', number, hash, merges, expelled, serials, bytes };
}

function isLabelled(bytes: Uint8Array, kind: RecordKind): boolean {
  try {
    const [body] = decodeFields(bytes, 2);
    const label = protocolLabel(kind.label, kind.version);
    return equalBytes(body!.subarray(4, 4 + label.length), label);
  } catch (cause) {
    throw new SecureError('bad_record', 'not a record of the operator', { cause });
  }
}
