/** Records of the operator about one node each: which key list is the good one, and who is a hub. */
import type { Crypto, HeadRecord, HubRecord, NodeId } from '../../secure/types.ts';
import { prefixOfNode } from '../../wire/index.ts';

export type NamedRecord = HeadRecord | HubRecord;

export class NamedRecords {
  /** By node, the newest of each. */
  #heads = new Map<NodeId, HeadRecord>();
  #hubs = new Map<NodeId, HubRecord>();

  isNews(record: NamedRecord): boolean {
    if (record.kind === 'head') {
      const known = this.#heads.get(record.head.nodeId);
      if (known === undefined) return this.#heads.size < HEADS_MAX;
      return record.number > known.number;
    }
    const known = this.#hubs.get(record.nodeId);
    if (known !== undefined) return isNewer(record, known);
    const oldest = this.#oldestHub();
    return this.#hubs.size < HUBS_MAX || isNewer(record, oldest!);
  }

  /** One that is news. */
  take(record: NamedRecord): void {
    if (record.kind === 'head') {
      this.#heads.set(record.head.nodeId, record);
      return;
    }
    this.#hubs.set(record.nodeId, record);
    if (this.#hubs.size > HUBS_MAX) this.#hubs.delete(this.#oldestHub()!.nodeId);
  }

  /** Those of a key of the operator that does not count any more. */
  drop(isGone: (record: NamedRecord) => boolean): void {
    for (const [node, record] of this.#heads) if (isGone(record)) this.#heads.delete(node);
    for (const [node, record] of this.#hubs) if (isGone(record)) this.#hubs.delete(node);
  }

  /** In an order that is the same everywhere: heads, then hubs, each by node. */
  all(): NamedRecord[] {
    const byNode = ([a]: [NodeId, unknown], [b]: [NodeId, unknown]): number => (a < b ? -1 : 1);
    const heads = [...this.#heads].sort(byNode).map(([, record]) => record);
    return [...heads, ...[...this.#hubs].sort(byNode).map(([, record]) => record)];
  }

  /** Empty without any, so that nobody asks for them. */
  hash(crypto: Crypto): Uint8Array {
    const all = this.all().map((record) => record.bytes);
    return all.length === 0 ? new Uint8Array(0) : crypto.sha256(...all).subarray(0, 8);
  }

  /** Nodes that have, or had, a certificate as a hub. */
  hubs(): Iterable<NodeId> {
    return this.#hubs.keys();
  }

  /** A node's certificate as a hub, unless a list took it back; its time is not looked at. */
  hub(node: NodeId, lists: readonly Revoking[]): HubRecord | undefined {
    const record = this.#hubs.get(node);
    if (record === undefined) return undefined;
    const { serial } = record;
    const prefix = prefixOfNode(node);
    const isBack = lists.some(
      (one) => one.serials.includes(serial) || one.expelled.includes(prefix),
    );
    return isBack ? undefined : record;
  }

  #oldestHub(): HubRecord | undefined {
    const [first, ...rest] = this.#hubs.values();
    return rest.reduce((oldest, one) => (isNewer(oldest!, one) ? one : oldest), first);
  }
}

interface Revoking {
  readonly serials: readonly string[];
  readonly expelled: readonly string[];
}

/** The same order everywhere. */
function isNewer(a: HubRecord, b: HubRecord): boolean {
  return a.number === b.number ? a.serial > b.serial : a.number > b.number;
}

/** Only the operator can fill these: forks of a thousand hosts, hubs. */
const HEADS_MAX = 1024;
const HUBS_MAX = 16;
