/**
 * Connections whose handshake is not done: bounded sets (docs/protocol.md section 5). Those that have
 * shown, now, a key that no stranger has are apart from the others, so that no flood of strangers puts
 * them out. Of the others, half the room is for networks from which members came in this run.
 */
import type { Source } from '../wire/index.ts';
import { chooseVictim } from './crowd.ts';

export interface Unproven {
  readonly source: Source;
  /** Closes the connection. */
  evict(): void;
}

export class UnauthenticatedSet {
  readonly #max: number;
  readonly #random: () => number;
  readonly #strange = new Set<Unproven>();
  /** Of networks that members came from. */
  readonly #familiar = new Set<Unproven>();
  readonly #proven = new Set<Unproven>();
  /** Insertion order: the first was met longest ago. */
  readonly #networks = new Set<string>();

  /** `max` of those that have proved nothing, and as many that have. */
  constructor(max: number, random: () => number = Math.random) {
    this.#max = max;
    this.#random = random;
  }

  get size(): number {
    return this.#strange.size + this.#familiar.size + this.#proven.size;
  }

  add(one: Unproven): void {
    const isFamiliar = this.#networks.has(one.source.network);
    (isFamiliar ? this.#familiar : this.#strange).add(one);
    if (this.#strange.size + this.#familiar.size <= this.#max) return;
    this.#evictOf(this.#strange.size > this.#max / 2 ? this.#strange : this.#familiar);
  }

  /** Its first message was made under a key that no stranger has, now. */
  prove(one: Unproven): void {
    if (!this.#strange.delete(one) && !this.#familiar.delete(one)) return;
    this.#proven.add(one);
    if (this.#proven.size > this.#max) this.#evictOf(this.#proven);
  }

  /** A member came from there. */
  welcome({ network }: Source): void {
    this.#networks.delete(network);
    this.#networks.add(network);
    const [oldest] = this.#networks;
    if (this.#networks.size > NETWORKS_MAX) this.#networks.delete(oldest!);
  }

  delete(one: Unproven): void {
    this.#strange.delete(one);
    this.#familiar.delete(one);
    this.#proven.delete(one);
  }

  evictAll(): void {
    for (const one of [...this.#strange, ...this.#familiar, ...this.#proven]) {
      this.delete(one);
      one.evict();
    }
  }

  #evictOf(set: Set<Unproven>): void {
    const out = chooseVictim(set, this.#random);
    set.delete(out);
    out.evict();
  }
}

const NETWORKS_MAX = 4_096;
