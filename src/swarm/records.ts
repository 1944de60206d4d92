/**
 * The operator's records: of each kind the newest is kept on disk and flooded when it comes. Two
 * neighbours tell each other the numbers they hold, at link-up and with each digest; who holds a
 * newer one sends it. Head certificates are one a node; they are compared by one hash over all. Whom a record expels is out of the table and loses its link.
 */
import { equalBytes, pack, unpack } from '../wire/index.ts';
import type { HoldsMessage } from '../wire/index.ts';
import type { NamedHead, NodeId, OperatorRecord, OperatorRecordKind } from '../secure/types.ts';
import type { Context } from './context.ts';
import type { Except, Link, Links } from './links.ts';

/** Key of the persist effect. */
export const RECORDS_KEY = 'records';

export interface RecordHandlers {
  /** A new record puts this node out. */
  expelled(node: NodeId): void;
  /** The operator has named the good head of a node's key list. */
  settled(head: NamedHead): void;
}

export class Records {
  #context: Context;
  #links: Links;
  #handlers: RecordHandlers;
  /** By kind; head certificates by kind and node. */
  #held = new Map<string, OperatorRecord>();
  #out = new Set<NodeId>();
  #effect: number | undefined;

  constructor(context: Context, links: Links, handlers: RecordHandlers) {
    this.#context = context;
    this.#links = links;
    this.#handlers = handlers;
  }

  get(kind: OperatorRecordKind): OperatorRecord | undefined {
    return this.#held.get(kind);
  }

  isExpelled(node: NodeId): boolean {
    return this.#out.has(node);
  }

  /** Records of the last run. */
  restore(kept: readonly Uint8Array[]): void {
    for (const bytes of kept) {
      const record = this.#take(bytes);
      if (record !== undefined) this.#follow(record);
    }
  }

  /** A record of this host's owner or of a peer; true when it was news, and is spread. */
  apply(bytes: Uint8Array, except: Except): boolean {
    const record = this.#take(bytes);
    if (record === undefined) return false;
    this.#persist();
    // First the flood: whom it expels shall learn why its links go.
    this.#links.flood({ t: 'record', bytes: record.bytes }, except);
    this.#follow(record);
    return true;
  }

  handleLinkUp(link: Link): void {
    this.#tell(link);
  }

  handleDigest(link: Link): void {
    this.#tell(link);
  }

  handleHolds(link: Link, message: HoldsMessage): void {
    let lacks = false;
    for (const kind of KINDS) {
      const held = this.#held.get(kind);
      if (message[kind] < (held?.number ?? 0)) {
        this.#links.send(link, { t: 'record', bytes: held!.bytes });
      }
      lacks ||= message[kind] > (held?.number ?? 0);
    }
    if (lacks) this.#tell(link);
    if (equalBytes(message.heads, this.#headsHash())) return;
    for (const { bytes } of this.#heads()) this.#links.send(link, { t: 'record', bytes });
  }

  /** True when the effect was one of this part. */
  handlePersisted(effect: number, ok: boolean): boolean {
    if (effect !== this.#effect) return false;
    this.#effect = undefined;
    this.#context.noteKept(ok, RECORDS_KEY, "the operator's records");
    return true;
  }

  #tell(link: Link): void {
    const number = (kind: OperatorRecordKind): number => this.#held.get(kind)?.number ?? 0;
    const [revocations, epoch] = [number('revocations'), number('epoch')];
    this.#links.send(link, { t: 'holds', revocations, epoch, heads: this.#headsHash() });
  }

  /** A flood brings each record once by every link: what is held already costs no signature. */
  #take(bytes: Uint8Array): OperatorRecord | undefined {
    for (const held of this.#held.values()) if (equalBytes(held.bytes, bytes)) return undefined;
    const record = this.#context.options.parseRecord?.(bytes);
    if (record === undefined) return undefined;
    const key = keyOf(record);
    if (record.number <= (this.#held.get(key)?.number ?? 0)) return undefined;
    if (!this.#held.has(key) && this.#held.size >= HELD_MAX) return undefined;
    this.#held.set(key, record);
    this.#context.events.push({ kind: 'record', record });
    return record;
  }

  #follow({ expelled, head }: OperatorRecord): void {
    for (const node of expelled) this.#expel(node);
    if (head !== undefined) this.#handlers.settled(head);
  }

  #heads(): OperatorRecord[] {
    const heads = [...this.#held.values()].filter((record) => record.head !== undefined);
    return heads.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  /** Empty without any, so that nobody asks for them. */
  #headsHash(): Uint8Array {
    const heads = this.#heads().map((record) => record.bytes);
    return heads.length === 0 ? NONE : this.#context.crypto.sha256(...heads).subarray(0, 8);
  }

  #expel(node: NodeId): void {
    if (this.#out.has(node)) return;
    this.#out.add(node);
    if (node === this.#context.nodeId) {
      this.#context.alarm(
        'expelled',
        node,
        'the operator has expelled this host from the swarm: no member talks to it any more',
      );
    }
    this.#handlers.expelled(node);
  }

  #persist(): void {
    const id = (this.#effect = this.#context.nextEffectId());
    const bytes = pack([...this.#held.values()].map((record) => record.bytes));
    this.#context.effects.push({ kind: 'persist', id, key: RECORDS_KEY, bytes });
  }
}

/** Those of which there is one, with a number. */
const KINDS = ['revocations', 'epoch'] as const;
/** Only the operator can fill it: forks of a thousand hosts. */
const HELD_MAX = 1024;
const NONE = new Uint8Array(0);

function keyOf({ kind, head }: OperatorRecord): string {
  return head === undefined ? kind : `${kind} ${head.nodeId}`;
}

/** What the persist effect kept; nothing where it cannot be read: the swarm tells it again. */
export function unpackRecords(bytes: Uint8Array): Uint8Array[] {
  try {
    const value = unpack(bytes);
    return Array.isArray(value) ? value.filter((item) => item instanceof Uint8Array) : [];
  } catch {
    return [];
  }
}
