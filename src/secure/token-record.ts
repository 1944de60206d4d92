/**
 * TOKEN (docs/protocol.md section 3): what members know of a join token, signed by the operator. It
 * holds the join key, so that any member can let a host in, and the public token key, so that every
 * member can tell an admission from an invention.
 */
import {
  admissionMessage,
  fromHex,
  fromUtf8,
  readU64,
  splitAdmission,
  toHex,
  u64,
  utf8,
} from '../wire/index.ts';
import type { PinnedOperator } from './certificate.ts';
import { verifyStrict } from './ed25519.ts';
import { SecureError } from './errors.ts';
import { openRecord, signRecord, type RecordKind } from './operator-record.ts';
import type { OperatorKey } from './operator.ts';
import { tokenTag } from './token.ts';
import type { NodeId, TokenRecord } from './types.ts';

/** Hosts that one token may bring. */
export const TOKEN_USES_MAX = 4096;
export const TOKEN_SECONDS_MAX = 400 * 86_400;
export const TOKEN_NOTE_BYTES_MAX = 64;

export type TokenContent = Omit<TokenRecord, 'kind' | 'tag' | 'number' | 'bytes'>;

/** @throws RangeError for more uses, time or note than a token may have */
export function issueToken(operator: OperatorKey, content: TokenContent): TokenRecord {
  const problem = problemOf(content);
  if (problem !== undefined) throw new RangeError(problem);
  const bytes = signRecord(operator, TOKEN, [
    fromHex(content.epochId),
    u64(content.version),
    content.publicKey,
    content.joinKey,
    u64(content.uses),
    u64(content.made),
    u64(content.notAfter),
    utf8(content.note),
    utf8(content.host),
    Uint8Array.of(content.state === 'open' ? 0 : 1),
  ]);
  const tag = toHex(tokenTag(operator.swarmId, content.publicKey));
  return { ...content, kind: 'token', tag, number: content.version, bytes };
}

/** @throws SecureError `bad_record` */
export function parseTokenRecord(bytes: Uint8Array, pinned: PinnedOperator): TokenRecord {
  const fields = openRecord(bytes, TOKEN, pinned);
  try {
    const [epochId, version, publicKey, joinKey, uses, made, notAfter, note, host, state] =
      fields as Fields;
    if (epochId.length !== 16) throw new RangeError('an epoch id of the wrong length');
    if (publicKey.length !== 32 || joinKey.length !== 32) throw new RangeError('not two keys');
    if (state.length !== 1 || state[0]! > 1) throw new RangeError('an unknown state');
    const content: TokenContent = {
      epochId: toHex(epochId),
      version: readU64(version),
      publicKey,
      joinKey,
      uses: readU64(uses),
      made: readU64(made),
      notAfter: readU64(notAfter),
      note: fromUtf8(note),
      host: fromUtf8(host),
      state: state[0] === 0 ? 'open' : 'ended',
    };
    const problem = problemOf(content);
    if (problem !== undefined) throw new RangeError(problem);
    const tag = toHex(tokenTag(pinned.swarmId, publicKey));
    return {
      ...content,
      kind: 'token',
      tag,
      number: content.version,
      bytes: new Uint8Array(bytes),
    };
  } catch (cause) {
    const why = (cause as Error).message;
    throw new SecureError('bad_record', `bad TOKEN: ${why}`, { cause });
  }
}

/** Whether an admission is this token's, of this node. */
export function isAdmittedBy(
  token: Pick<TokenRecord, 'tag' | 'publicKey'>,
  swarmId: Uint8Array,
  nodeId: NodeId,
  admission: Uint8Array,
): boolean {
  const split = splitAdmission(admission);
  if (split?.tag !== token.tag) return false;
  const message = admissionMessage(swarmId, fromHex(token.tag), fromHex(nodeId));
  return verifyStrict(token.publicKey, message, split.signature);
}

export const TOKEN: RecordKind = {
  label: 'token record',
  fields: 10,
  error: 'bad_record',
  version: 2,
};

type Fields = [
  ...[Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array],
  ...[Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array],
];

function problemOf({
  uses,
  version,
  made,
  notAfter,
  note,
  host,
}: TokenContent): string | undefined {
  if (!(uses >= 0 && uses <= TOKEN_USES_MAX)) return `${uses} uses, at most ${TOKEN_USES_MAX}`;
  if (!(version >= 1 && version <= 2 ** 40)) return `version ${version}`;
  if (notAfter < made || notAfter - made > TOKEN_SECONDS_MAX) return 'it holds for over 400 days';
  if (utf8(note).length > TOKEN_NOTE_BYTES_MAX) return 'a note of more than 64 bytes';
  return utf8(host).length > 255 ? 'a host name of more than 255 bytes' : undefined;
}
