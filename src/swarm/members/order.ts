/** Node ids in ascending order, kept so: summaries and digests name members in it. */
import type { NodeId } from '../../secure/types.ts';

export class Order implements Iterable<NodeId> {
  readonly #nodes: NodeId[] = [];

  /** One that is there already stays there once. */
  add(node: NodeId): void {
    const at = this.#placeOf(node);
    if (this.#nodes[at] !== node) this.#nodes.splice(at, 0, node);
  }

  delete(node: NodeId): void {
    const at = this.#placeOf(node);
    if (this.#nodes[at] === node) this.#nodes.splice(at, 1);
  }

  [Symbol.iterator](): Iterator<NodeId> {
    return this.#nodes.values();
  }

  /** Of the first that is not below `node`. */
  #placeOf(node: NodeId): number {
    let [low, high] = [0, this.#nodes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#nodes[middle]! < node) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
