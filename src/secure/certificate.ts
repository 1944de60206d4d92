/**
 * Role certificates (docs/protocol.md section 9): what a host may do beyond asking. Signed by the
 * operator, for one node, for at most 90 days; what is not named is denied.
 */
import { fromHex, prefixOfNode, readU64, toHex, u64 } from '../wire/index.ts';
import { SecureError } from './errors.ts';
import { decodeNames, encodeNames, openRecord, openSigned, signRecord } from './operator-record.ts';
import type { OperatorKey } from './operator.ts';
import type { OperatorSet } from './operator-set.ts';
import type { Revoked } from './revocation.ts';
import type { NodeId } from './types.ts';

export interface RoleCertificate {
  readonly nodeId: NodeId;
  /** E.g. `commander`. */
  readonly roles: readonly string[];
  /** Names of actions; `*` is every one that the host's own configuration names. */
  readonly actions: readonly string[];
  /** Names of sensitive tables; `*` is every one. */
  readonly tables: readonly string[];
  /** Unix seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** 32 hex digits. */
  readonly serial: string;
  /** As signed. */
  readonly bytes: Uint8Array;
}

export const CERTIFICATE_SECONDS_MAX = 90 * 86_400;

/** What tells a record of the operator. */
export interface PinnedOperator {
  /** The first key, whose hash is the swarm id. */
  readonly operatorKey: Uint8Array;
  readonly swarmId: Uint8Array;
  /** All keys; without them the first one alone. */
  readonly operators?: OperatorSet;
}

/** @throws RangeError when it would hold longer than 90 days or a name is none */
export function issueCertificate(
  operator: OperatorKey,
  content: Omit<RoleCertificate, 'bytes' | 'serial'>,
  random: (n: number) => Uint8Array,
): RoleCertificate {
  const serial = toHex(new Uint8Array(random(16)));
  const problem = periodProblem(content);
  if (problem !== undefined) throw new RangeError(problem);
  const bytes = signRecord(operator, KIND, [
    fromHex(content.nodeId),
    encodeNames(content.roles),
    encodeNames(content.actions),
    encodeNames(content.tables),
    u64(content.notBefore),
    u64(content.notAfter),
    fromHex(serial),
  ]);
  return { ...content, serial, bytes };
}

/** @throws SecureError `bad_certificate` */
export function parseCertificate(bytes: Uint8Array, pinned: PinnedOperator): RoleCertificate {
  return readCertificate(openRecord(bytes, KIND, pinned) as Fields, bytes);
}

/**
 * The same of any key: to show what a host holds, and never to decide by it.
 * @throws SecureError `bad_certificate`
 */
export function parseAnyCertificate(bytes: Uint8Array, pinned: PinnedOperator): RoleCertificate {
  return readCertificate(openSigned(bytes, KIND, pinned, () => true).fields as Fields, bytes);
}

function readCertificate(fields: Fields, bytes: Uint8Array): RoleCertificate {
  try {
    const certificate = {
      nodeId: hexOf(fields[0], 32),
      roles: decodeNames(fields[1]),
      actions: decodeNames(fields[2]),
      tables: decodeNames(fields[3]),
      notBefore: readU64(fields[4]),
      notAfter: readU64(fields[5]),
      serial: hexOf(fields[6], 16),
      bytes: new Uint8Array(bytes),
    };
    const problem = periodProblem(certificate);
    if (problem !== undefined) throw new RangeError(problem);
    return certificate;
  } catch (cause) {
    throw new SecureError('bad_certificate', `bad certificate: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/**
 * Whether a certificate holds here and now for the node that showed it.
 * @throws SecureError `bad_certificate` that says why not
 */
export function checkCertificate(
  certificate: RoleCertificate,
  shownBy: NodeId,
  nowSeconds: number,
  revoked?: Revoked,
): void {
  const refuse = (why: string) =>
    new SecureError('bad_certificate', `certificate ${certificate.serial} is refused: ${why}`);
  if (certificate.nodeId !== shownBy) throw refuse(`it belongs to ${certificate.nodeId}`);
  if (nowSeconds < certificate.notBefore) throw refuse('it is not valid yet');
  if (nowSeconds > certificate.notAfter) throw refuse('it has run out');
  if (revoked?.serials.has(certificate.serial)) throw refuse('it was revoked');
  if (revoked?.expelled.has(prefixOfNode(certificate.nodeId)))
    throw refuse('its host was expelled');
}

/** Default deny: only what is named. */
export function permits(
  certificate: RoleCertificate,
  what: { readonly action: string } | { readonly table: string } | { readonly role: string },
): boolean {
  if ('role' in what) return certificate.roles.includes(what.role);
  const [names, name] =
    'action' in what ? [certificate.actions, what.action] : [certificate.tables, what.table];
  return names.includes(name) || names.includes('*');
}

type Fields = [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];

const KIND = { label: 'role certificate', fields: 7, error: 'bad_certificate' } as const;

function periodProblem(period: { notBefore: number; notAfter: number }): string | undefined {
  const seconds = period.notAfter - period.notBefore;
  if (seconds <= 0) return 'it ends before it begins';
  return seconds > CERTIFICATE_SECONDS_MAX ? 'it holds for more than 90 days' : undefined;
}

function hexOf(field: Uint8Array, length: number): string {
  if (field.length !== length) throw new RangeError(`a field has ${field.length} bytes`);
  return toHex(field);
}
