/**
 * The operator's desk: signs certificates and revocations with the operator key, in the process of
 * the command line and nowhere else. No agent is needed; the key never goes to one. What was granted
 * is noted in a ledger beside the key file, so that it can be revoked by host.
 */
import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import {
  createEpoch,
  createJoinToken,
  deriveTokenKeys,
  issueCertificate,
  issueHeadCertificate,
  issueHubCertificate,
  issueRevocations,
  issueToken,
  nameTag,
  OperatorKey,
  operatorKeyId,
  OperatorSet,
  parseKeyEntry,
  parseRevocations,
  parseTokenRecord,
  SecureError,
  type EpochHead,
  type EpochId,
  type NamedHead,
  type NodeId,
  type PinnedOperator,
  type TokenRecord,
} from '../../secure/index.ts';
import type { OperatorBundle } from '../../swarm/index.ts';
import { equalBytes, fromHex, toHex } from '../../wire/index.ts';
import { AgentError } from '../errors.ts';

export const ROLES = ['commander', 'reader-of-sensitive', 'hub'] as const;

export interface Grant {
  readonly nodeId: NodeId;
  readonly roles: readonly string[];
  readonly actions: readonly string[];
  readonly tables: readonly string[];
  readonly days: number;
}

export interface Granted {
  readonly serial: string;
  readonly nodeId: NodeId;
  /** Unix seconds. */
  readonly notAfter: number;
}

/** What a join token is made with. */
export interface TokenTerms {
  /** Hosts that it may bring. */
  readonly uses: number;
  readonly hours: number;
  readonly note: string;
  /** The name of the one host it is for; empty for any. */
  readonly host: string;
}

export interface NewToken {
  readonly text: string;
  readonly record: TokenRecord;
}

export interface NewEpochOrder {
  readonly bundle: OperatorBundle;
  readonly head: EpochHead;
  readonly epochKey: Uint8Array;
  readonly token: NewToken | undefined;
}

/** What the swarm tells whoever holds a key of its operator. */
export interface KnownOperators {
  readonly swarmId: Uint8Array;
  /** The first key. */
  readonly operatorKey: Uint8Array;
  /** Statements about others. */
  readonly operators: readonly Uint8Array[];
}

export class OperatorDesk {
  readonly #key: OperatorKey;
  readonly #file: string;
  /** As the swarm knows them; of the first key itself before that was asked. */
  #operators: OperatorSet | undefined;

  private constructor(key: OperatorKey, file: string) {
    this.#key = key;
    this.#file = file;
  }

  /** @throws AgentError `operator_key` that quotes the file */
  static async open(file: string, passphrase?: string): Promise<OperatorDesk> {
    try {
      const key = await OperatorKey.fromFile(readFileSync(file, 'utf8'), passphrase);
      return new OperatorDesk(key, file);
    } catch (error) {
      throw new AgentError(
        'operator_key',
        `cannot read the operator key ${JSON.stringify(file)}: ${(error as Error).message}`,
        hintFor(error),
        { cause: error },
      );
    }
  }

  get file(): string {
    return this.#file;
  }

  get key(): OperatorKey {
    return this.#key;
  }

  /** The operator's keys. @throws AgentError `operator_key` when the own one does not count */
  checkKey(known: KnownOperators): OperatorSet {
    const set = this.checkAnswer(known);
    if (!set.counts(toHex(this.#key.publicKey))) throw this.#noKey(set);
    return set;
  }

  /** The same for revoking: a key that only a junior one has revoked may end that one in turn. */
  checkAnswer({ swarmId, operatorKey, operators }: KnownOperators): OperatorSet {
    this.checkSwarm(swarmId);
    const set = (this.#operators = OperatorSet.read(operatorKey, operators));
    if (set.get(toHex(this.#key.publicKey))?.isFinal !== false) throw this.#noKey(set);
    return set;
  }

  #noKey(set: OperatorSet): AgentError {
    const listed = set.get(toHex(this.#key.publicKey));
    const by = listed?.revokedBy === undefined ? undefined : operatorKeyId(listed.revokedBy);
    const why =
      by === undefined
        ? 'was never added as a key of the operator, as far as this host knows'
        : `was revoked by ${by}`;
    return new AgentError(
      'operator_key',
      `the key ${JSON.stringify(this.#file)} (${this.#key.id}) ${why}: what it signs counts nowhere`,
      // A junior key's word: this one is the stronger, and whoever has that key may be a thief.
      by !== undefined && listed?.isFinal === false
        ? `it is senior to that key: if you did not say so, end that one with \`swarmplane operator key revoke ${by} --stolen\` and this key`
        : 'name a key that counts with --key FILE (`swarmplane operator key list`)',
    );
  }

  /** @throws AgentError `operator_key` when the key is another swarm's */
  checkSwarm(swarmId: Uint8Array): void {
    if (equalBytes(swarmId, this.#key.swarmId)) return;
    throw new AgentError(
      'operator_key',
      `the key ${JSON.stringify(this.#file)} is of swarm ${toHex(this.#key.swarmId).slice(0, 16)}, this host is in ${toHex(swarmId).slice(0, 16)}`,
      'name the key that `swarmplane init` made for this swarm with --key FILE',
    );
  }

  /** A certificate, as signed; noted in the ledger first. @throws AgentError `operator_key` */
  grant({ days, ...content }: Grant): Granted & { readonly bytes: Uint8Array } {
    // Hosts whose clocks are a little behind must not find it not valid yet.
    const notBefore = Math.floor(Date.now() / 1000) - CLOCK_SLACK_SECONDS;
    const notAfter = Math.floor(notBefore + days * 86_400);
    try {
      const certificate = issueCertificate(this.#key, { ...content, notBefore, notAfter }, random);
      const { serial, nodeId, bytes } = certificate;
      this.#note({ serial, nodeId, notAfter });
      return { serial, nodeId, notAfter, bytes };
    } catch (error) {
      const message = `cannot grant that: ${(error as Error).message}`;
      throw new AgentError('operator_key', message, undefined, { cause: error });
    }
  }

  /** The operator's word that a host is a hub, as a record; noted first. @throws AgentError `operator_key` */
  grantHub(nodeId: NodeId, days: number): Granted & { readonly bytes: Uint8Array } {
    return this.#signing('cannot grant that', () => {
      const notBefore = Math.floor(Date.now() / 1000) - CLOCK_SLACK_SECONDS;
      const notAfter = Math.floor(notBefore + days * 86_400);
      const { serial, bytes } = issueHubCertificate(
        this.#key,
        { nodeId, notBefore, notAfter },
        random,
      );
      this.#note({ serial, nodeId, notAfter });
      return { serial, nodeId, notAfter, bytes };
    });
  }

  /** Serials of what the ledger says was granted to a node. */
  granted(nodeId: NodeId): string[] {
    return this.#readLedger()
      .filter((granted) => granted.nodeId === nodeId)
      .map((granted) => granted.serial);
  }

  /**
   * The list that stands in place of those in force with more in it, as signed.
   * @throws AgentError `operator_key`
   */
  revoke(
    inForce: readonly Uint8Array[],
    added: { readonly serials?: readonly string[]; readonly expelled?: readonly NodeId[] },
    epoch: number,
  ): { readonly number: number; readonly bytes: Uint8Array } {
    const day = Math.floor(Date.now() / 86_400_000);
    return this.#signing('cannot revoke that', () => {
      const lists = inForce.map((bytes) => parseRevocations(bytes, this.pinned));
      return issueRevocations(this.#key, lists, added, { day, epoch });
    });
  }

  /** The operator's word on which entry of a forked key list is the good one, as signed. */
  nameHead(head: NamedHead): Uint8Array {
    return issueHeadCertificate(this.#key, head, Math.floor(Date.now() / 1000));
  }

  /** A join token for an epoch, and the record of it. @throws AgentError `operator_key` */
  async newToken(epochId: EpochId, { uses, hours, note, host }: TokenTerms): Promise<NewToken> {
    const { swarmId } = this.#key;
    const { text, secret } = createJoinToken({ swarmId, random });
    const { publicKey, joinKey, seed } = await deriveTokenKeys(secret, swarmId);
    seed.fill(0);
    const made = Math.floor(Date.now() / 1000);
    return this.#signing('cannot make that token', () => {
      const notAfter = made + Math.round(hours * 3600);
      const content = { epochId, version: 1, publicKey, joinKey, uses, made, notAfter, note, host };
      return { text, record: issueToken(this.#key, { ...content, state: 'open' }) };
    });
  }

  /** The next version of a token, which lets nobody in any more beyond those that were seen. */
  endToken(bytes: Uint8Array, seen: number): TokenRecord {
    return this.#signing('cannot end that token', () => {
      const token = parseTokenRecord(bytes, this.pinned);
      const { version, uses } = token;
      const next = { version: version + 1, uses: Math.min(uses, seen), state: 'ended' } as const;
      return issueToken(this.#key, { ...token, ...next });
    });
  }

  /**
   * A new epoch: a new key for those that stay, who are its roll, and a first token unless there are
   * no `terms`. All of it goes to the agent in one piece.
   * @throws AgentError `operator_key`
   */
  async newEpoch(options: {
    readonly parent: EpochId | undefined;
    readonly epoch: number;
    readonly members: readonly { readonly entry: Uint8Array; readonly name: string }[];
    readonly terms: TokenTerms | undefined;
    /** Goes before the EPOCH: whom it expels is out before the new key is made known. */
    readonly list?: Uint8Array;
  }): Promise<NewEpochOrder> {
    const { parent, epoch, members, terms, list } = options;
    const epochKey = random(32);
    const claims = new Map<string, number>();
    for (const { name } of members) claims.set(name, (claims.get(name) ?? 0) + 1);
    const tagOf = (name: string) =>
      claims.get(name) === 1 ? nameTag(this.#key.swarmId, name) : new Uint8Array(8);
    const { head, parts } = this.#signing('cannot make an EPOCH', () =>
      createEpoch(this.#key, {
        epoch,
        parent,
        epochKey,
        random,
        nowSeconds: Math.floor(Date.now() / 1000),
        members: members.map(({ entry, name }) => ({
          entry: parseKeyEntry(entry),
          nameTag: tagOf(name),
        })),
      }),
    );
    const token = terms === undefined ? undefined : await this.newToken(head.id, terms);
    const records = [...(list ? [list] : []), head.bytes, ...(token ? [token.record.bytes] : [])];
    return { bundle: { records, parts }, head, epochKey, token };
  }

  /** For reading what keys of the operator have signed, once the swarm was asked. */
  get pinned(): PinnedOperator {
    const { publicKey, swarmId } = this.#key;
    const operators = this.#operators;
    const operatorKey = operators === undefined ? publicKey : fromHex(operators.founder);
    return { operatorKey, swarmId, ...(operators && { operators }) };
  }

  /** What a revoked key granted is the signer's to revoke now. */
  noteGranted(granted: readonly Granted[]): void {
    for (const one of granted) this.#note(one);
  }

  #signing<T>(what: string, sign: () => T): T {
    try {
      return sign();
    } catch (error) {
      const message = `${what}: ${(error as Error).message}`;
      throw new AgentError('operator_key', message, undefined, { cause: error });
    }
  }

  get #ledger(): string {
    return `${this.#file}.granted`;
  }

  #note(granted: Granted): void {
    appendFileSync(this.#ledger, `${JSON.stringify(granted)}\n`, { mode: 0o600 });
  }

  #readLedger(): Granted[] {
    try {
      const lines = readFileSync(this.#ledger, 'utf8').split('\n');
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Granted);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw new AgentError(
        'operator_key',
        `cannot read ${JSON.stringify(this.#ledger)}: ${(error as Error).message}`,
        'revoke by serial, which `operator grant` printed',
        { cause: error },
      );
    }
  }
}

/**
 * The text of a key file made of the words that were printed.
 * @throws AgentError `operator_key`, which never quotes a word
 */
export async function recoverKey(
  words: string,
  {
    swarmId,
    ...sealed
  }: {
    readonly passphrase?: string;
    /** Of a key that was added; without it the words are those of the first one. */
    readonly swarmId?: Uint8Array;
  },
): Promise<{ readonly text: string; readonly swarmId: string; readonly id: string }> {
  try {
    const key = OperatorKey.fromWords(words, swarmId);
    const text = await key.toFile({ random, ...sealed });
    return { text, swarmId: toHex(key.swarmId), id: key.id };
  } catch (error) {
    const message = `these are not the words of an operator key: ${(error as Error).message}`;
    throw new AgentError('operator_key', message, undefined, { cause: error });
  }
}

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n));

const CLOCK_SLACK_SECONDS = 300;

function hintFor(error: unknown): string {
  if (error instanceof SecureError && error.code === 'wrong_passphrase') {
    return 'write its passphrase into a file and name that with --passphrase-file FILE';
  }
  return 'name the file with --key FILE; `swarmplane init` wrote it to operator.key in its state folder';
}
