/**
 * The key book (docs/protocol.md section 6): the longest key list seen of every node, and what to
 * think of the lists peers show. Pure data: the caller persists `toBytes` and raises the alarms.
 */
import { decodeFields, encodeFields, equalBytes, fromHex, readU64 } from '../wire/index.ts';
import { toHex, u64 } from '../wire/index.ts';
import { SecureError } from './errors.ts';
import { protocolLabel, sha256 } from './hash.ts';
import { parseKeyEntry, verifyKeyList, verifySuccessor } from './key-entry.ts';
import { openRecord, signRecord } from './operator-record.ts';
import type { OperatorKey } from './operator.ts';
import type { KeyEntry, NodeId } from './types.ts';

/** What the book thinks of an entry or list that was shown. */
export type Verdict =
  /** First seen here, or the list grew as promised, or nothing new. */
  | { readonly kind: 'pinned' | 'extended' | 'same' | 'older' }
  /** Entries from this version on are missing: fetch them and judge again. */
  | { readonly kind: 'gap'; readonly from: number }
  /** Two entries of one version, both in order: told once, the identity is frozen. */
  | { readonly kind: 'fork'; readonly proof: ForkProof; readonly first: boolean }
  /** The own list is longer elsewhere than here: this host was restored from an old state. */
  | { readonly kind: 'rollback'; readonly version: number };

/** What any third party can check: see `verifyForkProof`. */
export interface ForkProof {
  readonly nodeId: NodeId;
  readonly version: number;
  /** The entry both follow; absent when the fork is of version 0. */
  readonly before?: Uint8Array;
  readonly entries: readonly [Uint8Array, Uint8Array];
}

interface Page {
  entries: KeyEntry[];
  fork: ForkProof | undefined;
}

/** Nodes in one book. */
export const KEY_BOOK_MAX = 65_536;

export class KeyBook {
  readonly #self: NodeId;
  readonly #pages = new Map<NodeId, Page>();

  /** `self` is the own list: pinned at once, and never extended from elsewhere. */
  constructor(self: readonly KeyEntry[]) {
    this.#self = self[0]!.nodeId;
    this.#pages.set(this.#self, { entries: [...self], fork: undefined });
  }

  /** The pinned list, oldest first; empty for a node never seen. */
  list(node: NodeId): readonly KeyEntry[] {
    return this.#pages.get(node)?.entries ?? [];
  }

  head(node: NodeId): KeyEntry | undefined {
    return this.#pages.get(node)?.entries.at(-1);
  }

  frozen(node: NodeId): ForkProof | undefined {
    return this.#pages.get(node)?.fork;
  }

  get nodes(): readonly NodeId[] {
    return [...this.#pages.keys()];
  }

  /** The own list after a rotation. */
  setSelf(entries: readonly KeyEntry[]): void {
    this.#pages.get(this.#self)!.entries = [...entries];
  }

  /**
   * Judges consecutive entries of one node, e.g. the newest one from a handshake or a fetched part
   * of its list, and pins what extends the list as promised.
   * @throws SecureError `bad_key_list` for entries that are in no order at all
   */
  judge(shown: readonly Uint8Array[]): Verdict {
    const entries = shown.map(parseKeyEntry);
    const first = entries[0];
    if (first === undefined) throw new SecureError('bad_key_list', 'an empty key list');
    for (let i = 1; i < entries.length; i++) verifySuccessor(entries[i - 1]!, entries[i]!);
    const page = this.#pages.get(first.nodeId) ?? { entries: [], fork: undefined };
    if (page.fork !== undefined) return { kind: 'fork', proof: page.fork, first: false };
    return this.#place(page, entries);
  }

  /**
   * Unfreezes an identity by the operator's word on which entry is its good head.
   * @throws SecureError `bad_record` | `bad_key_list`
   */
  unfreeze(
    certificate: Uint8Array,
    list: readonly Uint8Array[],
    pinned: { readonly operatorKey: Uint8Array; readonly swarmId: Uint8Array },
  ): void {
    const head = openHeadCertificate(certificate, pinned);
    const entries = list.map(parseKeyEntry);
    for (let i = 1; i < entries.length; i++) verifySuccessor(entries[i - 1]!, entries[i]!);
    const last = entries.at(-1);
    if (entries[0]?.version !== 0 || last?.nodeId !== head.nodeId) {
      throw new SecureError('bad_key_list', `not the whole key list of ${head.nodeId}`);
    }
    if (!equalBytes(sha256(last.bytes), head.hash)) {
      throw new SecureError('bad_key_list', 'the list does not end in the head the operator named');
    }
    this.#pages.set(head.nodeId, { entries, fork: undefined });
  }

  /** For a file; the own list is not in it. */
  toBytes(): Uint8Array {
    const pages = [...this.#pages].filter(([node]) => node !== this.#self);
    const content = encodeFields([
      BOOK_LABEL,
      u64(pages.length),
      ...pages.map(([, page]) => encodePage(page)),
    ]);
    return encodeFields([content, sha256(content)]);
  }

  /** @throws SecureError `bad_key_list` */
  static parse(bytes: Uint8Array, self: readonly KeyEntry[]): KeyBook {
    try {
      const book = new KeyBook(self);
      for (const page of decodePages(bytes)) book.#pages.set(page.entries[0]!.nodeId, page);
      return book;
    } catch (cause) {
      throw new SecureError('bad_key_list', `not a key book: ${(cause as Error).message}`, {
        cause,
      });
    }
  }

  #place(page: Page, entries: readonly KeyEntry[]): Verdict {
    const known = page.entries.length;
    if (entries[0]!.version > known) return { kind: 'gap', from: known };
    const clash = entries.find((entry) => {
      const ours = page.entries[entry.version];
      return ours !== undefined && !equalBytes(ours.bytes, entry.bytes);
    });
    // A part that does not join on hides where it parted from ours: only the whole list tells.
    const before = page.entries[entries[0]!.version - 1];
    if (before !== undefined && !follows(before, entries[0]!)) return { kind: 'gap', from: 0 };
    if (clash !== undefined) return this.#fork(page, clash);
    const fresh = entries.slice(known - entries[0]!.version);
    if (fresh.length === 0) return { kind: entries.at(-1)!.version < known - 1 ? 'older' : 'same' };
    return this.#extend(page, fresh);
  }

  #extend(page: Page, fresh: readonly KeyEntry[]): Verdict {
    const { nodeId } = fresh[0]!;
    const head = page.entries.at(-1);
    if (nodeId === this.#self) return { kind: 'rollback', version: fresh.at(-1)!.version };
    if (head === undefined && this.#pages.size >= KEY_BOOK_MAX) {
      throw new SecureError('bad_key_list', `the key book is full (${KEY_BOOK_MAX} nodes)`);
    }
    page.entries.push(...fresh);
    this.#pages.set(nodeId, page);
    return { kind: head === undefined ? 'pinned' : 'extended' };
  }

  #fork(page: Page, clash: KeyEntry): Verdict {
    const { nodeId, version } = clash;
    const before = version === 0 ? undefined : page.entries[version - 1]!;
    const proof: ForkProof = {
      nodeId,
      version,
      ...(before !== undefined && { before: before.bytes }),
      entries: [page.entries[version]!.bytes, clash.bytes],
    };
    page.fork = proof;
    return { kind: 'fork', proof, first: true };
  }
}

function follows(before: KeyEntry, entry: KeyEntry): boolean {
  try {
    verifySuccessor(before, entry);
    return true;
  } catch {
    return false;
  }
}

/** True when both entries are in order behind the same one, and differ: the node signed two lists. */
export function verifyForkProof(proof: ForkProof): boolean {
  try {
    const [a, b] = proof.entries.map(parseKeyEntry) as [KeyEntry, KeyEntry];
    if (a.nodeId !== proof.nodeId || b.nodeId !== proof.nodeId) return false;
    if (a.version !== b.version || equalBytes(a.bytes, b.bytes)) return false;
    if (proof.before === undefined) return a.version === 0;
    const before = parseKeyEntry(proof.before);
    verifySuccessor(before, a);
    verifySuccessor(before, b);
    return true;
  } catch {
    return false;
  }
}

/** The operator's word that this entry is the good head of a frozen identity. */
export function issueHeadCertificate(operator: OperatorKey, head: KeyEntry): Uint8Array {
  return signRecord(operator, HEAD_KIND.label, [
    fromHex(head.nodeId),
    u64(head.version),
    sha256(head.bytes),
  ]);
}

function openHeadCertificate(
  bytes: Uint8Array,
  pinned: { readonly operatorKey: Uint8Array; readonly swarmId: Uint8Array },
): { nodeId: NodeId; hash: Uint8Array } {
  const [nodeId, , hash] = openRecord(bytes, HEAD_KIND, pinned);
  return { nodeId: toHex(nodeId!), hash: hash! };
}

const HEAD_KIND = { label: 'head certificate', fields: 3, error: 'bad_record' } as const;
const BOOK_LABEL = protocolLabel('key book');

/** fields(entry count, fork or nothing, ...entries); fork = fields(version, other entry, before) */
function encodePage(page: Page): Uint8Array {
  const { fork } = page;
  const clash = fork && [u64(fork.version), fork.entries[1], fork.before ?? new Uint8Array(0)];
  return encodeFields([
    u64(page.entries.length),
    clash === undefined ? new Uint8Array(0) : encodeFields(clash),
    encodeFields(page.entries.map((entry) => entry.bytes)),
  ]);
}

function decodePages(bytes: Uint8Array): Page[] {
  const [content, checksum] = decodeFields(bytes, 2) as [Uint8Array, Uint8Array];
  if (!equalBytes(checksum, sha256(content))) throw new RangeError('its checksum differs');
  // The count stands in the second field: label, count, then that many pages.
  const countAt = 4 + BOOK_LABEL.length + 4;
  const count = readU64(content.subarray(countAt, countAt + 8));
  if (count > KEY_BOOK_MAX) throw new RangeError(`${count} nodes`);
  const [label, , ...pages] = decodeFields(content, count + 2);
  if (!equalBytes(label!, BOOK_LABEL)) throw new RangeError('it is of another kind');
  return pages.map(decodePage);
}

function decodePage(bytes: Uint8Array): Page {
  const [count, fork, list] = decodeFields(bytes, 3) as [Uint8Array, Uint8Array, Uint8Array];
  const entries = [...verifyKeyList(decodeFields(list, readU64(count)))];
  if (fork.length === 0) return { entries, fork: undefined };
  const [version, other, before] = decodeFields(fork, 3) as [Uint8Array, Uint8Array, Uint8Array];
  const at = readU64(version);
  const proof: ForkProof = {
    nodeId: entries[0]!.nodeId,
    version: at,
    ...(before.length > 0 && { before }),
    entries: [entries[at]!.bytes, other],
  };
  return { entries, fork: proof };
}
