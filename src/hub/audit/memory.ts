/** The chain in the database against what the nodes of the swarm remember of it. */
import type { OpenSeal } from '../../agent/index.ts';
import type { Checkpoint } from './seal.ts';
import type { Fault, StoredSealHead } from './verify.ts';

/** What one node answered. */
export interface NodeMemory {
  readonly node: string;
  /** SEALs as signed. */
  readonly heads: readonly Uint8Array[];
}

export interface Comparison {
  readonly memories: readonly NodeMemory[];
  readonly otherChains: readonly string[];
  readonly seals: readonly StoredSealHead[];
  readonly checkpoint: Checkpoint | undefined;
  /** The SEAL, or what is wrong with its signature. */
  readonly check: (head: Uint8Array) => Promise<OpenSeal | string>;
}

/** Seals that nodes remember and the database does not have like that are told once, with the nodes. */
export async function compareMemories(comparison: Comparison): Promise<{
  readonly faults: readonly Fault[];
  readonly witnesses: readonly string[];
  readonly notes: readonly string[];
}> {
  const book = new Book(comparison);
  const checked = new Map<string, OpenSeal | string>();
  const witnesses = new Set<string>();
  const notes: string[] = [];
  const odd = new Map<string, { fault: Omit<Fault, 'message'>; what: string; nodes: string[] }>();
  for (const { node, heads } of comparison.memories) {
    let unreadable = 0;
    for (const head of heads) {
      const key = Buffer.from(head).toString('base64');
      let seal = checked.get(key);
      if (seal === undefined) checked.set(key, (seal = await comparison.check(head)));
      if (typeof seal === 'string') {
        unreadable++;
        continue;
      }
      const verdict = book.judge(seal);
      if (verdict === 'same') witnesses.add(node);
      if (verdict === 'same' || verdict === 'gone') continue;
      const known = odd.get(verdict.what);
      if (known === undefined) odd.set(verdict.what, { ...verdict, nodes: [node] });
      else if (!known.nodes.includes(node)) known.nodes.push(node);
    }
    if (unreadable > 0)
      notes.push(`${node} shows ${unreadable} seals whose signatures do not hold here: left out`);
  }
  const faults = [...odd.values()].map(({ fault, what, nodes }) => ({
    ...fault,
    message: `${what}; so say ${nodes.length} nodes (${nodes.slice(0, NAMES_MAX).join(', ')})`,
  }));
  return { faults, witnesses: [...witnesses], notes };
}

const NAMES_MAX = 5;

type Verdict =
  | 'same'
  /** Retention let it go. */
  | 'gone'
  | { readonly fault: Omit<Fault, 'message'>; readonly what: string };

/** The seals of the database, to look up. */
class Book {
  readonly #hashes = new Map<string, string>();
  readonly #last = new Map<string, number>();
  readonly #other: ReadonlySet<string>;
  readonly #checkpoint: Checkpoint | undefined;

  constructor({ seals, otherChains, checkpoint }: Comparison) {
    for (const { chain, number, hash } of seals) {
      this.#hashes.set(`${chain} ${number}`, hash);
      this.#last.set(chain, number);
    }
    this.#other = new Set(otherChains.map((chain) => chain.replaceAll('-', '')));
    this.#checkpoint = checkpoint;
  }

  judge({ chain, number, hash, hub, at }: OpenSeal): Verdict {
    const by = `that hub ${hub.slice(0, 12)} signed on ${new Date(at).toISOString().slice(0, 19)}`;
    const last = this.#last.get(chain);
    if (last === undefined) {
      if (this.#other.has(chain)) return 'gone';
      const what = `the database knows nothing of audit chain ${chain} of hub ${hub.slice(0, 12)}`;
      return { fault: { kind: 'chain_unknown' }, what };
    }
    const dropped = this.#checkpoint;
    const ours = this.#hashes.get(`${chain} ${number}`) ?? this.#hashAt(number);
    if (ours === hash) return 'same';
    if (ours === undefined && number <= (dropped?.seal ?? 0)) return 'gone';
    if (ours === undefined && number > last)
      return {
        fault: { kind: 'chain_cut_off' },
        what: `seal ${number} ${by} is not in the database, whose chain ${chain} ends at ${last}`,
      };
    return {
      fault: { kind: 'chain_rebuilt' },
      what: `seal ${number} is not the one ${by}: the chain was rebuilt`,
    };
  }

  /** The last seal that retention let go is known by its hash. */
  #hashAt(number: number): string | undefined {
    const dropped = this.#checkpoint;
    if (dropped?.seal !== number) return undefined;
    return Buffer.from(dropped.hash).toString('hex');
  }
}
