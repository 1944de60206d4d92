/** Revocation lists in force, and whom they put out (docs/protocol.md section 9). */
import type { NodeId, RevocationRecord } from '../../secure/types.ts';
import { prefixOfNode } from '../../wire/index.ts';

export class RevocationLists {
  /** By hash. */
  #held = new Map<string, RevocationRecord>();
  /** Prefixes. */
  #out = new Set<string>();

  /** By number. */
  get all(): readonly RevocationRecord[] {
    return [...this.#held.values()].sort((a, b) => a.number - b.number);
  }

  get hashes(): readonly string[] {
    return [...this.#held.keys()];
  }

  /** Prefixes of all that they put out. */
  get expelled(): readonly string[] {
    return [...this.#out];
  }

  isExpelled(node: NodeId): boolean {
    return this.#out.has(prefixOfNode(node));
  }

  /** Those that put a node out. */
  naming(node: NodeId): readonly RevocationRecord[] {
    const prefix = prefixOfNode(node);
    return [...this.#held.values()].filter(({ expelled }) => expelled.includes(prefix));
  }

  isNews(list: RevocationRecord): boolean {
    const held = [...this.#held.values()];
    if (held.some((one) => replaces(one, list))) return false;
    return held.filter((one) => !replaces(list, one)).length < LISTS_MAX;
  }

  /** One that is news. */
  take(list: RevocationRecord): void {
    for (const one of this.all) if (replaces(list, one)) this.#held.delete(one.hash);
    this.#held.set(list.hash, list);
  }

  /** Those of a key of the operator that does not count any more. */
  drop(isGone: (list: RevocationRecord) => boolean): void {
    for (const list of this.all) if (isGone(list)) this.#held.delete(list.hash);
  }

  /** Counts anew whom they put out. @returns prefixes of those that were not out before */
  expel(): ReadonlySet<string> {
    const before = this.#out;
    this.#out = new Set([...this.#held.values()].flatMap((list) => list.expelled));
    return new Set([...this.#out].filter((one) => !before.has(one)));
  }
}

/**
 * Whether `other` says nothing any more beside `list`, which names it or has all of it: who keeps the
 * lists of years and shows them again must not fill the places of new ones. Of one number it is the one
 * that says less: behind the last number there is none, and a thief may have used that.
 */
function replaces(list: RevocationRecord, other: RevocationRecord): boolean {
  if (list.hash === other.hash || list.merges.includes(other.hash)) return true;
  if (other.merges.includes(list.hash) || list.number < other.number) return false;
  if (list.number === other.number && sizeOf(list) <= sizeOf(other)) return false;
  const [expelled, serials] = [new Set(list.expelled), new Set(list.serials)];
  return (
    other.expelled.every((one) => expelled.has(one)) &&
    other.serials.every((one) => serials.has(one))
  );
}

function sizeOf({ expelled, serials }: RevocationRecord): number {
  return expelled.length + serials.length;
}

/** Only the operator can fill these: lists made in parallel. */
const LISTS_MAX = 64;
