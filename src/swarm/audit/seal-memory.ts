/** The SEALs one node keeps, in bounds. What is kept has been checked by the caller. */
import { toHex } from '../../wire/index.ts';
import type { SealBody, SignedObject } from '../../wire/index.ts';
import type { NodeId } from '../../secure/types.ts';
import type { SealView } from '../types.ts';

type Seal = SignedObject<SealBody>;
type Place = Pick<SealBody, 'chain' | 'hub'>;

/** Chains in all, a chain of two hubs counting twice. */
export const CHAINS_MAX = 16;
/** Chains of one hub: each restore of its database begins one. */
export const CHAINS_PER_HUB_MAX = 8;
/** The newest seals of a chain. */
export const NEWEST_MAX = 1_000;
/** Older ones: the first of each hundred, and where that is too many, of each two hundred and so on. */
export const MARKS_MAX = 1_000;
const MARK_EVERY = 100;

export class SealMemory {
  readonly #chains = new Map<string, Chain>();

  get size(): number {
    let size = 0;
    for (const chain of this.#chains.values()) size += chain.seals.length;
    return size;
  }

  all(): Seal[] {
    return [...this.#chains.values()].flatMap((chain) => chain.seals);
  }

  get(body: SealBody): Seal | undefined {
    const seals = this.#chains.get(keyOf(body))?.seals ?? [];
    const found = seals[placeOf(seals, body.number)];
    return found?.body.number === body.number ? found : undefined;
  }

  /** The newest of every chain and hub. */
  newest(): Seal[] {
    return [...this.#chains.values()].map(({ seals }) => seals.at(-1)!);
  }

  newestOf(place: Place): Seal | undefined {
    return this.#chains.get(keyOf(place))?.seals.at(-1);
  }

  /** At most `most` seals above `number`, the lowest first. */
  after(place: Place, number: number, most: number): Seal[] {
    const seals = this.#chains.get(keyOf(place))?.seals ?? [];
    const from = placeOf(seals, number + 1);
    return seals.slice(from, from + most);
  }

  /**
   * False when it is not kept: there is no room for its chain, or it is no later than what is. Nothing
   * comes to stand among what is remembered already.
   */
  add(seal: Seal): boolean {
    const chain = this.#chains.get(keyOf(seal.body)) ?? this.#open(seal.body);
    if (chain === undefined) return false;
    if (seal.body.number <= (chain.seals.at(-1)?.body.number ?? 0)) return false;
    chain.seals.push(seal);
    thin(chain);
    return true;
  }

  /** Undefined where there is no room for one more chain, or for one more of this hub. */
  #open(body: SealBody): Chain | undefined {
    const hub = toHex(body.hub);
    const own = [...this.#chains.values()].filter((chain) => chain.hub === hub);
    if (this.#chains.size >= CHAINS_MAX || own.length >= CHAINS_PER_HUB_MAX) return undefined;
    const chain = { hub, seals: [], every: MARK_EVERY };
    this.#chains.set(keyOf(body), chain);
    return chain;
  }
}

export function viewOf({ body, bytes }: Seal): SealView {
  return {
    chain: toHex(body.chain),
    number: body.number,
    hash: toHex(body.hash),
    at: body.at,
    hub: toHex(body.hub),
    keyVersion: body.keyVersion,
    head: bytes,
  };
}

interface Chain {
  readonly hub: NodeId;
  /** By number. */
  readonly seals: Seal[];
  /** Of older seals the first of so many numbers is kept. */
  every: number;
}

/** Drops what is neither among the newest nor a mark. */
function thin(chain: Chain): void {
  const old = (): number => Math.max(0, chain.seals.length - NEWEST_MAX);
  keepMarks(chain, old());
  while (old() > MARKS_MAX) {
    chain.every *= 2;
    keepMarks(chain, old());
  }
}

/** Of the first `count` seals those stay that are the first of their range. */
function keepMarks({ seals, every }: Chain, count: number): void {
  const kept: Seal[] = [];
  for (const seal of seals.slice(0, count)) {
    const before = kept.at(-1)?.body.number ?? -1;
    if (Math.floor(seal.body.number / every) !== Math.floor(before / every)) kept.push(seal);
  }
  if (kept.length < count) seals.splice(0, count, ...kept);
}

/** Index of the first seal whose number is not below. */
function placeOf(seals: readonly Seal[], number: number): number {
  let [low, high] = [0, seals.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (seals[middle]!.body.number < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

function keyOf({ chain, hub }: Place): string {
  return toHex(chain) + toHex(hub);
}
