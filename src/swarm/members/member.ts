/** One member as this node knows it, and the rules by which its state follows from what was said. */
import { splitAdmission, toHex } from '../../wire/index.ts';
import type { AccuseBody, ForgetBody, MemberBody, SignedObject } from '../../wire/index.ts';
import type { KeyEntry, NodeId } from '../../secure/types.ts';
import type { MemberState, MemberView } from '../types.ts';

export interface Member {
  readonly nodeId: NodeId;
  record: SignedObject<MemberBody>;
  entry: KeyEntry;
  /** By accuser; all about the record's incarnation. */
  accusations: Map<NodeId, SignedObject<AccuseBody>>;
  /** About the record's incarnation. */
  forgotten: SignedObject<ForgetBody> | undefined;
  /** False once an epoch has left it out: still named, not reachable, and what it says counts no more. */
  admitted: boolean;
  state: MemberState;
  /** Wall time of the last change of state. */
  since: number;
  /** Boot ids seen, newest last. */
  boots: string[];
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

/** The state that follows from a member's record and from what others say of it. */
export function stateOf(member: Member, now: number, suspectForMs: number): MemberState {
  if (member.forgotten !== undefined) return 'forgotten';
  if (member.record.body.state === 'left') return 'left';
  if (!member.admitted) return 'dead';
  if (member.accusations.size === 0) return 'alive';
  if (member.accusations.size >= ACCUSERS_BELIEVED) return 'dead';
  return now >= accusedSince(member) + suspectForMs ? 'dead' : 'suspect';
}

/** Nobody expects it, dials it or takes its name for used. */
export function isOut({ state }: { readonly state: MemberState }): boolean {
  return state === 'left' || state === 'forgotten' || state === 'expelled';
}

/** When the first of its accusers spoke, by that one's clock. */
export function accusedSince(member: Member): number {
  return Math.min(...[...member.accusations.values()].map((object) => object.body.at));
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
  const objects = [member.record.bytes];
  for (const accusation of member.accusations.values()) objects.push(accusation.bytes);
  if (member.forgotten !== undefined) objects.push(member.forgotten.bytes);
  return objects;
}

function tagOf(admission: Uint8Array): { tag?: string } {
  const split = splitAdmission(admission);
  return split === undefined ? {} : { tag: split.tag };
}

export function viewOf(member: Member, self: boolean, linked: boolean): MemberView {
  const { body } = member.record;
  return {
    nodeId: member.nodeId,
    name: body.name,
    addresses: body.addresses,
    labels: body.labels,
    version: body.version,
    hub: body.hub,
    // Others may doubt this node for a moment; it knows better.
    state: self && member.state !== 'left' ? 'alive' : member.state,
    incarnation: body.incarnation,
    since: member.since,
    self,
    linked,
    entry: member.entry,
    admitted: self || member.admitted,
    ...tagOf(body.admission),
  };
}
