/**
 * What one key of the operator says of another (docs/protocol.md section 9): that it is a key of the
 * operator, too, or that it is none any more. Which of them count is in operator-set.ts.
 */
import { concat, fromHex, fromUtf8, readU64, toHex, u64, utf8 } from '../wire/index.ts';
import type { PinnedOperator } from './certificate.ts';
import { SecureError } from './errors.ts';
import { sha256 } from './hash.ts';
import { NUMBER_MAX } from './limits.ts';
import { openSigned, signRecord, type RecordKind } from './operator-record.ts';
import type { OperatorKey } from './operator.ts';
import type { KeyStatement } from './types.ts';

/** Keys that one key may add, and as many that it may revoke. */
export const KEYS_OF_ONE_MAX = 12;

export type KeyStatementContent = Omit<KeyStatement, 'kind' | 'signer' | 'hash' | 'bytes'>;

/** @throws RangeError for a name or number that is none */
export function issueKeyStatement(
  operator: OperatorKey,
  content: KeyStatementContent,
): KeyStatement {
  const problem = problemOf(content);
  if (problem !== undefined) throw new RangeError(problem);
  const { verb, key, number, made, name, stay } = content;
  const bytes = signRecord(operator, KEY_STATEMENT, [
    Uint8Array.of(VERBS.indexOf(verb)),
    fromHex(key),
    u64(number),
    u64(made),
    utf8(name),
    concat(...[...stay].sort().map(fromHex)),
  ]);
  const signer = toHex(operator.publicKey);
  return { ...content, kind: 'operator-key', signer, hash: toHex(sha256(bytes)), bytes };
}

/**
 * Whether its signer is one that may say so is looked at by who keeps it; only keys that are listed, in
 * force or not, are looked at at all.
 * @throws SecureError `bad_record`
 */
export function parseKeyStatement(bytes: Uint8Array, pinned: PinnedOperator): KeyStatement {
  const founder = toHex(pinned.operatorKey);
  const isListed = (key: string): boolean => pinned.operators?.knows(key) ?? key === founder;
  const { fields, signer } = openSigned(bytes, KEY_STATEMENT, pinned, isListed);
  const [verb, key, number, made, name, stay] = fields as Fields;
  try {
    if (verb.length !== 1 || key.length !== 32 || stay.length % 32 !== 0) {
      throw new RangeError('a field of the wrong length');
    }
    const content: KeyStatementContent = {
      verb: VERBS[verb[0]!] ?? refuse(`verb ${verb[0]}`),
      key: toHex(key),
      number: readU64(number),
      made: readU64(made),
      name: fromUtf8(name),
      stay: Array.from({ length: stay.length / 32 }, (_, at) =>
        toHex(stay.subarray(at * 32, (at + 1) * 32)),
      ),
    };
    const problem = problemOf(content);
    if (problem !== undefined) throw new RangeError(problem);
    const hash = toHex(sha256(bytes));
    return { ...content, kind: 'operator-key', signer, hash, bytes: new Uint8Array(bytes) };
  } catch (cause) {
    const why = (cause as Error).message;
    throw new SecureError('bad_record', `bad statement about an operator key: ${why}`, { cause });
  }
}

/** What an operator key is called by people, and in commands: SHA-256 of the public key. */
export function operatorKeyId(publicKey: string): string {
  return toHex(sha256(fromHex(publicKey)));
}

export const KEY_STATEMENT: RecordKind = {
  label: 'operator key',
  version: 2,
  fields: 6,
  error: 'bad_record',
};

const VERBS = ['add', 'revoke'] as const;

type Fields = [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];

function problemOf({ verb, key, number, name, stay }: KeyStatementContent): string | undefined {
  if (!/^[0-9a-f]{64}$/.test(key)) return 'a key that is not 32 bytes';
  if (number > NUMBER_MAX) return `number ${number}`;
  if (!/^[a-z0-9._-]{0,32}$/.test(name)) {
    return `the name ${JSON.stringify(name.slice(0, 80))} is not of up to 32 of a-z, 0-9, dot, dash and underscore`;
  }
  if (verb === 'add' && stay.length > 0) return 'an addition that names what stays';
  return stay.length > KEYS_OF_ONE_MAX ? `${stay.length} keys that stay` : undefined;
}

function refuse(why: string): never {
  throw new RangeError(why);
}
