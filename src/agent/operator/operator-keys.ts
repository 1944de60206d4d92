/**
 * Adding, replacing and revoking keys of the operator (docs/protocol.md section 9). What a revoked key
 * signed counts nowhere; what shall stay is signed again first, by a key that still counts.
 */
import { randomBytes } from 'node:crypto';
import {
  issueHeadCertificate,
  issueHubCertificate,
  issueKeyStatement,
  issueRevocations,
  issueToken,
  KEYS_OF_ONE_MAX,
  OperatorKey,
  operatorKeyId,
  parseOperatorRecord,
  parseRevocations,
  parseTokenRecord,
  signerOf,
  type KeyStatement,
  type ListedKey,
  type OperatorSet,
  type PinnedOperator,
} from '../../secure/index.ts';
import { toHex } from '../../wire/index.ts';
import { AgentError } from '../errors.ts';

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n));

export interface NewKey {
  readonly key: OperatorKey;
  /** Of its file. */
  readonly text: string;
}

/** A further key of a swarm; nobody knows of it yet. */
export async function makeKey(swarmId: Uint8Array, passphrase?: string): Promise<NewKey> {
  const key = OperatorKey.create(random, swarmId);
  const sealed = passphrase === undefined ? {} : { passphrase };
  return { key, text: await key.toFile({ random, ...sealed }) };
}

export function isCounting(operators: OperatorSet, key: OperatorKey): boolean {
  return operators.counts(toHex(key.publicKey));
}

/** A key by its whole id, or by a name that only one has. @throws AgentError `invalid_request` */
export function keyMeant(operators: OperatorSet, named: string): ListedKey {
  const all = operators.keys.filter((one) => one.id === named || one.added?.name === named);
  if (all.length === 1) return all[0]!;
  throw new AgentError(
    'invalid_request',
    all.length === 0
      ? `${JSON.stringify(named)} is no key of the operator`
      : `${all.length} keys are called ${JSON.stringify(named)}: ${all.map(({ id }) => id).join(', ')}`,
    'write the whole id of 64 digits, as `swarmplane operator key list` shows it',
  );
}

/** In the place behind all that the signer has added, or in another one. */
export function addKey(
  by: OperatorKey,
  operators: OperatorSet,
  added: { readonly key: OperatorKey; readonly name: string },
  number = nextNumber(by, operators),
): KeyStatement {
  const key = toHex(added.key.publicKey);
  return state(by, operators, { verb: 'add', key, number, name: added.name, stay: [] });
}

/** `stay`: of the keys that it has added, those that count on. */
export function revokeKey(
  by: OperatorKey,
  operators: OperatorSet,
  key: string,
  stay: readonly string[],
): KeyStatement {
  return state(by, operators, { verb: 'revoke', key, number: 0, name: '', stay });
}

/** What a key that ends has revoked, and would count again without it. */
export function revokeAgain(
  by: OperatorKey,
  operators: OperatorSet,
  ended: ListedKey,
): KeyStatement[] {
  return operators.statements
    .filter(({ verb, signer, key }) => verb === 'revoke' && signer === ended.key && key !== signer)
    .filter(({ key }) => operators.get(key)?.revokedBy === ended.key)
    .map(({ key, stay }) => revokeKey(by, operators, key, stay));
}

/** The place of a key that is replaced: before all that it added itself, or right behind it. */
export function placeOf(by: OperatorKey, operators: OperatorSet, replaced: ListedKey): number {
  const self = toHex(by.publicKey);
  if (replaced.key === self) return Math.min(FIRST_NUMBER, ...numbersOf(self, operators)) - 1;
  const { added } = replaced;
  return added?.signer === self ? added.number + 1 : nextNumber(by, operators);
}

/** Keys that it has added, and that are listed still. */
export function addedBy(operators: OperatorSet, key: string): ListedKey[] {
  return operators.keys.filter(({ added }) => added?.signer === key);
}

/** Keys that count before a statement, and not after it. */
export function endedBy(operators: OperatorSet, statement: KeyStatement): ListedKey[] {
  const after = operators.with(statement) ?? operators;
  return operators.keys.filter(({ key, counts }) => counts && !after.counts(key));
}

export interface KnownSigned {
  readonly lists: readonly Uint8Array[];
  readonly tokens: readonly { readonly bytes: Uint8Array }[];
  readonly named: readonly Uint8Array[];
  readonly epoch: number;
}

export interface SignedAgain {
  readonly records: readonly Uint8Array[];
  /** Serials of hub certificates by the node id. */
  readonly hubs: readonly { readonly nodeId: string; readonly serial: string; notAfter: number }[];
  /** What could not be, and why: a thief's numbers must not keep its key from ending. */
  readonly left: readonly string[];
}

/** What goes again of keys that end. */
export interface AgainChoice {
  /** Public keys. */
  readonly ended: ReadonlySet<string>;
  /** A thief may have signed it: revocation lists alone. */
  readonly isStolen: boolean;
  /** Prefixes of hosts that their lists put out, and that are not put out any more. */
  readonly readmitted?: ReadonlySet<string>;
}

/** Prefixes of hosts that are out by the word of keys that end, and by no other. */
export function expelledBy(
  pinned: PinnedOperator,
  lists: readonly Uint8Array[],
  ended: ReadonlySet<string>,
): string[] {
  const all = (isTheirs: boolean): string[] =>
    lists
      .filter((bytes) => ended.has(signerOf(bytes, pinned.operatorKey)) === isTheirs)
      .flatMap((bytes) => [...parseRevocations(bytes, pinned).expelled.keys()]);
  const others = new Set(all(false));
  return [...new Set(all(true))].filter((prefix) => !others.has(prefix)).sort();
}

/**
 * What keys signed that will not count any more, signed by another one: revocation lists, in one, and
 * unless a thief may have signed them the join tokens of this epoch, by which hosts are in, and the
 * certificates of hubs and those about key lists.
 */
export function signAgain(
  by: OperatorKey,
  pinned: PinnedOperator,
  { lists, tokens, named, epoch }: KnownSigned,
  { ended, isStolen, readmitted = new Set() }: AgainChoice,
): SignedAgain {
  const isEnded = (bytes: Uint8Array): boolean => ended.has(signerOf(bytes, pinned.operatorKey));
  const seconds = Math.floor(Date.now() / 1000);
  const [records, left]: [Uint8Array[], string[]] = [[], []];
  const hubs: { nodeId: string; serial: string; notAfter: number }[] = [];
  const attempt = (what: string, sign: () => Uint8Array): void => {
    try {
      records.push(sign());
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      left.push(`${what}: ${error.message}`);
    }
  };
  if (lists.some(isEnded)) {
    const inForce = lists.map((bytes) => {
      const list = parseRevocations(bytes, pinned);
      if (!isEnded(bytes)) return list;
      const expelled = [...list.expelled].filter(([prefix]) => !readmitted.has(prefix));
      return { ...list, expelled: new Map(expelled) };
    });
    const at = { day: Math.floor(seconds / 86_400), epoch };
    attempt('revocation lists', () => issueRevocations(by, inForce, {}, at).bytes);
  }
  for (const { bytes } of isStolen ? [] : tokens.filter((one) => isEnded(one.bytes))) {
    const token = parseTokenRecord(bytes, pinned);
    const next = { ...token, version: token.version + 1 };
    attempt(`join token ${token.tag}`, () => issueToken(by, next).bytes);
  }
  for (const bytes of isStolen ? [] : named.filter(isEnded)) {
    const record = parseOperatorRecord(bytes, pinned);
    // Later than the one it stands for, or it would be no news.
    const later = record.number + 1;
    if (record.kind === 'head') {
      const { head } = record;
      attempt(`the word on the keys of ${head.nodeId}`, () =>
        issueHeadCertificate(by, head, Math.max(seconds, later)),
      );
    }
    if (record.kind !== 'hub' || record.notAfter <= seconds) continue;
    const { nodeId, notAfter } = record;
    attempt(`the certificate of hub ${nodeId}`, () => {
      const content = { nodeId, notBefore: later, notAfter };
      const again = issueHubCertificate(by, content, random);
      hubs.push({ nodeId, serial: again.serial, notAfter });
      return again.bytes;
    });
  }
  return { records, hubs, left };
}

function state(
  by: OperatorKey,
  operators: OperatorSet,
  content: Pick<KeyStatement, 'verb' | 'key' | 'number' | 'name' | 'stay'>,
): KeyStatement {
  const made = Math.floor(Date.now() / 1000);
  try {
    const statement = issueKeyStatement(by, { ...content, made });
    // Without effect it would be a word that nobody keeps.
    if (operators.with(statement) !== undefined) return statement;
  } catch (error) {
    const message = `cannot sign that: ${(error as Error).message}`;
    throw new AgentError('operator_key', message, undefined, { cause: error });
  }
  throw new AgentError(
    'operator_key',
    `the key ${by.id} cannot say that of ${operatorKeyId(content.key)}: it was said already, or it has added or revoked ${KEYS_OF_ONE_MAX} keys`,
    'see `swarmplane operator key list`; sign it with another key (--key FILE)',
  );
}

function nextNumber(by: OperatorKey, operators: OperatorSet): number {
  const used = numbersOf(toHex(by.publicKey), operators);
  return used.length === 0 ? FIRST_NUMBER : Math.max(...used) + NUMBER_STEP;
}

function numbersOf(signer: string, operators: OperatorSet): number[] {
  return operators.statements
    .filter((one) => one.signer === signer && one.verb === 'add')
    .map(({ number }) => number);
}

/** With room before, and between, for keys that replace others. */
const FIRST_NUMBER = 2 ** 30;
const NUMBER_STEP = 1024;
