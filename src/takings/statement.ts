/**
 * The signature of a taking: what a host said of a table at a point in its line, so that it can be
 * proved without trusting whoever keeps it (docs/protocol.md section 11).
 */
import { protocolLabel, verifyStrict, type Identity } from '../secure/index.ts';
import {
  decodeFields,
  encodeFields,
  equalBytes,
  fromHex,
  fromUtf8,
  readU64,
  toHex,
  u64,
  utf8,
  WireError,
} from '../wire/index.ts';
import type { Statement, TakingKind } from './types.ts';

/** Where a statement was made. */
export interface Origin {
  readonly swarmId: Uint8Array;
  readonly nodeId: string;
}

export interface SignedStatement {
  readonly statement: Uint8Array;
  readonly signature: Uint8Array;
  readonly keyVersion: number;
}

/** Signs a taking and nothing else: the label is of this kind alone. */
export function signStatement(
  identity: Identity,
  swarmId: Uint8Array,
  content: Statement,
): SignedStatement {
  const statement = encodeStatement({ swarmId, nodeId: identity.nodeId }, content);
  const { version } = identity.newest;
  return { statement, signature: identity.sign(statement), keyVersion: version };
}

/** `signKey` is that of the node's key entry of the taking's key version. */
export function verifyStatement(
  signKey: Uint8Array,
  { statement, signature }: Pick<SignedStatement, 'statement' | 'signature'>,
): boolean {
  return verifyStrict(signKey, statement, signature);
}

/** The bytes that are signed. Whoever keeps a taking's parts can make them again. */
export function encodeStatement(origin: Origin, content: Statement): Uint8Array {
  const { reason, dropped } = content;
  return encodeFields([
    LABEL,
    origin.swarmId,
    fromHex(origin.nodeId),
    content.line,
    utf8(content.table),
    u64(content.sequence),
    u64(content.at),
    utf8(content.kind),
    content.base,
    content.hash,
    content.shape,
    utf8(reason?.code ?? ''),
    utf8(reason?.message ?? ''),
    dropped === undefined ? NOTHING : encodeFields([u64(dropped.from), u64(dropped.to)]),
  ]);
}

/** @throws WireError `malformed` */
export function decodeStatement(bytes: Uint8Array): Statement & Origin {
  try {
    return decode(bytes);
  } catch (error) {
    throw new WireError('malformed', `not a taking: ${(error as Error).message}`);
  }
}

function decode(bytes: Uint8Array): Statement & Origin {
  const fields = decodeFields(bytes, 14);
  const exactly = (at: number, ...lengths: number[]): Uint8Array => {
    const field = fields[at]!;
    if (!lengths.includes(field.length))
      throw new RangeError(`field ${at} is ${field.length} long`);
    return field;
  };
  if (!equalBytes(fields[0]!, LABEL)) throw new RangeError('it is of another kind');
  const kind = fromUtf8(fields[7]!) as TakingKind;
  if (!KINDS.includes(kind)) throw new RangeError(`kind ${JSON.stringify(kind)}`);
  const [table, code, message] = [4, 11, 12].map((at) => fromUtf8(fields[at]!)) as [
    string,
    string,
    string,
  ];
  if (!TABLE_NAME.test(table)) throw new RangeError('its table has no name');
  // PostgreSQL's text has no U+0000.
  if (`${code}${message}`.includes('\0')) throw new RangeError('a zero byte in its reason');
  return {
    swarmId: exactly(1, 32),
    nodeId: toHex(exactly(2, 32)),
    line: exactly(3, 16),
    table,
    sequence: readU64(fields[5]!),
    at: readU64(fields[6]!),
    kind,
    base: exactly(8, kind === 'full' || kind === 'gap' ? 0 : 32),
    hash: exactly(9, kind === 'gap' ? 0 : 32),
    shape: exactly(10, kind === 'gap' ? 0 : 32),
    ...(code === '' ? {} : { reason: { code, message } }),
    ...droppedOf(fields[13]!),
  };
}

function droppedOf(field: Uint8Array): Pick<Statement, 'dropped'> {
  if (field.length === 0) return {};
  const [from, to] = decodeFields(field, 2) as [Uint8Array, Uint8Array];
  return { dropped: { from: readU64(from), to: readU64(to) } };
}

const TABLE_NAME = /^[a-z][a-z0-9_]{0,62}$/;
const LABEL = protocolLabel('taking');
const NOTHING = new Uint8Array(0);
const KINDS: readonly TakingKind[] = ['full', 'delta', 'same', 'gap'];
