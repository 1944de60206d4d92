/**
 * The operator's records: of each kind the newest is kept on disk and flooded when it comes. Two
 * neighbours tell each other the numbers they hold, at link-up and with each digest; who holds a
 * newer one sends it. Whom a record expels is out of the table and loses its link.
 */
import { equalBytes, pack, unpack } from '../wire/index.ts';
import type { HoldsMessage } from '../wire/index.ts';
import type { NodeId, OperatorRecord, OperatorRecordKind } from '../secure/types.ts';
import type { Context } from './context.ts';
import type { Except, Link, Links } from './links.ts';

/** Key of the persist effect. */
export const RECORDS_KEY = 'records';

export class Records {
  #context: Context;
  #links: Links;
  #expelled: (node: NodeId) => void;
  #held = new Map<OperatorRecordKind, OperatorRecord>();
  #out = new Set<NodeId>();
  #effect: number | undefined;

  /** `expelled` is called for each node that a new record puts out. */
  constructor(context: Context, links: Links, expelled: (node: NodeId) => void) {
    this.#context = context;
    this.#links = links;
    this.#expelled = expelled;
  }

  get(kind: OperatorRecordKind): OperatorRecord | undefined {
    return this.#held.get(kind);
  }

  isExpelled(node: NodeId): boolean {
    return this.#out.has(node);
  }

  /** Records of the last run. */
  restore(kept: readonly Uint8Array[]): void {
    for (const bytes of kept) this.#take(bytes)?.expelled.forEach((node) => this.#expel(node));
  }

  /** A record of this host's owner or of a peer; true when it was news, and is spread. */
  apply(bytes: Uint8Array, except: Except): boolean {
    const record = this.#take(bytes);
    if (record === undefined) return false;
    this.#persist();
    // First the flood: whom it expels shall learn why its links go.
    this.#links.flood({ t: 'record', bytes: record.bytes }, except);
    for (const node of record.expelled) this.#expel(node);
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
  }

  /** True when the effect was one of this part. */
  handlePersisted(effect: number, ok: boolean): boolean {
    if (effect !== this.#effect) return false;
    this.#effect = undefined;
    if (!ok)
      this.#context.alarm(
        'persist_failed',
        RECORDS_KEY,
        "the operator's records could not be kept on disk: check that the state folder is writable and not full",
      );
    return true;
  }

  #tell(link: Link): void {
    const number = (kind: OperatorRecordKind): number => this.#held.get(kind)?.number ?? 0;
    const [revocations, epoch] = [number('revocations'), number('epoch')];
    this.#links.send(link, { t: 'holds', revocations, epoch });
  }

  /** A flood brings each record once by every link: what is held already costs no signature. */
  #take(bytes: Uint8Array): OperatorRecord | undefined {
    for (const held of this.#held.values()) if (equalBytes(held.bytes, bytes)) return undefined;
    const record = this.#context.options.parseRecord?.(bytes);
    if (record === undefined) return undefined;
    if (record.number <= (this.#held.get(record.kind)?.number ?? 0)) return undefined;
    this.#held.set(record.kind, record);
    this.#context.events.push({ kind: 'record', record });
    return record;
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
    this.#expelled(node);
  }

  #persist(): void {
    const id = (this.#effect = this.#context.nextEffectId());
    const bytes = pack([...this.#held.values()].map((record) => record.bytes));
    this.#context.effects.push({ kind: 'persist', id, key: RECORDS_KEY, bytes });
  }
}

const KINDS: readonly OperatorRecordKind[] = ['revocations', 'epoch'];

/** What the persist effect kept; nothing where it cannot be read: the swarm tells it again. */
export function unpackRecords(bytes: Uint8Array): Uint8Array[] {
  try {
    const value = unpack(bytes);
    return Array.isArray(value) ? value.filter((item) => item instanceof Uint8Array) : [];
  } catch {
    return [];
  }
}
