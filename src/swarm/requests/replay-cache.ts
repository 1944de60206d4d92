/**
 * Requests that were taken once. An executing host would carry a copy out while its wall clock is
 * less than the allowed skew past `expires`, and it took the first one no earlier than that skew
 * before `issued`: so an entry that lives for the request's life and twice the skew is enough, and
 * relays need no wall time. Each origin has a share; where that is full its requests are not taken, or
 * they could be replayed.
 */
import type { NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import { Shares, type Sharers } from '../engine/shares.ts';

const ENTRIES_MAX = 262_144;
/** Entries are forgotten together, those of so long. */
const SET_MS = 30_000;

interface ReplayContext extends Pick<Context, 'nodeId' | 'now'> {
  readonly tuning: Pick<Context['tuning'], 'clockSkewMaxMs'>;
}

/** Ids, by the 30 s in whose end they may be forgotten. */
type Sets = Map<number, Set<string>>;

export class ReplayCache {
  #context: ReplayContext;
  #shares: Shares;
  #origins = new Map<NodeId, Sets>();
  #size = 0;

  constructor(context: ReplayContext, sharers: Sharers) {
    this.#context = context;
    this.#shares = new Shares(ENTRIES_MAX, sharers);
  }

  /** Own ones too. */
  get size(): number {
    return this.#size;
  }

  has(origin: NodeId, id: string): boolean {
    const packed = packId(id);
    for (const ids of this.#origins.get(origin)?.values() ?? []) if (ids.has(packed)) return true;
    return false;
  }

  /** False when the origin's share is full: then the request must not be taken. */
  add(origin: NodeId, id: string, lifeMs: number): boolean {
    const isOwn = origin === this.#context.nodeId;
    if (!isOwn && !this.#shares.fits(origin)) this.#sweepOf(origin);
    if (!isOwn && !this.#shares.fits(origin)) return false;
    if (!isOwn) this.#shares.take(origin);
    this.#size++;
    const { now, tuning } = this.#context;
    const end = Math.ceil((now.mono + lifeMs + 2 * tuning.clockSkewMaxMs) / SET_MS);
    const sets = this.#origins.get(origin) ?? (new Map() as Sets);
    this.#origins.set(origin, sets);
    const ids = sets.get(end) ?? new Set();
    sets.set(end, ids.add(packId(id)));
    return true;
  }

  sweep(): void {
    for (const origin of this.#origins.keys()) this.#sweepOf(origin);
  }

  /** Who was expelled leaves nothing behind: what it signed is taken from nobody any more. */
  forget(origin: NodeId): void {
    this.#drop(origin, () => true);
  }

  #sweepOf(origin: NodeId): void {
    const { mono } = this.#context.now;
    this.#drop(origin, (end) => end * SET_MS <= mono);
  }

  #drop(origin: NodeId, isOver: (end: number) => boolean): void {
    const sets = this.#origins.get(origin);
    for (const [end, ids] of sets ?? []) {
      if (!isOver(end)) continue;
      sets!.delete(end);
      this.#size -= ids.size;
      if (origin !== this.#context.nodeId) this.#shares.give(origin, ids.size);
    }
    if (sets?.size === 0) this.#origins.delete(origin);
  }
}

/** 32 hex digits as 16 letters: half a million of them are kept. */
function packId(id: string): string {
  return Buffer.from(id, 'hex').toString('latin1');
}
