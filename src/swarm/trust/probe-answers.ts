/** Answers the questions of probes: which node this host has known longest under a name or address. */
import {
  attachSignature,
  decodeQuestion,
  fromHex,
  probeAnswerSigningBytes,
  type KnownHead,
  type ProbeMessage,
  type ProbePair,
} from '../../wire/index.ts';
import type { NodeId } from '../../secure/types.ts';
import type { Link } from '../links/links.ts';
import { isOut, type Member } from '../members/member.ts';
import type { ProbeSources } from './probe-choice.ts';

export class ProbeAnswers {
  #sources: ProbeSources;
  /** When each peer's allowance will be whole again, by `mono`. */
  #wholeAt = new Map<NodeId, number>();

  constructor(sources: ProbeSources) {
    this.#sources = sources;
  }

  get size(): number {
    return this.#wholeAt.size;
  }

  /** @throws WireError on a question that is none */
  handle(link: Link, { question }: ProbeMessage): void {
    const { pairs } = decodeQuestion(question);
    if (!this.#allows(link.nodeId)) return;
    const { context, links } = this.#sources;
    const signed = probeAnswerSigningBytes({
      swarm: context.swarm,
      by: context.node,
      asker: fromHex(link.nodeId),
      question: context.crypto.sha256(question),
      known: this.#find(pairs),
    });
    links.send(link, { t: 'probed', signed: attachSignature(signed, context.crypto.sign(signed)) });
  }

  sweep(): void {
    const { mono } = this.#sources.context.now;
    for (const [node, at] of this.#wholeAt) if (at <= mono) this.#wholeAt.delete(node);
  }

  /** Ten times as often as a peer should ask, and some at once. */
  #allows(node: NodeId): boolean {
    const { now, tuning } = this.#sources.context;
    const each = tuning.probeMeanMs / 10;
    const at = Math.max(now.mono, this.#wholeAt.get(node) ?? 0) + each;
    if (at > now.mono + BURST * each) return false;
    this.#wholeAt.set(node, at);
    return true;
  }

  /** One walk over the table for all pairs. */
  #find(pairs: readonly ProbePair[]): (KnownHead | undefined)[] {
    const found: Matches[] = pairs.map(() => ({ both: [], name: [], address: [] }));
    for (const member of this.#sources.members.all()) {
      if (isOut(member)) continue;
      for (const [at, pair] of pairs.entries()) note(found[at]!, pair, member);
    }
    return found.map((matches) => this.#known(matches));
  }

  /** An address alone says little: every host with containers has some of the same private ones. */
  #known({ both, name, address }: Matches): KnownHead | undefined {
    const named = both.length > 0 ? both : name;
    const nodes = named.length > 0 || address.length !== 1 ? named : address;
    const [oldest] = this.#sources.pins.oldestFirst(nodes);
    return oldest === undefined ? undefined : this.#sources.pins.head(oldest);
  }
}

interface Matches {
  readonly both: NodeId[];
  readonly name: NodeId[];
  readonly address: NodeId[];
}

function note(matches: Matches, pair: ProbePair, { nodeId, record }: Member): void {
  const name = record.body.name === pair.name;
  const address = record.body.addresses.includes(pair.address);
  if (name && address) matches.both.push(nodeId);
  else if (name) matches.name.push(nodeId);
  else if (address) matches.address.push(nodeId);
}

/** Questions at once. */
const BURST = 8;
