/** One member as this node knows it, and the rules by which its state follows from what was said. */
import { splitAdmission, toHex } from '../../wire/index.ts';
import type { AccuseBody, ForgetBody, MemberBody, SignedObject } from '../../wire/index.ts';
import type { KeyEntry, NodeId } from '../../secure/types.ts';
import type { KeptObject, MemberState, MemberView } from '../types.ts';

export interface Member {
  readonly nodeId: NodeId;
  record: SignedObject<MemberBody>;
  entry: KeyEntry;
  /** By accuser; all about the record's incarnation. */
  accusations: Map<NodeId, Heard<AccuseBody>>;
  /** About the record's incarnation. */
  forgotten: Heard<ForgetBody> | undefined;
  /** A FORGET that counts once the member has been dead here for long enough. */
  wished: Heard<ForgetBody> | undefined;
  /** `mono` since when it is dead here without a break. */
  deadAt: number | undefined;
  /** False once an epoch has left it out: still named, not reachable, and what it says counts no more. */
  admitted: boolean;
  state: MemberState;
  /** Wall time of the last change of state. */
  since: number;
  /** Boot ids seen, newest last. */
  boots: string[];
}

/** What somebody said, and when this host heard it first: their clocks decide nothing. */
export interface Heard<B extends AccuseBody | ForgetBody> {
  readonly object: SignedObject<B>;
  /** `mono`, of this run. */
  readonly at: number;
  /** Unix milliseconds by the clock of this host, kept over restarts. */
  readonly wall: number;
}

/** An accusation by this many members is believed at once. */
export const ACCUSERS_BELIEVED = 3;
/** More say nothing new: neither kept nor passed on. */
export const ACCUSATIONS_MAX = ACCUSERS_BELIEVED;
/** Boot ids remembered, to see two that alternate. */
const BOOTS_MAX = 4;

/** How long a suspicion lasts before it becomes a death, milliseconds. */
export function suspicionMs(suspectMs: number, members: number): number {
  return Math.round(4 * Math.log10(Math.max(2, members)) * suspectMs);
}

/** What this host sees of a member itself, and how long it suspects. Times are `mono`. */
export interface Sight {
  readonly now: number;
  readonly suspectForMs: number;
  /** There is a link to it. */
  readonly isLinked: boolean;
  /** When the last link to it ended; 0 where there was none. */
  readonly lostAt: number;
}

/**
 * The state that follows from a member's record, from what others say of it, and from what this host
 * sees: who has a link to it knows better than those that have none.
 */
export function stateOf(member: Member, sight: Sight): MemberState {
  if (member.forgotten !== undefined) return 'forgotten';
  if (member.record.body.state === 'left') return 'left';
  if (!member.admitted) return 'dead';
  if (member.accusations.size === 0 || sight.isLinked) return 'alive';
  if (member.accusations.size >= ACCUSERS_BELIEVED) return 'dead';
  return sight.now >= doubtedSince(member, sight) + sight.suspectForMs ? 'dead' : 'suspect';
}

/** Nobody expects it, dials it or takes its name for used. */
export function isOut({ state }: { readonly state: MemberState }): boolean {
  return state === 'left' || state === 'forgotten' || state === 'expelled';
}

/** `mono` since when there is doubt here: from the first accusation heard, or the end of the link. */
export function doubtedSince(member: Member, { lostAt }: Pick<Sight, 'lostAt'>): number {
  return Math.max(lostAt, Math.min(...[...member.accusations.values()].map(({ at }) => at)));
}

/** Wall time at which the first of its accusers was heard. */
export function accusedAt(member: Member): number {
  return Math.min(...[...member.accusations.values()].map(({ wall }) => wall));
}

/**
 * True when `record` says more than what is known: a higher incarnation; among equals `left`, then
 * the greater bytes, so that every table settles on the same one even for a clone's records.
 */
export function supersedes(
  record: SignedObject<MemberBody>,
  known: SignedObject<MemberBody>,
): boolean {
  if (record.body.incarnation !== known.body.incarnation) {
    return record.body.incarnation > known.body.incarnation;
  }
  if (record.body.state !== known.body.state) return record.body.state === 'left';
  return Buffer.compare(record.bytes, known.bytes) > 0;
}

/** Notes a boot id; true when it had been given up for another one before: a clone. */
export function noteBoot(member: Member, bootId: Uint8Array): boolean {
  const boot = toHex(bootId);
  if (member.boots.at(-1) === boot) return false;
  const seen = member.boots.includes(boot);
  member.boots = [...member.boots.filter((other) => other !== boot), boot].slice(-BOOTS_MAX);
  return seen;
}

/** What other members need to know of it, in an order in which each can be checked. */
export function objectsOf(member: Member): Uint8Array[] {
  return keptOf(member).map(({ bytes }) => bytes);
}

/** The same for the own disk, with the times at which things were heard. */
export function keptOf(member: Member): KeptObject[] {
  const { record, accusations, forgotten } = member;
  const heard = [...accusations.values(), ...(forgotten === undefined ? [] : [forgotten])];
  const said = heard.map(({ object, wall }) => ({ bytes: object.bytes, wall }));
  return [{ bytes: record.bytes, wall: 0 }, ...said];
}

function tagOf(admission: Uint8Array): { tag?: string } {
  const split = splitAdmission(admission);
  return split === undefined ? {} : { tag: split.tag };
}

/** How a member stands to this host, beside its record. */
export interface Seen {
  /** What it is called here. */
  readonly name: string;
  /** Whether the operator made its token for that name. */
  readonly named: boolean;
  readonly self: boolean;
  readonly linked: boolean;
}

export function viewOf(member: Member, seen: Seen): MemberView {
  const { self } = seen;
  const { body } = member.record;
  return {
    ...seen,
    nodeId: member.nodeId,
    addresses: body.addresses,
    labels: body.labels,
    version: body.version,
    hub: body.hub,
    // Others may doubt this node for a moment; it knows better.
    state: self && member.state !== 'left' ? 'alive' : member.state,
    incarnation: body.incarnation,
    since: member.since,
    entry: member.entry,
    admitted: self || member.admitted,
    ...tagOf(body.admission),
  };
}

export function newMember(
  nodeId: NodeId,
  record: SignedObject<MemberBody>,
  entry: KeyEntry,
  admitted: boolean,
): Member {
  const state = admitted || record.body.state === 'left' ? record.body.state : 'dead';
  return {
    nodeId,
    record,
    entry,
    accusations: new Map(),
    forgotten: undefined,
    wished: undefined,
    deadAt: undefined,
    admitted,
    state,
    since: 0,
    boots: [],
  };
}
