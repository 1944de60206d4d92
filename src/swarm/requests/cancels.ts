/** CANCELs that came before their REQ, which then must not be carried out. A moment, and a few of each origin. */
import type { NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';

const OF_ONE_MAX = 32;
const ALL_MAX = 4_096;
/** A flood takes no longer to overtake another. */
const KEPT_MS = 30_000;

export class Cancels {
  #context: Context;
  /** By origin: id to `mono` at which it is forgotten, the oldest first. */
  #origins = new Map<NodeId, Map<string, number>>();
  #size = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  get size(): number {
    return this.#size;
  }

  /** False where an older one of that origin had to go, or there is no room at all. */
  add(origin: NodeId, id: string): boolean {
    const ids = this.#origins.get(origin) ?? new Map<string, number>();
    if (ids.has(id)) return true;
    if (this.#size >= ALL_MAX && ids.size === 0) return false;
    const isFull = ids.size >= OF_ONE_MAX || this.#size >= ALL_MAX;
    if (isFull) this.#delete(origin, ids, ids.keys().next().value!);
    this.#origins.set(origin, ids);
    ids.set(id, this.#context.now.mono + KEPT_MS);
    this.#size++;
    return !isFull;
  }

  has(origin: NodeId, id: string): boolean {
    return (this.#origins.get(origin)?.get(id) ?? 0) > this.#context.now.mono;
  }

  forget(origin: NodeId): void {
    for (const ids of [this.#origins.get(origin) ?? new Map<string, number>()])
      for (const id of [...ids.keys()]) this.#delete(origin, ids, id);
  }

  sweep(): void {
    const { mono } = this.#context.now;
    for (const [origin, ids] of this.#origins)
      for (const [id, until] of ids) if (until <= mono) this.#delete(origin, ids, id);
  }

  #delete(origin: NodeId, ids: Map<string, number>, id: string): void {
    ids.delete(id);
    this.#size--;
    if (ids.size === 0) this.#origins.delete(origin);
  }
}
