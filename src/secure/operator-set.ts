/**
 * The keys of the operator (docs/protocol.md section 9). The swarm id pins the first one; each listed
 * key may add others below itself. Keys stand in an order, seniority: who is added stands behind who
 * added it, and before all that stood behind that one's later additions. A senior key's word ends a
 * junior one for good, whatever that has said; a junior's word ends a senior one for as long as no
 * senior has ended the junior. What follows depends on the set of statements alone, never on the order
 * in which they came, so that two sides of a cut network agree again.
 */
import { decodeAllFields, fromHex, toHex } from '../wire/index.ts';
import { SecureError } from './errors.ts';
import { sha256 } from './hash.ts';
import { KEYS_OF_ONE_MAX, operatorKeyId, parseKeyStatement } from './key-statement.ts';
import { signerOf } from './operator-record.ts';
import type { KeyStatement, SwarmSecrets } from './types.ts';

export interface ListedKey {
  /** Public key, 64 hex digits. */
  readonly key: string;
  /** What people call it: SHA-256 of the key. */
  readonly id: string;
  /** By whom it was added; none for the first. */
  readonly added: KeyStatement | undefined;
  /** Its signature counts. */
  readonly counts: boolean;
  /** The key by whose word it does not. */
  readonly revokedBy: string | undefined;
  /** False for a key that only a junior one has revoked. */
  readonly isFinal: boolean;
}

export class OperatorSet {
  /** Public key of the first, 64 hex digits. */
  readonly founder: string;
  /** Those that are kept: by seniority of the signer, then those of ended keys that say nothing now. */
  readonly statements: readonly KeyStatement[];
  /** By seniority. */
  readonly keys: readonly ListedKey[];
  readonly #byKey: ReadonlyMap<string, ListedKey>;

  private constructor(founder: string, statements: readonly KeyStatement[]) {
    this.founder = founder;
    const listing = new Listing(statements);
    listing.visit(founder, undefined);
    listing.endSeniors();
    listing.keepSpare();
    this.statements = listing.kept;
    this.keys = listing.keys;
    this.#byKey = new Map(this.keys.map((one) => [one.key, one]));
  }

  static of(founder: Uint8Array, statements: readonly KeyStatement[] = []): OperatorSet {
    return new OperatorSet(toHex(founder), statements);
  }

  /** Of bytes as signed; those that say nothing here are passed over. */
  static read(founder: Uint8Array, statements: readonly Uint8Array[]): OperatorSet {
    return OperatorSet.of(founder).withAll(statements);
  }

  /** Whether a signature of this key counts. */
  counts(key: string): boolean {
    return this.#byKey.get(key)?.counts === true;
  }

  /** Whether a key was ever added by one that might. */
  knows(key: string): boolean {
    return this.#byKey.has(key);
  }

  get(key: string): ListedKey | undefined {
    return this.#byKey.get(key);
  }

  /** With one more, its signature verified; undefined where that says nothing new. */
  with(statement: KeyStatement): OperatorSet | undefined {
    if (!this.knows(statement.signer)) return undefined;
    const holds = (set: OperatorSet): boolean =>
      set.statements.some(({ hash }) => hash === statement.hash);
    if (holds(this)) return undefined;
    const next = new OperatorSet(this.founder, [...this.statements, statement]);
    return holds(next) ? next : undefined;
  }

  /**
   * With what of these is right and new, in whatever order they are; itself where nothing is. What is
   * held costs no signature, and anything else one: a peer shows as many as it may.
   */
  withAll(statements: readonly Uint8Array[]): OperatorSet {
    const held = new Set(this.statements.map(({ hash }) => hash));
    const shown = statements.filter((bytes) => !held.has(toHex(sha256(bytes))));
    return extended(this, [...new Set(shown.map(toHex))].map(fromHex));
  }
}

/** Until nothing more is of a key that is listed by then. */
function extended(before: OperatorSet, shown: readonly Uint8Array[]): OperatorSet {
  let set = before;
  const later = shown.filter((bytes) => {
    if (!isOfListed(set, bytes)) return true;
    set = withBytes(set, bytes);
    return false;
  });
  return set === before ? set : extended(set, later);
}

function withBytes(set: OperatorSet, bytes: Uint8Array): OperatorSet {
  const operatorKey = fromHex(set.founder);
  const swarmId = fromHex(operatorKeyId(set.founder));
  try {
    const statement = parseKeyStatement(bytes, { operatorKey, swarmId, operators: set });
    return set.with(statement) ?? set;
  } catch {
    return set;
  }
}

function isOfListed(set: OperatorSet, bytes: Uint8Array): boolean {
  try {
    return set.knows(signerOf(bytes, fromHex(set.founder)));
  } catch {
    return false;
  }
}

/** The operator's keys as this host knows them. */
export function operatorsOf({ operatorKey, operators }: SwarmSecrets): OperatorSet | undefined {
  if (operatorKey === undefined) return undefined;
  const by = operators ?? NONE;
  const founder = toHex(operatorKey);
  const known = read.get(by);
  if (known?.founder === founder) return known;
  const set = OperatorSet.read(operatorKey, by);
  read.set(by, set);
  return set;
}

/** Statements as a peer shows them: fields of any number that may be. @throws SecureError `malformed` */
export function splitStatements(bytes: Uint8Array): Uint8Array[] {
  try {
    const all = decodeAllFields(new Uint8Array(bytes));
    if (all.length > STATEMENTS_MAX + 1) throw new RangeError(`${all.length} of them`);
    return all;
  } catch (cause) {
    const why = (cause as Error).message;
    throw new SecureError('malformed', `not statements about operator keys: ${why}`, { cause });
  }
}

/** Read once: signatures are asked for with each handshake. */
const read = new WeakMap<readonly Uint8Array[], OperatorSet>();
const NONE: readonly Uint8Array[] = [];

/** Statements that are kept: those of more senior keys first, and what says nothing now last. */
export const STATEMENTS_MAX = 96;

type Building = { -readonly [K in keyof ListedKey]: ListedKey[K] };

class Listing {
  readonly keys: Building[] = [];
  readonly kept: KeyStatement[] = [];
  /** Of ended keys: what would say something only if they counted again. It takes nobody else's room. */
  readonly #spare: KeyStatement[] = [];
  readonly #bySigner = new Map<string, KeyStatement[]>();
  readonly #seen = new Set<string>();
  /** Of each key that was visited: whom it revokes, and which of the keys that one added stay. */
  readonly #revokes = new Map<string, ReadonlyMap<string, ReadonlySet<string>>>();

  constructor(statements: readonly KeyStatement[]) {
    for (const one of statements) {
      this.#bySigner.set(one.signer, [...(this.#bySigner.get(one.signer) ?? []), one]);
    }
  }

  /** A key, then what it added, the lowest number first: all that were visited before are senior. */
  visit(key: string, added: KeyStatement | undefined): void {
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const own = this.#bySigner.get(key) ?? [];
    const senior = this.keys.find((one) => one.counts && this.#revokes.get(one.key)!.has(key))?.key;
    this.#revokes.set(key, this.#keepRevocations(key, own, senior !== undefined));
    const ender = senior ?? (this.#revokes.get(key)!.has(key) ? key : undefined);
    const counts = ender === undefined;
    const id = operatorKeyId(key);
    this.keys.push({ key, id, added, counts, revokedBy: ender, isFinal: !counts });
    const stay = ender === undefined ? undefined : this.#revokes.get(ender)!.get(key)!;
    for (const one of this.#keepAdditions(own, stay)) this.visit(one.key, one);
  }

  /** After the walk: as much as there is room for. */
  keepSpare(): void {
    this.kept.push(...this.#spare.slice(0, STATEMENTS_MAX - this.kept.length));
  }

  /** A junior's word against a senior that has let it stand; seniors' words go first. */
  endSeniors(): void {
    for (const [at, junior] of this.keys.entries()) {
      if (!junior.counts) continue;
      for (const senior of this.keys.slice(0, at)) {
        if (!senior.counts || !this.#revokes.get(junior.key)!.has(senior.key)) continue;
        senior.counts = false;
        senior.revokedBy = junior.key;
      }
    }
  }

  /**
   * What stays is what all revocations of a key by one signer name: who has a retired key can say more
   * of it, and thereby take away only. One that takes nothing more away is not kept.
   */
  #keepRevocations(
    signer: string,
    own: readonly KeyStatement[],
    isEnded: boolean,
  ): ReadonlyMap<string, ReadonlySet<string>> {
    const all = own.filter(({ verb }) => verb === 'revoke').sort(byHash);
    const subjects = [...new Set(all.map(({ key }) => key))];
    const others = subjects.filter((key) => key !== signer);
    const order = [...subjects.filter((key) => key === signer), ...others];
    const revokes = new Map<string, ReadonlySet<string>>();
    for (const subject of order.slice(0, KEYS_OF_ONE_MAX)) {
      // Of one that a senior ended no word is needed, of one that ended itself that word alone.
      const isSpare = isEnded || (subject !== signer && revokes.has(signer));
      let stay: ReadonlySet<string> | undefined;
      for (const one of all.filter(({ key }) => key === subject)) {
        const next = new Set(one.stay.filter((key) => stay === undefined || stay.has(key)));
        if (next.size === stay?.size || !this.#keep(one, isSpare)) continue;
        stay = next;
      }
      if (stay !== undefined) revokes.set(subject, stay);
    }
    return revokes;
  }

  /**
   * Gives those that are walked to, by number. Of an ended key those that stay are kept first, so that it
   * cannot add others in their place, and all by hash, so that it cannot go on putting out what is kept:
   * numbers can always be lower.
   */
  #keepAdditions(
    own: readonly KeyStatement[],
    stay: ReadonlySet<string> | undefined,
  ): KeyStatement[] {
    const all = own
      .filter(({ verb }) => verb === 'add')
      .sort(stay === undefined ? byNumber : byHash);
    const first = all.filter((one, at) => all.findIndex(({ key }) => key === one.key) === at);
    const stays = ({ key }: KeyStatement): boolean => stay === undefined || stay.has(key);
    const kept = [...first.filter(stays), ...first.filter((one) => !stays(one))]
      .slice(0, KEYS_OF_ONE_MAX)
      .filter((one) => this.#keep(one, !stays(one)));
    return kept.filter(stays).sort(byNumber);
  }

  /** False where there is no room. */
  #keep(statement: KeyStatement, isSpare: boolean): boolean {
    if (!isSpare && this.kept.length >= STATEMENTS_MAX) return false;
    (isSpare ? this.#spare : this.kept).push(statement);
    return true;
  }
}

function byHash(a: KeyStatement, b: KeyStatement): number {
  return a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0;
}

function byNumber(a: KeyStatement, b: KeyStatement): number {
  return a.number - b.number || (a.key < b.key ? -1 : a.key > b.key ? 1 : byHash(a, b));
}
