/**
 * Who goes by which name here (docs/protocol.md section 7). A name is a label: whoever claimed it first
 * holds it, and any other claimer is called by it and the beginning of its id. Pure.
 */
import type { NodeId } from '../../secure/types.ts';
import { looksAlike, nameBeside } from '../../wire/index.ts';

export class Names {
  readonly #self: NodeId;
  /** Claimers of each name, the first one first. */
  #claims = new Map<string, NodeId[]>();
  #claimed = new Map<NodeId, string>();
  /** Names that are claimed, by what they look like. */
  #looks = new Map<string, Set<string>>();

  /** `self` holds its own name at itself. */
  constructor(self: NodeId) {
    this.#self = self;
  }

  /** What a node claims now; undefined for one that is out. @returns nodes that may be called otherwise now */
  claim(node: NodeId, name: string | undefined): NodeId[] {
    const before = this.#claimed.get(node);
    if (before === name) return [];
    const freed = before === undefined ? [] : this.#drop(node, before);
    if (name === undefined) return freed;
    this.#claimed.set(node, name);
    const claims = this.#claims.get(name) ?? [];
    if (claims.length === 0) this.#note(name);
    this.#claims.set(name, claims);
    if (node !== this.#self) claims.push(node);
    else claims.unshift(node);
    return node === this.#self ? [...freed, ...claims.slice(1, 2)] : freed;
  }

  holder(name: string): NodeId | undefined {
    return this.#claims.get(name)?.[0];
  }

  /** The first one first. */
  claimers(name: string): readonly NodeId[] {
    return this.#claims.get(name) ?? [];
  }

  /** Other names that somebody claims and that people take for this one. */
  alike(name: string): string[] {
    return [...(this.#looks.get(looksAlike(name)) ?? [])].filter((other) => other !== name);
  }

  /** A claimer takes the name over from its holder. @returns who held it */
  prefer(node: NodeId): NodeId | undefined {
    const claims = this.#claims.get(this.#claimed.get(node) ?? '') ?? [];
    const [held] = claims;
    if (held === undefined || held === node || held === this.#self) return undefined;
    claims.splice(claims.indexOf(node), 1);
    claims.unshift(node);
    return held;
  }

  /** What a node is called here, whose record says `name`. */
  shown(node: NodeId, name: string): string {
    const holder = this.holder(name);
    return holder === undefined || holder === node ? name : nameBeside(name, node);
  }

  #drop(node: NodeId, name: string): NodeId[] {
    this.#claimed.delete(node);
    const claims = this.#claims.get(name)!;
    const at = claims.indexOf(node);
    claims.splice(at, 1);
    if (claims.length === 0) {
      this.#claims.delete(name);
      this.#unnote(name);
    }
    return at === 0 ? claims.slice(0, 1) : [];
  }

  #note(name: string): void {
    const looks = looksAlike(name);
    const names = this.#looks.get(looks) ?? new Set();
    this.#looks.set(looks, names.add(name));
  }

  #unnote(name: string): void {
    const looks = looksAlike(name);
    const names = this.#looks.get(looks);
    if (names?.delete(name) && names.size === 0) this.#looks.delete(looks);
  }
}
