/**
 * EPOCHs (docs/protocol.md section 4): the one that this host is in, whose slots are the roll, and the
 * next one while its parts come. A head is passed on once all its parts are here; this host goes over
 * as soon as its own slot can be opened.
 */
import {
  EPOCH_STEP_MAX,
  equalBytes,
  fromHex,
  isPartInOrder,
  partHashInput,
  partNumberOf,
  PREFIX_BYTES,
  prefixesOf,
  prefixOfNode,
  slotOf,
  toHex,
} from '../../wire/index.ts';
import type { PartMessage, PartWantMessage } from '../../wire/index.ts';
import type { EpochHead, EpochId, NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import type { Links } from '../links/links.ts';
import type { LinkId } from '../types.ts';

export interface HeldEpoch {
  readonly head: EpochHead;
  readonly parts: (Uint8Array | undefined)[];
}

export interface EpochsHandlers {
  /** A head is whole now: it is kept, and passed on. */
  whole(head: EpochHead): void;
  /** Something of an epoch above the present one is worth keeping. */
  kept(): void;
  /** The roll has grown, or is another. */
  changed(): void;
  /** Links that may have parts, when nobody who said so is left. */
  linksUp(): readonly LinkId[];
}

export class Epochs {
  #context: Context;
  #links: Links;
  #handlers: EpochsHandlers;
  #held = new Map<EpochId, HeldEpoch>();
  /** The epoch that this host is in. */
  #entered: EpochHead | undefined;
  /** The key that made the present epoch does not count any more: any other one stands above it. */
  #isVoid = false;
  #roll = new Set<string>();
  /** Of the epoch before, for as long as parts of the roll are missing. */
  #earlier = new Set<string>();
  /** Links whose other end has what is missing here. */
  #sources = new Set<LinkId>();
  #version = 0;
  #want: { readonly id: EpochId; readonly number: number; readonly link: LinkId } | undefined;

  constructor(context: Context, links: Links, handlers: EpochsHandlers) {
    this.#context = context;
    this.#links = links;
    this.#handlers = handlers;
  }

  get entered(): EpochHead | undefined {
    return this.#entered;
  }

  /** Of the epoch that this host is in; empty before it was admitted. */
  get enteredId(): EpochId {
    return this.#entered?.id ?? '';
  }

  /** What other epochs are compared with: the present one, unless its key was revoked. */
  get floor(): EpochId {
    return this.#isVoid ? '' : this.enteredId;
  }

  /** The key that made the present epoch was revoked: nobody is let in before the next one. */
  get isVoid(): boolean {
    return this.#isVoid;
  }

  /** Whether the roll of the present epoch is here whole. */
  get isWhole(): boolean {
    const held = this.#entered && this.#held.get(this.#entered.id);
    return held !== undefined && isWhole(held);
  }

  /** Another number whenever another one may be on the roll. */
  get version(): number {
    return this.#version;
  }

  get roll(): ReadonlySet<string> {
    return this.#roll;
  }

  /** The highest epoch that is held whole, entered or not, and that a key made which counts. */
  get newest(): HeldEpoch | undefined {
    return this.#counting().filter(isWhole).sort(byId).at(-1);
  }

  /** An epoch above the present one that has no slot for this host, as its own part shows. */
  get leftOutOf(): EpochHead | undefined {
    const newer = this.#newer();
    if (newer === undefined) return undefined;
    const number = this.#ownNumber(newer.head);
    const part = number === undefined ? undefined : newer.parts[number];
    if (number !== undefined && part === undefined) return undefined;
    const own = this.#context.node.subarray(0, PREFIX_BYTES);
    return part !== undefined && slotOf(part, own) !== undefined ? undefined : newer.head;
  }

  /** An EPOCH above the present one was heard of. */
  get hasNewer(): boolean {
    return this.#newer() !== undefined;
  }

  /** An EPOCH above the present one is here whole, or shows that it has no slot for this host. */
  get isBehind(): boolean {
    return (this.newest?.head.id ?? '') > this.floor || this.leftOutOf !== undefined;
  }

  isOnRoll(nodeId: NodeId): boolean {
    const prefix = prefixOfNode(nodeId);
    if (this.#roll.has(prefix)) return true;
    return !this.isWhole && this.#earlier.has(prefix);
  }

  /** For the file of records. */
  *kept(): Iterable<HeldEpoch> {
    yield* this.#held.values();
  }

  part(id: EpochId, number: number): Uint8Array | undefined {
    return this.#held.get(id)?.parts[number];
  }

  /** The epoch that the secrets say, and what was kept of it. */
  restore(entered: EpochHead | undefined, kept: readonly HeldEpoch[], isVoid: boolean): void {
    // What lies above the present one is told from it.
    this.#entered = entered;
    this.#isVoid = isVoid;
    for (const { head, parts } of kept) this.#hold(head, parts);
    for (const id of this.#held.keys()) if (id < this.floor) this.#held.delete(id);
    if (entered !== undefined) this.#fill(entered);
    const newer = this.#newer();
    if (newer !== undefined) this.#tellOwnPart(newer);
  }

  /** Other keys of the operator count: the present epoch stays until there is one of theirs. */
  handleKeys(counts: (head: EpochHead) => boolean): void {
    this.#version++;
    for (const [id, { head }] of this.#held) {
      if (id !== this.enteredId && !counts(head)) this.#held.delete(id);
    }
    this.#isVoid = this.#entered !== undefined && !counts(this.#entered);
    if (this.#want !== undefined && !this.#held.has(this.#want.id)) this.#want = undefined;
    const newer = this.#newer();
    if (newer !== undefined) this.#tellOwnPart(newer);
  }

  /** True when the head was news and is whole by now. `from` has its parts. */
  take(head: EpochHead, parts: readonly Uint8Array[], from: LinkId | undefined): boolean {
    const known = this.#held.get(head.id);
    if (known === undefined && !this.#isAbove(head)) return false;
    if (from !== undefined && (known === undefined || !isWhole(known))) this.#sources.add(from);
    const held = known ?? this.#hold(head, []);
    // Whose id lies below all parts has no slot in any, and none of them will tell it so.
    if (known === undefined && this.#ownNumber(head) === undefined) this.#tellOwnPart(held);
    const before = isWhole(held);
    parts.forEach((bytes, number) => this.#addPart(held, number, bytes));
    this.fetch();
    return !before && isWhole(held);
  }

  /** What a member answered with under an earlier key; without a part this host has no slot. */
  catchUp(head: EpochHead, part: { number: number; bytes: Uint8Array } | undefined): void {
    const known = this.#held.get(head.id);
    if (known === undefined && !this.#isAbove(head)) return;
    const held = known ?? this.#hold(head, []);
    if (part !== undefined) this.#addPart(held, part.number, part.bytes);
    else this.#tellOwnPart(held);
    this.#handlers.kept();
  }

  /** This host is in this epoch now: its secrets are on the disk. */
  enter(head: EpochHead): void {
    if (head.id <= this.floor) return;
    if (this.isWhole || this.#earlier.size === 0) this.#earlier = this.#roll;
    this.#enter(head);
    this.#handlers.changed();
    this.fetch();
  }

  handlePartWant(link: LinkId, { epoch, number }: PartWantMessage): void {
    const bytes = this.part(toHex(epoch), number);
    if (bytes !== undefined) this.#links.sendTo(link, { t: 'part', epoch, number, bytes });
  }

  handlePart({ epoch, number, bytes }: PartMessage): void {
    const held = this.#held.get(toHex(epoch));
    if (this.#want?.id === toHex(epoch) && this.#want.number === number) this.#want = undefined;
    if (held !== undefined) this.#addPart(held, number, bytes);
    this.fetch();
  }

  /** A link whose other end says that it holds this epoch whole. */
  noteSource(link: LinkId, id: EpochId): void {
    const held = this.#held.get(id);
    if (held === undefined || isWhole(held)) return;
    this.#sources.add(link);
    this.fetch();
  }

  handleLinkDown(link: LinkId): void {
    this.#sources.delete(link);
    if (this.#want?.link !== link) return;
    this.#want = undefined;
    this.fetch();
  }

  /** No answer: somebody else is asked. */
  handleTimer(): void {
    const want = this.#want;
    this.#want = undefined;
    if (want !== undefined && this.#sources.delete(want.link)) this.#sources.add(want.link);
    this.fetch();
  }

  /** Asks for the next part that is missing; one at a time. */
  fetch(): void {
    if (this.#want !== undefined) return;
    const held = [...this.#held.values()].sort(byId).findLast((one) => !isWhole(one));
    const link = this.#sources.values().next().value ?? this.#handlers.linksUp()[0];
    if (held === undefined || link === undefined) {
      if (held === undefined) this.#sources.clear();
      return;
    }
    const { id } = held.head;
    const number = held.parts.indexOf(undefined);
    this.#want = { id, number, link };
    this.#links.sendTo(link, { t: 'part-want', epoch: fromHex(id), number });
    const { timers, now } = this.#context;
    timers.set('parts', '', now.mono + PART_MS);
  }

  /** Above all that is held, and not so far that no other could stand above it. */
  #isAbove({ id, number }: EpochHead): boolean {
    if (id <= (this.#newer()?.head.id ?? this.floor)) return false;
    return this.#entered === undefined || number <= this.#entered.number + EPOCH_STEP_MAX;
  }

  #newer(): HeldEpoch | undefined {
    return this.#counting()
      .filter((one) => one.head.id > this.floor)
      .sort(byId)
      .at(-1);
  }

  #counting(): HeldEpoch[] {
    const held = [...this.#held.values()];
    return this.#isVoid ? held.filter(({ head }) => head.id !== this.enteredId) : held;
  }

  /** Of epochs above the present one only the highest is kept. */
  #hold(head: EpochHead, parts: readonly (Uint8Array | undefined)[]): HeldEpoch {
    for (const id of this.#held.keys()) {
      if (id !== this.enteredId && id > this.floor && id < head.id) this.#held.delete(id);
    }
    this.#version++;
    const empty = Array.from<undefined>({ length: head.parts.length });
    const held: HeldEpoch = { head, parts: empty };
    this.#held.set(head.id, held);
    if (this.#want !== undefined && !this.#held.has(this.#want.id)) this.#want = undefined;
    parts.forEach(
      (bytes, at) => bytes && this.#isPart(head, at, bytes) && (held.parts[at] = bytes),
    );
    return held;
  }

  #addPart(held: HeldEpoch, number: number, bytes: Uint8Array): void {
    const { head, parts } = held;
    if (number >= parts.length || parts[number] !== undefined) return;
    if (!this.#isPart(head, number, bytes)) return;
    this.#version++;
    parts[number] = new Uint8Array(bytes);
    if (head.id === this.enteredId) for (const one of prefixesOf(bytes)) this.#roll.add(one);
    if (number === this.#ownNumber(head)) this.#tellOwnPart(held);
    if (isWhole(held)) this.#handlers.whole(head);
    if (head.id === this.enteredId) this.#handlers.changed();
  }

  #tellOwnPart({ head, parts }: HeldEpoch): void {
    const number = this.#ownNumber(head);
    const part = number === undefined ? undefined : parts[number];
    if (number !== undefined && part === undefined) return;
    if (head.id <= this.floor || head.id === this.enteredId) return;
    this.#context.events.push({ kind: 'epoch', head, ...(part && { part }) });
  }

  #ownNumber(head: EpochHead): number | undefined {
    const firsts = head.parts.map(({ first }) => first);
    return partNumberOf(firsts, this.#context.node.subarray(0, 16));
  }

  #enter(head: EpochHead): void {
    this.#version++;
    if (this.#isVoid) this.#held.delete(this.enteredId);
    this.#isVoid = false;
    this.#entered = head;
    for (const id of this.#held.keys()) if (id < head.id) this.#held.delete(id);
    this.#fill(head);
  }

  /** The roll of the present epoch, as far as it is here. */
  #fill(head: EpochHead): void {
    const held = this.#held.get(head.id) ?? this.#hold(head, []);
    this.#roll = new Set(held.parts.flatMap((part) => (part ? [...prefixesOf(part)] : [])));
  }

  #isPart(head: EpochHead, number: number, bytes: Uint8Array): boolean {
    const named = head.parts[number];
    if (named === undefined || !isPartInOrder(bytes, named.first)) return false;
    const { crypto, swarm } = this.#context;
    return equalBytes(crypto.sha256(partHashInput(swarm, bytes)), named.hash);
  }
}

function isWhole({ parts }: HeldEpoch): boolean {
  return !parts.includes(undefined);
}

function byId(a: HeldEpoch, b: HeldEpoch): number {
  return a.head.id < b.head.id ? -1 : 1;
}

/** A part that does not come is asked of another neighbour. */
const PART_MS = 2_000;
