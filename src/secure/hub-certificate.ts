/**
 * The operator's word that a host is a hub (docs/protocol.md section 9): what changes what hosts keep
 * or reveal is taken from such hosts only. It spreads as a record, so that nobody has to show it.
 */
import { fromHex, NUMBER_MAX, readU64, toHex, u64 } from '../wire/index.ts';
import type { PinnedOperator } from './certificate.ts';
import { SecureError } from './errors.ts';
import { openRecord, signRecord, type RecordKind } from './operator-record.ts';
import type { OperatorKey } from './operator.ts';
import type { HubRecord, NodeId } from './types.ts';

export const HUB_CERTIFICATE_SECONDS_MAX = 400 * 86_400;

/** Times in Unix seconds. @throws RangeError when it would hold longer than 400 days */
export function issueHubCertificate(
  operator: OperatorKey,
  content: { readonly nodeId: NodeId; readonly notBefore: number; readonly notAfter: number },
  random: (n: number) => Uint8Array,
): HubRecord {
  const { nodeId, notBefore, notAfter } = content;
  checkPeriod(notBefore, notAfter);
  const serial = new Uint8Array(random(16));
  const fields = [fromHex(nodeId), u64(notBefore), u64(notAfter), serial];
  const bytes = signRecord(operator, HUB_CERTIFICATE, fields);
  return { kind: 'hub', number: notBefore, ...content, serial: toHex(serial), bytes };
}

/** @throws SecureError `bad_record` */
export function parseHubCertificate(bytes: Uint8Array, pinned: PinnedOperator): HubRecord {
  const fields = openRecord(bytes, HUB_CERTIFICATE, pinned);
  const [nodeId, from, until, serial] = fields as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  try {
    if (nodeId.length !== 32 || serial.length !== 16) throw new RangeError('a field is cut');
    const [notBefore, notAfter] = [readU64(from), readU64(until)];
    checkPeriod(notBefore, notAfter);
    const number = notBefore;
    const named = { nodeId: toHex(nodeId), serial: toHex(serial) };
    return { kind: 'hub', number, notBefore, notAfter, ...named, bytes: new Uint8Array(bytes) };
  } catch (cause) {
    const why = (cause as Error).message;
    throw new SecureError('bad_record', `bad hub certificate: ${why}`, { cause });
  }
}

export const HUB_CERTIFICATE: RecordKind = {
  label: 'hub certificate',
  version: 2,
  fields: 4,
  error: 'bad_record',
};

function checkPeriod(notBefore: number, notAfter: number): void {
  const seconds = notAfter - notBefore;
  if (seconds <= 0) throw new RangeError('it ends before it begins');
  if (notAfter > NUMBER_MAX) throw new RangeError(`it ends at ${notAfter}`);
  if (seconds > HUB_CERTIFICATE_SECONDS_MAX) throw new RangeError('it holds for over 400 days');
}
