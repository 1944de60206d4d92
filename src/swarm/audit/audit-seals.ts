/**
 * What this node remembers of audit chains: SEALs that hubs signed (docs/protocol.md section 10). The
 * first seal of a number stays; whoever rebuilds a chain finds here what it was. Bounded in chains and
 * seals, and nothing is given up for a chain that comes later.
 */
import {
  concat,
  decodeSigned,
  equalBytes,
  fromHex,
  pack,
  readU64,
  SEALS_HAVE_BYTES,
  SEALS_MAX,
  toHex,
  u64,
  WireError,
} from '../../wire/index.ts';
import type { SealBody, SealsHaveMessage, SealsMessage, SignedObject } from '../../wire/index.ts';
import type { KeyEntry, NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import type { Except, Link, Links } from '../links/links.ts';
import type { Members } from '../members/members.ts';
import { SealMemory, viewOf } from './seal-memory.ts';
import type { SealSpec, SealView } from '../types.ts';

/** Key of the persist effect. */
export const SEALS_KEY = 'seals';

type Seal = SignedObject<SealBody>;

export class Seals {
  #context: Context;
  #members: Members;
  #links: Links;
  #isCertified: (node: NodeId) => boolean;
  #memory = new SealMemory();
  #isWriting = false;
  #again = false;

  /** `isCertified`: the operator says that the node is a hub. */
  constructor(
    context: Context,
    members: Members,
    links: Links,
    isCertified: (node: NodeId) => boolean,
  ) {
    this.#isCertified = isCertified;
    this.#context = context;
    this.#members = members;
    this.#links = links;
  }

  get size(): number {
    return this.#memory.size;
  }

  views(): readonly SealView[] {
    return this.#memory.all().map(viewOf);
  }

  /** Seals of the last run, which were checked then. */
  restore(kept: readonly Uint8Array[]): void {
    for (const bytes of kept) {
      try {
        const seal = this.#decode(bytes);
        if (seal !== undefined) this.#memory.add(seal);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        this.#context.alarm(
          'state',
          SEALS_KEY,
          `a kept seal cannot be read and is left out: ${error.message}`,
        );
      }
    }
  }

  sign({ chain, number, hash, at }: SealSpec): SealView {
    const { swarm, node, self } = this.#context;
    const bytes = this.#context.sign({
      kind: 'seal',
      swarm,
      chain: fromHex(chain),
      number,
      hash: fromHex(hash),
      at,
      hub: node,
      keyVersion: self.entry.version,
    });
    return viewOf(this.#decode(bytes)!);
  }

  spread(bytes: Uint8Array): boolean {
    const seal = this.#decode(bytes);
    if (seal === undefined || !this.#take(seal)) return false;
    this.#flood(seal, undefined);
    return true;
  }

  /** Says which seals are the newest here. */
  tell(link: Link): void {
    const newest = concat(
      ...this.#memory.newest().map(({ body }) => concat(body.chain, body.hub, u64(body.number))),
    );
    this.#links.send(link, { t: 'seals-have', newest });
  }

  handleSeals(link: Link, message: SealsMessage): void {
    let taken = 0;
    for (const bytes of message.heads) {
      const seal = this.#decode(bytes);
      if (seal === undefined) continue;
      if (!this.#take(seal)) continue;
      taken++;
      // Neighbours fetch the past themselves; what has just been sealed goes on at once.
      if (message.heads.length === 1) this.#flood(seal, link.id);
    }
    // A full message may not have been the last; without progress this ends.
    if (taken > 0 && message.heads.length === SEALS_MAX) this.tell(link);
  }

  handleHave(link: Link, message: SealsHaveMessage): void {
    const theirs = readHave(message.newest);
    for (const { body } of this.#memory.newest()) {
      const later = this.#memory.after(body, theirs.get(keyOf(body)) ?? 0, SEALS_MAX);
      if (later.length > 0)
        this.#links.send(link, { t: 'seals', heads: later.map((seal) => seal.bytes) });
    }
  }

  /** A hub became known: what neighbours showed of its chains may have been refused until now. */
  handleHub(): void {
    for (const link of [...this.#links.all()].slice(0, ASKED)) this.tell(link);
  }

  /** Some time after a change. */
  handleTimer(): void {
    const bytes = pack(this.#memory.all().map((seal) => seal.bytes));
    const what = 'the seals of audit chains';
    this.#isWriting = true;
    this.#context.persist({ key: SEALS_KEY, what, bytes, done: () => this.#kept() });
  }

  #kept(): void {
    this.#isWriting = false;
    if (this.#again) this.#keep();
  }

  /** @throws WireError; undefined for what is no seal of this swarm */
  #decode(bytes: Uint8Array): Seal | undefined {
    // Kept for long: not a window into a receive buffer.
    const object = decodeSigned(new Uint8Array(bytes));
    if (object.body.kind !== 'seal') return undefined;
    return equalBytes(object.body.swarm, this.#context.swarm) ? (object as Seal) : undefined;
  }

  /** True when it was news. The signature is checked last, as it costs most. */
  #take(seal: Seal): boolean {
    const known = this.#memory.get(seal.body);
    if (known !== undefined && equalBytes(known.body.hash, seal.body.hash)) return false;
    if (!this.#isSigned(seal)) return false;
    if (known !== undefined) return this.#contradicted(seal);
    if (this.#isLeap(seal.body)) return this.#leapt(seal);
    if (!this.#memory.add(seal)) return this.#full(seal);
    this.#keep();
    return true;
  }

  /** Signed by a member that the operator made a hub, with the key it had then. */
  #isSigned(seal: Seal): boolean {
    const hub = toHex(seal.body.hub);
    if (!this.#isHub(hub)) return false;
    const entry = this.#entryOf(hub, seal.body.keyVersion);
    return entry !== undefined && this.#context.verify(entry, seal);
  }

  #isHub(hub: NodeId): boolean {
    if (hub !== this.#context.nodeId && this.#members.get(hub) === undefined) return false;
    const { keyBook } = this.#context.options;
    return this.#isCertified(hub) && keyBook?.frozen(hub) === undefined;
  }

  #entryOf(hub: NodeId, version: number): KeyEntry | undefined {
    const { self, options } = this.#context;
    const newest = hub === self.nodeId ? self.entry : this.#members.get(hub)?.entry;
    if (newest?.version === version) return newest;
    return options.keyBook?.list(hub)[version];
  }

  #contradicted({ body }: Seal): false {
    const hub = toHex(body.hub);
    this.#context.alarm(
      'seal_fork',
      `${toHex(body.chain)} ${hub}`,
      `hub ${hub} signed two different seals ${body.number} of one audit chain: somebody rebuilt it; run \`swarmplane audit verify\``,
      hub,
    );
    return false;
  }

  /** A number far beyond the last one would leave no room for what follows that. */
  #isLeap(body: SealBody): boolean {
    const newest = this.#memory.newestOf(body)?.body.number;
    return newest !== undefined && body.number > newest + LEAP_MAX;
  }

  #leapt({ body }: Seal): false {
    const hub = toHex(body.hub);
    this.#context.alarm(
      'seal_fault',
      `${toHex(body.chain)} ${hub}`,
      `hub ${hub} signed seal ${body.number} of an audit chain, far beyond the last one here: it is not kept; run \`swarmplane audit verify\``,
      hub,
    );
    return false;
  }

  #full({ body }: Seal): false {
    const hub = toHex(body.hub);
    if (this.#memory.newestOf(body) === undefined)
      this.#context.alarm(
        'seals_full',
        hub,
        `hub ${hub} signs more audit chains than this host remembers: the later ones are not kept here`,
        hub,
      );
    return false;
  }

  #flood(seal: Seal, except: Except): void {
    this.#links.flood({ t: 'seals', heads: [seal.bytes] }, except);
  }

  /** Soon, never twice at once. */
  #keep(): void {
    this.#again = this.#isWriting;
    if (this.#again || this.#context.timers.has('keep-seals', '')) return;
    this.#context.timers.set('keep-seals', '', this.#context.now.mono + KEEP_MS);
  }
}

const KEEP_MS = 1_000;
/** A seal each half a minute, for a month. */
const LEAP_MAX = 100_000;
/** Neighbours that are asked anew. */
const ASKED = 3;

function keyOf({ chain, hub }: Pick<SealBody, 'chain' | 'hub'>): string {
  return toHex(chain) + toHex(hub);
}

/** @throws WireError */
function readHave(newest: Uint8Array): Map<string, number> {
  const have = new Map<string, number>();
  for (let at = 0; at < newest.length; at += SEALS_HAVE_BYTES) {
    const key = toHex(newest.subarray(at, at + 48));
    try {
      have.set(key, readU64(newest.subarray(at + 48, at + SEALS_HAVE_BYTES)));
    } catch (cause) {
      throw new WireError('malformed', (cause as Error).message);
    }
  }
  return have;
}
