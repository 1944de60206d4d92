/**
 * The key book (docs/protocol.md section 6): the longest key list seen of every node, and what to
 * think of the lists peers show. Pure data: the caller persists `toBytes` and raises the alarms.
 */
import { decodeFields, encodeFields, equalBytes, readU64, u64 } from '../wire/index.ts';
import { SecureError } from './errors.ts';
import { protocolLabel, sha256 } from './hash.ts';
import { parseKeyEntry, verifyKeyList, verifySuccessor } from './key-entry.ts';
import type { KeyEntry, NamedHead, NodeId } from './types.ts';

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
/** Forks of nodes that are gone. */
const FORKS_KEPT_MAX = 1024;

export class KeyBook {
  readonly #self: NodeId;
  readonly #pages = new Map<NodeId, Page>();
  /** What the operator named; not in the file, since the operator's records are kept by the core. */
  readonly #settled = new Map<NodeId, NamedHead>();

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
    this.#refuseSettled(page, entries);
    if (page.fork !== undefined) return { kind: 'fork', proof: page.fork, first: false };
    return this.#place(page, entries);
  }

  /**
   * Takes the operator's word on which entry of a version is the good one: the other list is dropped
   * and never taken up again, a frozen identity comes free. Where the good entry is not known here,
   * what contradicts it goes, and the rest is fetched like any gap. The own list stays as it is.
   */
  settle(head: NamedHead): void {
    this.#settled.set(head.nodeId, head);
    const page = this.#pages.get(head.nodeId);
    if (page === undefined || head.nodeId === this.#self) return;
    const { entries, fork } = page;
    if (!this.#holds(entries, head)) {
      const other = fork?.version === head.version ? parseKeyEntry(fork.entries[1]) : undefined;
      // A list that ends before that version says nothing against it.
      if (entries.length <= head.version) return;
      const good = other !== undefined && isHead(other, head) ? [other] : [];
      page.entries = [...entries.slice(0, head.version), ...good];
    }
    // A fork in a later version is not decided by this.
    if (fork === undefined || fork.version <= head.version) page.fork = undefined;
    if (page.entries.length === 0) this.#pages.delete(head.nodeId);
  }

  /** Drops the lists of nodes that have no place any more; forks stay, up to a number. True when any went. */
  retain(isKept: (node: NodeId) => boolean): boolean {
    let forks = 0;
    let changed = false;
    for (const [node, page] of this.#pages) {
      if (node === this.#self || isKept(node)) continue;
      if (page.fork !== undefined && ++forks <= FORKS_KEPT_MAX) continue;
      changed = this.#pages.delete(node) || changed;
    }
    return changed;
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

  /** The list that the operator has decided against proves no new fork. */
  #refuseSettled(page: Page, entries: readonly KeyEntry[]): void {
    const { nodeId } = entries[0]!;
    const head = this.#settled.get(nodeId);
    if (head === undefined || nodeId === this.#self) return;
    const decided = this.#holds(page.entries, head);
    const wrong = entries.find(({ version, bytes }) => {
      if (version === head.version) return !equalBytes(sha256(bytes), head.hash);
      const ours = page.entries[version];
      return decided && version < head.version && !equalBytes(ours!.bytes, bytes);
    });
    if (wrong === undefined) return;
    const what = `key entry ${wrong.version} of ${nodeId.slice(0, 16)}`;
    throw new SecureError('bad_key_list', `${what} is refused: the operator has named another`);
  }

  #holds(entries: readonly KeyEntry[], head: NamedHead): boolean {
    const entry = entries[head.version];
    return entry !== undefined && isHead(entry, head);
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

function isHead(entry: KeyEntry, head: NamedHead): boolean {
  return entry.version === head.version && equalBytes(sha256(entry.bytes), head.hash);
}

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
