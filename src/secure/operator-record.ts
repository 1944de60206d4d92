/** What all records signed by the operator have in common: fields(body, signature). */
import { decodeFields, encodeFields, equalBytes } from '../wire/index.ts';
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
  return encodeFields([body, operator.sign(body)]);
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
 * The fields behind label and swarm id, once the signature holds.
 * @throws SecureError with the kind's code
 */
export function openRecord(
  bytes: Uint8Array,
  kind: RecordKind,
  pinned: { readonly operatorKey: Uint8Array; readonly swarmId: Uint8Array },
): Uint8Array[] {
  const refuse = (why: string, cause?: unknown) =>
    new SecureError(kind.error, `not a valid ${kind.label}: ${why}`, { cause });
  try {
    const [body, signature] = decodeFields(new Uint8Array(bytes), 2) as [Uint8Array, Uint8Array];
    const [label, swarmId, ...fields] = decodeFields(body, kind.fields + 2);
    if (!equalBytes(label!, protocolLabel(kind.label, kind.version)))
      throw refuse('it is of another kind');
    if (!equalBytes(swarmId!, pinned.swarmId)) throw refuse('it is of another swarm');
    if (!verifyStrict(pinned.operatorKey, body, signature)) {
      throw refuse('the operator did not sign it');
    }
    return fields;
  } catch (error) {
    if (error instanceof SecureError) throw error;
    throw refuse((error as Error).message, error);
  }
}

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
