/**
 * Role certificates at one host: its own ones, kept in the state folder and shown when a request
 * needs them, and the checking of those that others show (docs/protocol.md section 9).
 */
import {
  checkCertificate,
  parseAnyCertificate,
  parseCertificate,
  permits,
  pinnedOf,
  revokedBy,
  SecureError,
  type NodeId,
  type OperatorSet,
  type PinnedOperator,
  type RevocationRecord,
  type Revoked,
  type RoleCertificate,
  type SwarmSecrets,
} from '../../secure/index.ts';
import { equalBytes, pack, unpack } from '../../wire/index.ts';
import type { StateFolder } from '../state/state-folder.ts';

const FILE = 'certificates.bin';
/** Beyond this the ones that end first go. */
const CERTIFICATES_MAX = 16;

export interface CertificateHealth {
  readonly serial: string;
  readonly roles: readonly string[];
  /** Unix seconds. */
  readonly notAfter: number;
  /** Why it does not hold; null while it does. */
  readonly problem: string | null;
}

export interface CertificateSources {
  secrets(): SwarmSecrets;
  /** The operator's revocation lists in force. */
  revocations(): readonly RevocationRecord[];
}

export class Certificates {
  readonly #state: StateFolder;
  readonly #nodeId: NodeId;
  readonly #sources: CertificateSources;
  #own: readonly Uint8Array[];
  #revoked: { readonly by: readonly RevocationRecord[]; readonly all: Revoked } | undefined;
  /** A hub looks at its own ones before each claim: their signatures are verified once. */
  readonly #parsed = new WeakMap<
    Uint8Array,
    { readonly certificate: RoleCertificate; readonly by: OperatorSet | undefined }
  >();

  constructor(state: StateFolder, nodeId: NodeId, sources: CertificateSources) {
    this.#state = state;
    this.#nodeId = nodeId;
    this.#sources = sources;
    this.#own = readKept(state);
  }

  /**
   * Keeps a certificate of this host, fsynced.
   * @throws SecureError `bad_certificate` when it is of another host or does not hold
   */
  async install(bytes: Uint8Array): Promise<RoleCertificate> {
    const certificate = this.check(bytes, this.#nodeId);
    if (this.#own.some((own) => equalBytes(own, bytes))) return certificate;
    const valid = [...this.#valid(), certificate].sort((a, b) => b.notAfter - a.notAfter);
    const kept = valid.slice(0, CERTIFICATES_MAX).map((one) => one.bytes);
    await this.#state.write(FILE, pack(kept));
    this.#own = kept;
    return certificate;
  }

  /**
   * A certificate that `shownBy` showed, once it holds here and now.
   * @throws SecureError `bad_certificate` that says why not
   */
  check(bytes: Uint8Array, shownBy: NodeId): RoleCertificate {
    const pinned = this.#pinned();
    const known = this.#parsed.get(bytes);
    const isKnown = known !== undefined && known.by === pinned.operators;
    const certificate = isKnown ? known.certificate : parseCertificate(bytes, pinned);
    if (!isKnown) this.#parsed.set(bytes, { certificate, by: pinned.operators });
    const now = Math.floor(Date.now() / 1000);
    checkCertificate(certificate, shownBy, now, this.#revocations());
    return certificate;
  }

  /** The certificate to show for these sensitive tables; undefined when none is needed or there is none. */
  forTables(tables: readonly string[]): Uint8Array | undefined {
    if (tables.length === 0) return undefined;
    // One that names only some of them is shown all the same: the refusal then says what is missing.
    const named = (one: RoleCertificate) =>
      tables.filter((table) => permits(one, { table })).length;
    return this.#valid().sort((a, b) => named(b) - named(a))[0]?.bytes;
  }

  /** The certificate to show for this action; undefined when none allows it. */
  forAction(action: string): Uint8Array | undefined {
    return this.#valid().find(
      (one) => permits(one, { role: 'commander' }) && permits(one, { action }),
    )?.bytes;
  }

  /** Names of the actions that this host may command, `*` for all; sorted. */
  actions(): string[] {
    const commander = this.#valid().filter((one) => permits(one, { role: 'commander' }));
    return [...new Set(commander.flatMap((one) => one.actions))].sort();
  }

  /** Those that are kept, with why one does not hold here and now. */
  list(): CertificateHealth[] {
    return this.#own.flatMap((bytes) => {
      try {
        // Also of a key that was revoked, which is what is wrong with it then.
        const { serial, roles, notAfter } = parseAnyCertificate(bytes, this.#pinned());
        return [{ serial, roles, notAfter, problem: this.#problemOf(bytes) }];
      } catch {
        return [];
      }
    });
  }

  #problemOf(bytes: Uint8Array): string | null {
    try {
      this.check(bytes, this.#nodeId);
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  }

  #valid(): RoleCertificate[] {
    return this.#own.flatMap((bytes) => {
      try {
        return [this.check(bytes, this.#nodeId)];
      } catch {
        return [];
      }
    });
  }

  #pinned(): PinnedOperator {
    const pinned = pinnedOf(this.#sources.secrets());
    if (pinned === undefined) {
      throw new SecureError('bad_certificate', 'this host does not know the operator key yet');
    }
    return pinned;
  }

  #revocations(): Revoked {
    const by = this.#sources.revocations();
    const known = this.#revoked;
    const isSame = known?.by.length === by.length && by.every((one, at) => one === known.by[at]);
    if (isSame) return known.all;
    const all = revokedBy(by);
    this.#revoked = { by, all };
    return all;
  }
}

/** An unreadable file loses certificates, which the operator can issue again, not the agent. */
function readKept(state: StateFolder): Uint8Array[] {
  try {
    const bytes = state.read(FILE);
    const value = bytes === undefined ? [] : unpack(bytes);
    return Array.isArray(value) ? value.filter((one) => one instanceof Uint8Array) : [];
  } catch {
    return [];
  }
}
