/**
 * What all records signed by the operator have in common: fields(body, signature), where a signature
 * of another key than the first has that key before it.
 */
import { concat, decodeFields, encodeFields, equalBytes, toHex } from '../wire/index.ts';
import type { PinnedOperator } from './certificate.ts';
import { verifyStrict } from './ed25519.ts';
import { SecureError, type SecureErrorCode } from './errors.ts';
import { protocolLabel } from './hash.ts';
import type { OperatorKey } from './operator.ts';

/** Body = fields(label, swarm id, ...fields). */
export function signRecord(
  operator: OperatorKey,
  kind: Pick<RecordKind, 'label' | 'version'>,
  fields: readonly Uint8Array[],
): Uint8Array {
  const label = protocolLabel(kind.label, kind.version);
  const body = encodeFields([label, operator.swarmId, ...fields]);
  const signature = operator.sign(body);
  const { isFirst, publicKey } = operator;
  return encodeFields([body, isFirst ? signature : concat(publicKey, signature)]);
}

export interface RecordKind {
  readonly label: string;
  /** Fields behind label and swarm id. */
  readonly fields: number;
  readonly error: SecureErrorCode;
  /** Of the label; 1 where left out. */
  readonly version?: 1 | 2;
}

/**
 * The fields behind label and swarm id, once the signature holds and is that of a key which counts.
 * @throws SecureError with the kind's code
 */
export function openRecord(
  bytes: Uint8Array,
  kind: RecordKind,
  pinned: PinnedOperator,
): Uint8Array[] {
  return openSigned(bytes, kind, pinned, (key) => isCounted(key, pinned)).fields;
}

export interface Signed {
  readonly fields: Uint8Array[];
  /** Public key, 64 hex digits. */
  readonly signer: string;
}

/**
 * The same of whichever keys `isTaken` takes.
 * @throws SecureError with the kind's code
 */
export function openSigned(
  bytes: Uint8Array,
  kind: RecordKind,
  pinned: PinnedOperator,
  isTaken: (signer: string) => boolean,
): Signed {
  const refuse = (why: string, cause?: unknown) =>
    new SecureError(kind.error, `not a valid ${kind.label}: ${why}`, { cause });
  try {
    const [body, end] = decodeFields(new Uint8Array(bytes), 2) as [Uint8Array, Uint8Array];
    const [label, swarmId, ...fields] = decodeFields(body, kind.fields + 2);
    if (!equalBytes(label!, protocolLabel(kind.label, kind.version)))
      throw refuse('it is of another kind');
    if (!equalBytes(swarmId!, pinned.swarmId)) throw refuse('it is of another swarm');
    const { key, signature } = splitSignature(end, pinned.operatorKey);
    const signer = toHex(key);
    if (!isTaken(signer))
      throw refuse(`its key ${signer} is none of the operator, or none any more`);
    if (!verifyStrict(key, body, signature)) throw refuse('the operator did not sign it');
    return { fields, signer };
  } catch (error) {
    if (error instanceof SecureError) throw error;
    throw refuse((error as Error).message, error);
  }
}

/** By which key a record says that it is signed: public key, 64 hex digits. @throws WireError */
export function signerOf(bytes: Uint8Array, operatorKey: Uint8Array): string {
  const [, end] = decodeFields(bytes, 2) as [Uint8Array, Uint8Array];
  return toHex(splitSignature(end, operatorKey).key);
}

/** Whether signatures of a key count: without a list only those of the first. */
export function isCounted(key: string, { operatorKey, operators }: PinnedOperator): boolean {
  return operators?.counts(key) ?? key === toHex(operatorKey);
}

/** The first key is not named by what it signs: everybody has it. */
function splitSignature(
  end: Uint8Array,
  operatorKey: Uint8Array,
): { readonly key: Uint8Array; readonly signature: Uint8Array } {
  if (end.length !== KEY_BYTES + SIGNATURE_BYTES) return { key: operatorKey, signature: end };
  const key = end.subarray(0, KEY_BYTES);
  // One record, one form: another one of the same would count as another record.
  if (equalBytes(key, operatorKey)) throw new RangeError('it names the key that all have');
  return { key, signature: end.subarray(KEY_BYTES) };
}

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** Names joined by commas; a name holds none. */
export function encodeNames(names: readonly string[]): Uint8Array {
  for (const name of names) {
    if (!NAME.test(name)) throw new RangeError(`not a name: ${JSON.stringify(name.slice(0, 80))}`);
  }
  return new TextEncoder().encode(names.join(','));
}

/** @throws RangeError */
export function decodeNames(bytes: Uint8Array): readonly string[] {
  if (bytes.length === 0) return [];
  if (bytes.length > NAMES_BYTES_MAX) throw new RangeError(`${bytes.length} bytes of names`);
  const names = new TextDecoder('utf-8', { fatal: true }).decode(bytes).split(',');
  for (const name of names) {
    if (!NAME.test(name)) throw new RangeError(`not a name: ${JSON.stringify(name.slice(0, 80))}`);
  }
  return names;
}

const NAME = /^(?:\*|[a-z0-9][a-z0-9_.-]{0,63})$/;
const NAMES_BYTES_MAX = 16 * 1024;
