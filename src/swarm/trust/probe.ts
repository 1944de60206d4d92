/**
 * The decoy probe (docs/protocol.md section 6): now and then a host asks a member and some old
 * witnesses whom they know under eight names and addresses, one of them that member's. Whoever sits
 * between this host and the member since their first contact must sit between it and every witness
 * as well, or be found.
 */
import { decodeProbeAnswer, encodeQuestion, equalBytes, pack, toHex } from '../../wire/index.ts';
import type { KnownHead, ProbedMessage, ProbePair } from '../../wire/index.ts';
import type { NodeId } from '../../secure/types.ts';
import type { Link } from '../links/links.ts';
import { chooseProbe } from './probe-choice.ts';
import type { ProbeSources } from './probe-choice.ts';
import { compareHead, describeHead, verdictOf } from './probe-verdict.ts';
import type { Comparison } from './probe-verdict.ts';
import type { ProbeResult } from '../types.ts';

/** One question that is out. */
interface Probe {
  readonly target: NodeId;
  readonly pairs: readonly ProbePair[];
  readonly index: number;
  readonly question: Uint8Array;
  readonly hash: Uint8Array;
  readonly witnesses: readonly NodeId[];
  readonly waiting: Set<NodeId>;
  readonly answers: Map<
    NodeId,
    { readonly head: KnownHead | undefined; readonly signed: Uint8Array }
  >;
}

/** Asks a member that is linked for entries of a node's key list. */
export type FetchKeys = (link: Link, node: NodeId, from: number) => void;

export class Prober {
  #sources: ProbeSources;
  #fetch: FetchKeys;
  #probe: Probe | undefined;
  #results = new Map<NodeId, ProbeResult>();

  constructor(sources: ProbeSources, fetch: FetchKeys) {
    this.#sources = sources;
    this.#fetch = fetch;
  }

  get size(): number {
    return this.#results.size;
  }

  start(): void {
    this.#plan();
  }

  /** The last result about each member that was probed. */
  results(): readonly ProbeResult[] {
    return [...this.#results.values()];
  }

  handleTimer(): void {
    this.#plan();
    if (this.#probe === undefined) this.#begin();
  }

  /** @throws WireError on an answer that is none */
  handleProbed(link: Link, message: ProbedMessage): void {
    const { answer, signed, signature } = decodeProbeAnswer(message.signed);
    const probe = this.#probe;
    const { context } = this.#sources;
    if (probe === undefined || !probe.waiting.has(link.nodeId)) return;
    if (toHex(answer.by) !== link.nodeId || !equalBytes(answer.asker, context.node)) return;
    if (!equalBytes(answer.swarm, context.swarm)) return;
    if (!equalBytes(answer.question, probe.hash)) return;
    if (answer.known.length !== probe.pairs.length) return;
    // Under a link that stays the peer may have taken its next key into use.
    const entry = this.#sources.members.get(link.nodeId)?.entry ?? link.peer.entry;
    if (!context.verify(entry, { signed, signature })) return;
    probe.waiting.delete(link.nodeId);
    const head = answer.known[probe.index];
    probe.answers.set(link.nodeId, { head, signed: message.signed });
    if (this.#settled(probe, link, head)) this.#endIfComplete(probe);
  }

  handleEndTimer(): void {
    if (this.#probe !== undefined) this.#end(this.#probe);
  }

  /** Results about nodes that are no members any more go. */
  sweep(): void {
    for (const node of this.#results.keys()) {
      if (this.#sources.members.get(node) === undefined) this.#results.delete(node);
    }
  }

  /** A Poisson process: nobody can tell from the last probe when the next one comes. */
  #plan(): void {
    const { context } = this.#sources;
    const wait = Math.ceil(-Math.log(1 - context.chance()) * context.tuning.probeMeanMs);
    context.timers.set('probe', '', context.now.mono + wait);
  }

  #begin(): void {
    const { context, links } = this.#sources;
    const choice = chooseProbe(this.#sources, (node) => this.#results.get(node)?.at);
    if (choice === undefined) return;
    const { target, witnesses, pairs, index } = choice;
    const question = encodeQuestion({ id: context.options.random(16), pairs });
    const asked = [target.nodeId, ...witnesses];
    this.#probe = {
      target: target.nodeId,
      witnesses,
      pairs,
      index,
      question,
      hash: context.crypto.sha256(question),
      answers: new Map(),
      waiting: new Set(asked),
    };
    for (const node of asked) links.send(links.to(node)!, { t: 'probe', question });
    context.timers.set('probe-end', '', context.now.mono + context.tuning.probeAnswerMs);
  }

  /** False where the difference may come of entries that this host has not seen: it fetches them. */
  #settled(probe: Probe, link: Link, head: KnownHead | undefined): boolean {
    const compared = this.#compare(probe, head);
    if (head === undefined || toHex(head.node) !== probe.target || compared === 'same') return true;
    // From the start where the lists differ: the key book finds the fork, and proves it.
    this.#fetch(link, probe.target, compared === 'longer' ? head.version : 0);
    return false;
  }

  #endIfComplete(probe: Probe): void {
    if (probe.waiting.size > 0) return;
    const compared = [...probe.answers.values()].map(({ head }) => this.#compare(probe, head));
    if (!compared.includes('longer')) this.#end(probe);
  }

  #end(probe: Probe): void {
    const { context, members, pins } = this.#sources;
    this.#probe = undefined;
    context.timers.clear('probe-end', '');
    const member = members.get(probe.target);
    // A fork has its own alarm, and its own proof.
    if (member === undefined || pins.isFrozen(probe.target)) return;
    const result = this.#resultOf(probe);
    this.#results.set(probe.target, result);
    if (result.verdict === 'conflict') this.#alarm(probe, result);
    else if (result.verdict === 'consistent') context.alarmOver(ALARM, probe.target);
  }

  #resultOf(probe: Probe): ProbeResult {
    const { answers, target, witnesses, question } = probe;
    const compared = new Map<NodeId, Comparison>();
    for (const [node, { head }] of answers) compared.set(node, this.#compare(probe, head));
    const vouchers = witnesses.flatMap((node) => compared.get(node) ?? []);
    const verdict = verdictOf(vouchers, compared.get(target));
    const by = (kind: Comparison): NodeId[] =>
      witnesses.filter((one) => compared.get(one) === kind);
    const others = [...compared.keys()].filter((node) => compared.get(node) === 'other');
    return {
      nodeId: target,
      ...probe.pairs[probe.index]!,
      verdict,
      at: this.#sources.context.now.wall,
      asked: witnesses,
      same: by('same'),
      others,
      ...(verdict === 'conflict' && {
        proof: pack([question, ...others.map((node) => answers.get(node)!.signed)]),
      }),
    };
  }

  #alarm(probe: Probe, { name, address, nodeId, same, others }: ProbeResult): void {
    const { context, pins } = this.#sources;
    const ours = describeHead(pins.head(nodeId)!);
    const said = others.map((node) => {
      const { head } = probe.answers.get(node)!;
      return `${describeHead(head!)} to ${this.#nameOf(node)}`;
    });
    context.alarm(
      ALARM,
      nodeId,
      `"${name}" at ${address} is ${ours} to this host${listed(same.map((node) => this.#nameOf(node)))}, but ${said.join(', ')}: somebody may sit in the middle; compare with \`swarmplane status\` on that host, and forget or expel the wrong one`,
    );
  }

  #compare(probe: Probe, head: KnownHead | undefined): Comparison {
    return compareHead(this.#sources.pins, probe.target, head);
  }

  #nameOf(node: NodeId): string {
    const name = this.#sources.members.get(node)?.record.body.name;
    return name === undefined ? node.slice(0, 12) : `"${name}" (${node.slice(0, 12)})`;
  }
}

const ALARM = 'probe_conflict';

function listed(names: readonly string[]): string {
  return names.length === 0 ? '' : ` and ${names.join(', ')}`;
}
