/** Whom a probe is about, who is asked, and among which other pairs the question hides. */
import { parseAddress } from '../../base/index.ts';
import { networkOf, PROBE_PAIRS_MAX } from '../../wire/index.ts';
import type { ProbePair } from '../../wire/index.ts';
import type { NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import type { Links } from '../links/links.ts';
import type { Member } from '../members/member.ts';
import type { Members } from '../members/members.ts';
import type { Pins } from './pins.ts';

export interface ProbeChoice {
  readonly target: Member;
  readonly witnesses: readonly NodeId[];
  readonly pairs: readonly ProbePair[];
  /** Which of the pairs is the target's. */
  readonly index: number;
}

export interface ProbeSources {
  readonly context: Context;
  readonly members: Members;
  readonly links: Links;
  readonly pins: Pins;
}

/**
 * `probedAt` tells when a node was probed last, undefined for never. Undefined when no member that
 * could be probed has a link.
 */
export function chooseProbe(
  sources: ProbeSources,
  probedAt: (node: NodeId) => number | undefined,
): ProbeChoice | undefined {
  const linked = linkedMembers(sources);
  const target = chooseTarget(sources.context, linked, probedAt);
  if (target === undefined) return undefined;
  const others = linked.filter((member) => member !== target);
  const witnesses = chooseWitnesses(sources, others);
  return { target, witnesses, ...choosePairs(sources, target) };
}

/** Those never probed first, so that a first contact is looked at soon; then the longest ago. */
function chooseTarget(
  context: Context,
  linked: readonly Member[],
  probedAt: (node: NodeId) => number | undefined,
): Member | undefined {
  const times = linked.map((member) => probedAt(member.nodeId) ?? -Infinity);
  const longestAgo = Math.min(...times);
  const due = linked.filter((_, at) => times[at] === longestAgo);
  return due.length === 0 ? undefined : context.pick(due);
}

/**
 * Some of those this host has known longest: ids made yesterday are an attacker's cheapest witnesses.
 * From different networks first; where there are too few networks, from the same ones.
 */
function chooseWitnesses(sources: ProbeSources, others: readonly Member[]): NodeId[] {
  const { context, pins } = sources;
  const wanted = context.tuning.probeWitnesses;
  const byId = new Map(others.map((member) => [member.nodeId, member]));
  const oldest = pins.oldestFirst(byId.keys());
  const pool = oldest.slice(0, Math.max(POOL * wanted, Math.ceil(oldest.length / 2)));
  const networks = new Set<string>();
  const [first, later]: [NodeId[], NodeId[]] = [[], []];
  for (const node of shuffle(context, pool)) {
    const network = networkOf(parseAddress(pairOf(sources, byId.get(node)!).address)?.host ?? '');
    (networks.has(network) ? later : first).push(node);
    networks.add(network);
  }
  return [...first, ...later].slice(0, wanted);
}

/** Every decoy is a member that really exists: an invented one would be told apart at a glance. */
function choosePairs(sources: ProbeSources, target: Member) {
  const { context, members } = sources;
  const decoys = [...members.all()].filter((member) => member !== target && isKnown(member));
  const asked = shuffle(context, decoys).slice(0, PROBE_PAIRS_MAX - 1);
  const order = shuffle(context, [target, ...asked]);
  return { pairs: order.map((one) => pairOf(sources, one)), index: order.indexOf(target) };
}

function linkedMembers({ members, links, pins }: ProbeSources): Member[] {
  return [...members.all()].filter(
    (member) =>
      isKnown(member) && links.to(member.nodeId) !== undefined && !pins.isFrozen(member.nodeId),
  );
}

function isKnown(member: Member): boolean {
  return member.state === 'alive';
}

/** The address this host dialled: what stands there is what is to be found out. Else the first it tells. */
function pairOf({ links }: ProbeSources, { nodeId, record }: Member): ProbePair {
  const address = links.to(nodeId)?.info.address ?? record.body.addresses[0] ?? '';
  return { name: record.body.name, address };
}

/** Fisher and Yates. */
function shuffle<T>(context: Context, items: readonly T[]): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const other = Math.min(i, Math.floor(context.chance() * (i + 1)));
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}

/** The oldest are drawn from at least this many times the witnesses wanted. */
const POOL = 4;
