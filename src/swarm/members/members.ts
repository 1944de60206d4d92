/**
 * The member table (docs/protocol.md section 7): what each node said of itself under its own
 * signature, and who doubts it. Everything in it is kept as signed and can be shown to others.
 */
import { equalBytes, toHex } from '../../wire/index.ts';
import type { AccuseBody, ForgetBody, MemberBody, SignedObject } from '../../wire/index.ts';
import type { KeyEntry, NodeId } from '../../secure/types.ts';
import { CLONE_REMEDY } from './clone.ts';
import type { Context } from '../engine/context.ts';
import {
  ACCUSATIONS_MAX,
  accusedSince,
  isOut,
  noteBoot,
  stateOf,
  supersedes,
  suspicionMs,
} from './member.ts';
import type { Member } from './member.ts';
import type { MemberState } from '../types.ts';

/** More are not taken up: about 6 MB of records. */
export const MEMBERS_MAX = 16_384;

const ADDRESSES_MAX = 4 * MEMBERS_MAX;

export interface MembersListener {
  /** State, record or standing of a member changed. */
  changed(member: Member, before: MemberState | undefined): void;
  /** Whether the key entry of a record, another one than is known, stands in its node's key list. */
  believes(record: SignedObject<MemberBody>): boolean;
}

export class Members {
  #context: Context;
  #listener: MembersListener;
  #members = new Map<NodeId, Member>();
  /** Who showed an address last. */
  #byAddress = new Map<string, NodeId>();
  /** Whom the operator put out, as they were last: people know them by name. */
  #expelled = new Map<NodeId, Member>();

  constructor(context: Context, listener: MembersListener) {
    this.#context = context;
    this.#listener = listener;
  }

  get size(): number {
    return this.#members.size;
  }

  get(nodeId: NodeId): Member | undefined {
    return this.#members.get(nodeId);
  }

  all(): Iterable<Member> {
    return this.#members.values();
  }

  /** Members that were expelled, as far as this host knew them. */
  expelled(): Iterable<Member> {
    return this.#expelled.values();
  }

  /** A table that says nothing about a node takes its record; else the higher incarnation wins. */
  applyRecord(record: SignedObject<MemberBody>, admitted = true): boolean {
    const nodeId = toHex(record.body.node);
    const known = this.#members.get(nodeId);
    if (known !== undefined && !supersedes(record, known.record)) return false;
    const entry = this.#entryFor(record, known);
    if (entry === undefined || !this.#context.verify(entry, record)) return false;
    if (known === undefined) return this.#add(nodeId, record, entry, admitted);
    const before = known.state;
    const usedBefore = isOut(known) ? undefined : known.record.body;
    known.record = record;
    known.entry = entry;
    known.admitted = admitted;
    known.accusations = new Map();
    known.forgotten = undefined;
    if (noteBoot(known, record.body.bootId)) this.#alarmClone(known);
    this.#settle(known, before);
    this.#alarmReuse(known, usedBefore);
    this.#noteAddresses(known);
    return true;
  }

  /** One member doubts another. Kept only about the record that is known, so a refute ends it. */
  applyAccuse(accusation: SignedObject<AccuseBody>): boolean {
    const { body } = accusation;
    const member = this.#members.get(toHex(body.node));
    const by = toHex(body.by);
    if (member === undefined || member.record.body.incarnation !== body.incarnation) return false;
    if (member.accusations.has(by) || member.accusations.size >= ACCUSATIONS_MAX) return false;
    if (!this.#saidBy(by, accusation)) return false;
    const before = member.state;
    member.accusations.set(by, accusation);
    this.#settle(member, before);
    return true;
  }

  /** A node is not expected any more, unless it shows up under its own signature again. */
  applyForget(forget: SignedObject<ForgetBody>): boolean {
    const member = this.#members.get(toHex(forget.body.node));
    if (member === undefined || member.forgotten !== undefined) return false;
    if (member.record.body.incarnation !== forget.body.incarnation) return false;
    if (!this.#saidBy(toHex(forget.body.by), forget)) return false;
    const before = member.state;
    member.forgotten = forget;
    this.#settle(member, before);
    return true;
  }

  /** A suspicion may have become a death. */
  handleDead(nodeId: NodeId): void {
    const member = this.#members.get(nodeId);
    if (member !== undefined) this.#settle(member, member.state);
  }

  /**
   * Out of the table at once, by the operator's word, and with it what it said of others: nobody would
   * believe that any more, those least of all who have to refute it. `as`: `dead` for one that may
   * come back under another key.
   */
  remove(nodeId: NodeId, as: 'dead' | 'expelled'): void {
    const member = this.#members.get(nodeId);
    if (member === undefined) return;
    const before = member.state;
    this.#members.delete(nodeId);
    this.#context.timers.clear('dead', nodeId);
    member.state = as;
    member.since = this.#sinceOf(member);
    if (as === 'expelled') this.#expelled.set(nodeId, member);
    this.#listener.changed(member, before);
    for (const other of this.#members.values())
      if (other.accusations.delete(nodeId)) this.#settle(other, other.state);
  }

  /** An expelled member's last record, from this host's own disk: only its name is of use. */
  keepExpelled(record: SignedObject<MemberBody>): void {
    const nodeId = toHex(record.body.node);
    const entry = this.#context.options.parseEntry(record.body.entry);
    if (entry === undefined || this.#expelled.size >= MEMBERS_MAX) return;
    const member = newMember(nodeId, record, entry, false);
    member.state = 'expelled';
    member.since = this.#sinceOf(member);
    this.#expelled.set(nodeId, member);
    this.#listener.changed(member, undefined);
  }

  /** Looks at everybody anew: another epoch, or another list, is in force. */
  judge(isAdmitted: (member: Member) => boolean): void {
    for (const member of this.#members.values()) {
      if (member.nodeId === this.#context.nodeId) continue;
      const admitted = isAdmitted(member);
      if (admitted === member.admitted) continue;
      const before = member.state;
      member.admitted = admitted;
      this.#settle(member, before);
    }
  }

  /** Drops those that have been gone for twice as long as they are expected. */
  sweep(): void {
    for (const member of this.#members.values()) {
      if (this.#isGone(member)) this.#members.delete(member.nodeId);
    }
  }

  /** Members that an account must name. */
  *expected(): Iterable<Member> {
    const { wall } = this.#context.now;
    for (const member of this.#members.values()) {
      if (isOut(member)) continue;
      if (member.state === 'dead' && wall - member.since > this.#context.tuning.deadExpectedMs) {
        continue;
      }
      yield member;
    }
  }

  #add(
    nodeId: NodeId,
    record: SignedObject<MemberBody>,
    entry: KeyEntry,
    admitted: boolean,
  ): boolean {
    if (this.#members.size >= MEMBERS_MAX) {
      this.#context.alarm(
        'members',
        'full',
        `more than ${MEMBERS_MAX} members: "${record.body.name}" is not taken up`,
      );
      return false;
    }
    const member = newMember(nodeId, record, entry, admitted);
    member.since = this.#sinceOf(member);
    noteBoot(member, record.body.bootId);
    this.#alarmReuse(member, undefined);
    this.#noteAddresses(member);
    this.#members.set(nodeId, member);
    // The operator has taken it off the lists: an id is one host.
    this.#expelled.delete(nodeId);
    this.#listener.changed(member, undefined);
    return true;
  }

  /** Derives the state anew and sets the timer under which a suspicion ends. */
  #settle(member: Member, before: MemberState): void {
    const { timers, tuning, now } = this.#context;
    const lasts = suspicionMs(tuning.suspectMs, this.#members.size);
    member.state = stateOf(member, now.wall, lasts);
    if (member.state === 'suspect') {
      // Wall clocks of accusers differ; the wait itself is measured here and never longer.
      const left = Math.min(lasts, Math.max(1, accusedSince(member) + lasts - now.wall));
      timers.set('dead', member.nodeId, now.mono + left);
    } else timers.clear('dead', member.nodeId);
    if (member.state !== before) member.since = this.#sinceOf(member);
    this.#listener.changed(member, before);
  }

  /** Wall time of what made the state, where what was said tells it; else now. */
  #sinceOf(member: Member): number {
    const { wall } = this.#context.now;
    if (member.state === 'dead' && member.accusations.size > 0) {
      return Math.min(wall, accusedSince(member));
    }
    if (member.forgotten !== undefined) return Math.min(wall, member.forgotten.body.at);
    const said = member.record.body.incarnation * 1000;
    if (member.state === 'left') return Math.min(wall, said);
    // Records of the last run are taken up before the first call tells the time.
    return wall === 0 ? said : wall;
  }

  /** The key entry that must have signed a record; undefined when it cannot be believed. */
  #entryFor(record: SignedObject<MemberBody>, known: Member | undefined): KeyEntry | undefined {
    const { entry: bytes, node, name } = record.body;
    if (known !== undefined && equalBytes(known.entry.bytes, bytes)) return known.entry;
    const entry = this.#context.options.parseEntry(bytes);
    if (entry === undefined || entry.nodeId !== toHex(node)) return undefined;
    if (!this.#listener.believes(record)) return undefined;
    if (known === undefined || entry.version > known.entry.version) return entry;
    if (entry.version === known.entry.version) {
      this.#context.alarm(
        'fork',
        known.nodeId,
        `two different keys claim to be version ${entry.version} of "${name}"`,
      );
    }
    return undefined;
  }

  #saidBy(by: NodeId, object: SignedObject): boolean {
    const speaker = this.#members.get(by);
    return speaker?.admitted === true && this.#context.verify(speaker.entry, object);
  }

  #isGone(member: Member): boolean {
    if (member.nodeId === this.#context.nodeId) return false;
    const over = this.#context.now.wall - member.since > 2 * this.#context.tuning.deadExpectedMs;
    return over && member.state !== 'alive';
  }

  #alarmClone(member: Member): void {
    this.#context.alarm(
      'clone',
      member.nodeId,
      `two runs of "${member.record.body.name}" (${member.nodeId.slice(0, 12)}) take turns: its state folder was copied; ${CLONE_REMEDY}`,
    );
  }

  /**
   * A name or addresses that another one uses: looked for when a member comes, comes back, or changes
   * them. `before`: what it used until now, undefined for one that comes.
   */
  #alarmReuse(member: Member, before: MemberBody | undefined): void {
    if (isOut(member)) return;
    const { name, addresses } = member.record.body;
    if (before?.name !== name) this.#alarmSameName(member);
    if (before?.addresses.join() !== addresses.join()) this.#alarmSameAddresses(member);
  }

  #noteAddresses({ nodeId, record }: Member): void {
    for (const address of record.body.addresses) this.#byAddress.set(address, nodeId);
    if (this.#byAddress.size > ADDRESSES_MAX) this.#byAddress.clear();
  }

  /**
   * A new id at all addresses of a known one. One address alone says little: every host with
   * containers has the same private ones beside its own.
   */
  #alarmSameAddresses(member: Member): void {
    const addresses = new Set(member.record.body.addresses);
    const others = new Set([...addresses].map((address) => this.#byAddress.get(address)));
    for (const nodeId of others) {
      const other = nodeId === undefined ? undefined : this.#members.get(nodeId);
      if (other === undefined || other === member || isOut(other)) continue;
      const theirs = other.record.body.addresses;
      if (!theirs.every((it) => addresses.has(it))) continue;
      this.#context.alarm(
        'address_reused',
        theirs.join(', '),
        `the address ${theirs.join(', ')} of ${other.nodeId.slice(0, 12)} ("${other.record.body.name}") is used by ${member.nodeId.slice(0, 12)} ("${member.record.body.name}") as well: if the host was set up anew, forget the old one`,
      );
    }
  }

  #alarmSameName(member: Member): void {
    for (const other of this.#members.values()) {
      if (other === member || other.record.body.name !== member.record.body.name) continue;
      if (isOut(other)) continue;
      this.#context.alarm(
        'name_reused',
        member.record.body.name,
        `the name "${member.record.body.name}" is used by ${other.nodeId.slice(0, 12)} and ${member.nodeId.slice(0, 12)}: rename one, or forget the old one`,
      );
      return;
    }
  }
}

function newMember(
  nodeId: NodeId,
  record: SignedObject<MemberBody>,
  entry: KeyEntry,
  admitted: boolean,
): Member {
  const said = { accusations: new Map(), forgotten: undefined, boots: [] };
  const state = admitted || record.body.state === 'left' ? record.body.state : 'dead';
  return { nodeId, record, entry, admitted, state, since: 0, ...said };
}
