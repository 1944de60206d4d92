/**
 * How much of one bounded thing each member may take, so that who takes all it can hurts itself alone.
 * Of the total a quarter is for hubs, evenly; a quarter is each member's for certain, evenly; the rest
 * is open to whoever comes, a member to an eighth of it (a quarter in a small swarm), a hub to half.
 * Without a hub its quarter is open, too. What this host does itself is in no share.
 */
import type { NodeId } from '../../secure/types.ts';

/** Who shares. */
export interface Sharers {
  /** How many members there are, at least one. */
  readonly members: number;
  readonly hubs: number;
  isHub(node: NodeId): boolean;
}

/** Up to so many members a member may take more of what is open. */
const FEW_MEMBERS = 16;

export class Shares {
  readonly #total: number;
  readonly #sharers: Sharers;
  readonly #used = new Map<NodeId, number>();
  #size = 0;
  /** Taken beyond what is certain, by the members and hubs there were. */
  #open = 0;
  #basis = '';

  constructor(total: number, sharers: Sharers) {
    this.#total = total;
    this.#sharers = sharers;
  }

  /** Taken by all. */
  get size(): number {
    return this.#size;
  }

  used(owner: NodeId): number {
    return this.#used.get(owner) ?? 0;
  }

  /** What one may have in all, if nobody else takes of what is open. */
  most(owner: NodeId): number {
    return this.#certain(owner) + this.#openMost(owner);
  }

  fits(owner: NodeId, amount = 1): boolean {
    this.#rebase();
    const [before, after] = [this.#beyond(owner, 0), this.#beyond(owner, amount)];
    if (after === 0) return true;
    return after <= this.#openMost(owner) && this.#open - before + after <= this.#openTotal();
  }

  /** The caller has seen that it fits, or takes it all the same. */
  take(owner: NodeId, amount = 1): void {
    this.#rebase();
    this.#set(owner, this.used(owner) + amount);
    this.#size += amount;
  }

  give(owner: NodeId, amount = 1): void {
    this.#rebase();
    this.#set(owner, this.used(owner) - amount);
    this.#size -= amount;
  }

  #set(owner: NodeId, used: number): void {
    this.#open -= this.#beyond(owner, 0);
    if (used > 0) this.#used.set(owner, used);
    else this.#used.delete(owner);
    this.#open += this.#beyond(owner, 0);
  }

  /** How much of what an owner has, and of `more`, is beyond what is certain. */
  #beyond(owner: NodeId, more: number): number {
    return Math.max(0, this.used(owner) + more - this.#certain(owner));
  }

  #certain(owner: NodeId): number {
    const { members, hubs, isHub } = this.#sharers;
    const among = isHub(owner) ? hubs : members;
    return Math.max(1, Math.floor(this.#total / 4 / among));
  }

  #openTotal(): number {
    return this.#total * (this.#sharers.hubs > 0 ? 1 / 2 : 3 / 4);
  }

  #openMost(owner: NodeId): number {
    const { members, isHub } = this.#sharers;
    const part = isHub(owner) ? 2 : members <= FEW_MEMBERS ? 4 : 8;
    return Math.floor(this.#openTotal() / part);
  }

  /** Members come and go: what is certain to each changes, and with it what is open. */
  #rebase(): void {
    const { members, hubs } = this.#sharers;
    const basis = `${members} ${hubs}`;
    if (basis === this.#basis) return;
    this.#basis = basis;
    this.#open = 0;
    for (const owner of this.#used.keys()) this.#open += this.#beyond(owner, 0);
  }
}
