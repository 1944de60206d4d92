/**
 * The operator's desk: signs certificates and revocations with the operator key, in the process of
 * the command line and nowhere else. No agent is needed; the key never goes to one. What was granted
 * is noted in a ledger beside the key file, so that it can be revoked by host.
 */
import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import {
  issueCertificate,
  createEpochRecord,
  createJoinToken,
  deriveJoinKey,
  issueHeadCertificate,
  issueRevocations,
  OperatorKey,
  parseKeyEntry,
  parseRevocations,
  SecureError,
  type NamedHead,
  type NodeId,
} from '../secure/index.ts';
import { equalBytes, toHex } from '../wire/index.ts';
import { AgentError } from './errors.ts';

export const ROLES = ['commander', 'reader-of-sensitive'] as const;

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

export class OperatorDesk {
  readonly #key: OperatorKey;
  readonly #file: string;

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
        `can not read the operator key ${JSON.stringify(file)}: ${(error as Error).message}`,
        hintFor(error),
        { cause: error },
      );
    }
  }

  get key(): OperatorKey {
    return this.#key;
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
      appendFileSync(this.#ledger, `${JSON.stringify({ serial, nodeId, notAfter })}\n`, {
        mode: 0o600,
      });
      return { serial, nodeId, notAfter, bytes };
    } catch (error) {
      const message = `can not grant that: ${(error as Error).message}`;
      throw new AgentError('operator_key', message, undefined, { cause: error });
    }
  }

  /** Serials of what the ledger says was granted to a node. */
  granted(nodeId: NodeId): string[] {
    return this.#readLedger()
      .filter((granted) => granted.nodeId === nodeId)
      .map((granted) => granted.serial);
  }

  /** The list after `before` with more in it, as signed. @throws AgentError `operator_key` */
  revoke(
    before: Uint8Array | undefined,
    added: { readonly serials?: readonly string[]; readonly expelled?: readonly NodeId[] },
  ): { readonly number: number; readonly bytes: Uint8Array } {
    const pinned = { operatorKey: this.#key.publicKey, swarmId: this.#key.swarmId };
    try {
      return issueRevocations(this.#key, before && parseRevocations(before, pinned), added);
    } catch (error) {
      const message = `can not revoke that: ${(error as Error).message}`;
      throw new AgentError('operator_key', message, undefined, { cause: error });
    }
  }

  /** The operator's word on which entry of a forked key list is the good one, as signed. */
  nameHead(head: NamedHead): Uint8Array {
    return issueHeadCertificate(this.#key, head, Math.floor(Date.now() / 1000));
  }

  /**
   * A new join secret and epoch key: the EPOCH record with both sealed to the members that stay,
   * and the new join token.
   * @throws AgentError `operator_key`
   */
  async rotateSecret(
    epoch: number,
    stay: readonly Uint8Array[],
  ): Promise<{ readonly token: string; readonly record: Uint8Array }> {
    const { swarmId } = this.#key;
    const token = createJoinToken({ swarmId, epoch, random });
    const joinKey = await deriveJoinKey(token.secret, swarmId);
    try {
      const record = createEpochRecord(this.#key, {
        ...{ epoch, joinKey, epochKey: random(32), random },
        members: stay.map(parseKeyEntry),
        nowSeconds: Math.floor(Date.now() / 1000),
      });
      return { token: token.text, record };
    } catch (error) {
      const message = `can not make an EPOCH record: ${(error as Error).message}`;
      throw new AgentError('operator_key', message, undefined, { cause: error });
    }
  }

  get #ledger(): string {
    return `${this.#file}.granted`;
  }

  #readLedger(): Granted[] {
    try {
      const lines = readFileSync(this.#ledger, 'utf8').split('\n');
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Granted);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw new AgentError(
        'operator_key',
        `can not read ${JSON.stringify(this.#ledger)}: ${(error as Error).message}`,
        'revoke by serial, which `operator grant` printed',
        { cause: error },
      );
    }
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
