/** What this host has pinned of a node, and for how long: the key book, or the table without one. */
import { fromHex } from '../../wire/index.ts';
import type { KnownHead } from '../../wire/index.ts';
import type { KeyEntry, NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import type { Members } from '../members/members.ts';

export class Pins {
  #context: Context;
  #members: Members;

  constructor(context: Context, members: Members) {
    this.#context = context;
    this.#members = members;
  }

  /** The book keeps nodes in the order in which it met them, over restarts too. */
  oldestFirst(nodes: Iterable<NodeId>): NodeId[] {
    const wanted = new Set(nodes);
    if (wanted.size < 2) return [...wanted];
    const known =
      this.#context.options.keyBook?.nodes ??
      [...this.#members.all()].map((member) => member.nodeId);
    return known.filter((node) => wanted.has(node));
  }

  /** The newest entry known. */
  head(node: NodeId): KnownHead | undefined {
    const entry = this.#list(node).at(-1);
    if (entry === undefined) return undefined;
    return { node: fromHex(node), version: entry.version, hash: this.#hash(entry) };
  }

  /** Hash of the entry of a version; undefined where the list is shorter. */
  hashAt(node: NodeId, version: number): Uint8Array | undefined {
    const entry = this.#list(node).find((one) => one.version === version);
    return entry && this.#hash(entry);
  }

  isFrozen(node: NodeId): boolean {
    return this.#context.options.keyBook?.frozen(node) !== undefined;
  }

  #list(node: NodeId): readonly KeyEntry[] {
    const { keyBook } = this.#context.options;
    if (keyBook !== undefined) return keyBook.list(node);
    const entry = this.#members.get(node)?.entry;
    return entry === undefined ? [] : [entry];
  }

  #hash(entry: KeyEntry): Uint8Array {
    return this.#context.crypto.sha256(entry.bytes);
  }
}
