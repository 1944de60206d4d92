/**
 * The member table (docs/protocol.md section 7): what each node said of itself under its own
 * signature, and who doubts it. Everything in it is kept as signed and can be shown to others.
 */
import { equalBytes, isHostName, toHex } from '../../wire/index.ts';
import type { AccuseBody, ForgetBody, MemberBody, SignedObject } from '../../wire/index.ts';
import type { KeyEntry, NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import { Doubts } from './doubts.ts';
import {
  ACCUSATIONS_MAX,
  accusedAt,
  doubtedSince,
  isOut,
  newMember,
  noteBoot,
  stateOf,
  supersedes,
} from './member.ts';
import type { Heard, Member } from './member.ts';
import type { MemberState } from '../types.ts';
import { Names } from './names.ts';
import { Order } from './order.ts';
import { RecordAlarms } from './record-alarms.ts';
import { Reuse } from './reuse.ts';

/** More are not taken up: about 6 MB of records. */
export const MEMBERS_MAX = 16_384;

export interface MembersListener {
  /** State, record or standing of a member changed. */
  changed(member: Member, before: MemberState | undefined): void;
  /** Whether the key entry of a record, another one than is known, stands in its node's key list. */
  believes(record: SignedObject<MemberBody>): boolean;
  /** `mono` since when there is a link to it; undefined where there is none. */
  linkedSince(nodeId: NodeId): number | undefined;
  /** When the last link to it ended, `mono`; 0 where there was none. */
  lostAt(nodeId: NodeId): number;
  /** It renews its record more often than is taken up. */
  changedTooOften(nodeId: NodeId): void;
}

export class Members {
  readonly names: Names;
  #context: Context;
  #listener: MembersListener;
  #members = new Map<NodeId, Member>();
  #order = new Order();
  #version = 0;
  /** Who showed an address last. */
  readonly #reuse: Reuse;
  /** Whom the operator put out, as they were last: people know them by name. */
  #expelled = new Map<NodeId, Member>();
  readonly #doubts: Doubts;
  readonly #alarms: RecordAlarms;

  constructor(context: Context, listener: MembersListener) {
    this.#context = context;
    this.#alarms = new RecordAlarms(context);
    const member = (nodeId: NodeId) => this.#members.get(nodeId);
    const { linkedSince, lostAt, changedTooOften } = listener;
    const count = (): number => this.size;
    this.#doubts = new Doubts({ context, member, count, linkedSince, lostAt, changedTooOften });
    this.#listener = listener;
    this.names = new Names(context.nodeId);
    this.#reuse = new Reuse(context, this.names, member);
  }

  get size(): number {
    return this.#members.size;
  }

  /** It has accused others falsely too often. */
  isDisbelieved(nodeId: NodeId): boolean {
    return this.#doubts.accusers.isDisbelieved(nodeId);
  }

  get(nodeId: NodeId): Member | undefined {
    return this.#members.get(nodeId);
  }

  all(): Iterable<Member> {
    return this.#members.values();
  }

  /** All, by node id. */
  *ordered(): Iterable<Member> {
    for (const nodeId of this.#order) yield this.#members.get(nodeId)!;
  }

  /** Who showed an address last. */
  showing(address: string): NodeId | undefined {
    return this.#reuse.showing(address);
  }

  /** Another number after each change of what the table says. */
  get version(): number {
    return this.#version;
  }

  /** What a node is called here. */
  nameOf(nodeId: NodeId): string {
    const member = this.#members.get(nodeId) ?? this.#expelled.get(nodeId);
    if (member === undefined) return nodeId.slice(0, 12);
    return this.names.shown(nodeId, member.record.body.name);
  }

  /** A token that the operator made for this name admitted a node: it takes it over from one that is away. */
  takeOverName(nodeId: NodeId): void {
    const member = this.#members.get(nodeId);
    const holder = member && this.names.holder(member.record.body.name);
    const held = holder === undefined ? undefined : this.#members.get(holder);
    if (held === undefined || held.state === 'alive' || held.state === 'suspect') return;
    const before = this.names.prefer(nodeId);
    if (before !== undefined) this.#renamed([nodeId, before]);
  }

  /** Members that were expelled, as far as this host knew them. */
  expelled(): Iterable<Member> {
    return this.#expelled.values();
  }

  /**
   * A table that says nothing about a node takes its record; else the higher incarnation wins. `since`:
   * of one from the own disk.
   */
  applyRecord(record: SignedObject<MemberBody>, admitted = true, since?: number): boolean {
    const nodeId = toHex(record.body.node);
    const known = this.#members.get(nodeId);
    if (known !== undefined && !supersedes(record, known.record)) return false;
    const isRenewed = known !== undefined && since === undefined;
    if (isRenewed && !this.#doubts.mayChange(known)) return false;
    const entry = this.#entryFor(record, known);
    if (entry === undefined || !this.#context.verify(entry, record, true)) return false;
    if (isRenewed) this.#doubts.noteChange(known);
    if (!isHostName(record.body.name)) {
      this.#alarms.name(nodeId, record.body.name);
      return false;
    }
    if (known === undefined) return this.#add(newMember(nodeId, record, entry, admitted), since);
    this.#doubts.noteRefuted(known);
    const before = known.state;
    const usedBefore = isOut(known) ? undefined : known.record.body;
    known.record = record;
    known.entry = entry;
    known.admitted = admitted;
    known.accusations = new Map();
    known.forgotten = undefined;
    known.wished = undefined;
    if (noteBoot(known, record.body.bootId)) this.#alarms.clone(known);
    this.#settle(known, before);
    this.#reuse.look(known, usedBefore);
    this.#reuse.note(known);
    return true;
  }

  /**
   * One member doubts another. Kept only about the record that is known, so a refute ends it; it counts
   * from now on, whatever clock its accuser has. `wall`: of one from the own disk, when it was heard.
   */
  applyAccuse(accusation: SignedObject<AccuseBody>, wall?: number): boolean {
    const { body } = accusation;
    const member = this.#members.get(toHex(body.node));
    const by = toHex(body.by);
    if (member === undefined || member.record.body.incarnation !== body.incarnation) return false;
    if (member.accusations.has(by) || member.accusations.size >= ACCUSATIONS_MAX) return false;
    if (!this.#doubts.isSaid(accusation, wall !== undefined)) return false;
    const before = member.state;
    member.accusations.set(by, this.#doubts.heard(accusation, wall));
    this.#settle(member, before);
    return true;
  }

  /**
   * A node is not expected any more, unless it shows up under its own signature again. What others say
   * counts only of one that is long gone here, too; until then it is kept, and passed on by nobody.
   */
  applyForget(forget: SignedObject<ForgetBody>, wall?: number): boolean {
    const member = this.#members.get(toHex(forget.body.node));
    if (member === undefined || member.forgotten !== undefined) return false;
    if (member.record.body.incarnation !== forget.body.incarnation) return false;
    const isOwn = wall !== undefined || equalBytes(forget.body.by, this.#context.node);
    const isTime = isOwn || this.#doubts.isLongGone(member);
    if (!isTime && member.wished !== undefined) return false;
    if (!this.#doubts.isSaid(forget, wall !== undefined)) return false;
    const heard = this.#doubts.heard(forget, wall);
    if (isTime) this.#forget(member, heard);
    else Object.assign(member, { wished: heard });
    this.#doubts.awaitForget(member);
    return isTime;
  }

  /** Somebody who may say so wants this very node forgotten. */
  isForgetSaid(forget: SignedObject<ForgetBody>): boolean {
    const member = this.#members.get(toHex(forget.body.node));
    if (member?.record.body.incarnation !== forget.body.incarnation) return false;
    return this.#doubts.isSaid(forget, false);
  }

  /** What was wished has its time. @returns the FORGET that counts now, to be passed on */
  handleForgetDue(nodeId: NodeId): Uint8Array | undefined {
    const member = this.#members.get(nodeId);
    const wished = member?.wished;
    if (member === undefined || wished === undefined || !this.#doubts.isLongGone(member))
      return undefined;
    this.#forget(member, wished);
    return wished.object.bytes;
  }

  /** A link to it came up or went down. */
  handleSight(nodeId: NodeId): void {
    const member = this.#members.get(nodeId);
    if (member !== undefined && member.accusations.size > 0) this.#settle(member, member.state);
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
    this.#drop(nodeId);
    this.#context.timers.clear('dead', nodeId);
    member.state = as;
    member.since = this.#sinceOf(member);
    if (as === 'expelled') this.#expelled.set(nodeId, member);
    this.#changed(member, before);
    for (const other of this.#members.values()) this.#unsay(other, nodeId);
  }

  /** An expelled member's last record, from this host's own disk: only its name is of use. */
  keepExpelled(record: SignedObject<MemberBody>, since: number): void {
    const nodeId = toHex(record.body.node);
    const entry = this.#context.options.parseEntry(record.body.entry);
    if (entry === undefined || this.#expelled.size >= MEMBERS_MAX) return;
    const member = newMember(nodeId, record, entry, false);
    member.state = 'expelled';
    member.since = Math.min(since, this.#context.now.wall);
    this.#expelled.set(nodeId, member);
    this.#changed(member, undefined);
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

  sweep(): void {
    this.#doubts.sweep();
  }

  /** Drops those that have been gone for twice as long as they are expected: a walk over all. */
  dropGone(): void {
    for (const member of this.#members.values()) {
      if (!this.#isGone(member)) continue;
      this.#drop(member.nodeId);
      this.#renamed(this.names.claim(member.nodeId, undefined));
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

  #add(member: Member, since: number | undefined): boolean {
    const { nodeId, record } = member;
    if (this.#members.size >= MEMBERS_MAX) {
      this.#alarms.full(record.body.name, MEMBERS_MAX);
      return false;
    }
    member.since = this.#sinceOf(member);
    if (since !== undefined) member.since = Math.min(since, member.since);
    this.#doubts.noteState(member);
    noteBoot(member, record.body.bootId);
    this.#reuse.look(member, undefined);
    this.#reuse.note(member);
    this.#members.set(nodeId, member);
    this.#order.add(nodeId);
    // The operator has taken it off the lists: an id is one host.
    this.#expelled.delete(nodeId);
    this.#changed(member, undefined);
    return true;
  }

  #drop(nodeId: NodeId): void {
    this.#members.delete(nodeId);
    this.#order.delete(nodeId);
    this.#version++;
  }

  /** Who goes by which name may have changed with it, of others too. */
  #changed(member: Member, before: MemberState | undefined): void {
    this.#version++;
    const isHere = this.#members.get(member.nodeId) === member && !isOut(member);
    const others = this.names.claim(member.nodeId, isHere ? member.record.body.name : undefined);
    this.#listener.changed(member, before);
    this.#renamed(others);
  }

  #renamed(nodes: readonly NodeId[]): void {
    for (const node of nodes) {
      const other = this.#members.get(node);
      if (other !== undefined) this.#listener.changed(other, other.state);
    }
  }

  /** Derives the state anew and sets the timer under which a suspicion ends. */
  #settle(member: Member, before: MemberState): void {
    const { timers } = this.#context;
    const sight = this.#doubts.sightOf(member);
    member.state = stateOf(member, sight);
    if (member.state === 'suspect')
      timers.set('dead', member.nodeId, doubtedSince(member, sight) + sight.suspectForMs);
    else timers.clear('dead', member.nodeId);
    this.#doubts.noteState(member);
    if (member.state !== before) member.since = this.#sinceOf(member);
    this.#changed(member, before);
  }

  #forget(member: Member, heard: Heard<ForgetBody>): void {
    const before = member.state;
    member.forgotten = heard;
    member.wished = undefined;
    this.#settle(member, before);
  }

  /** Takes back what `by` said of a member. */
  #unsay(member: Member, by: NodeId): void {
    const isBy = (heard: Heard<ForgetBody> | undefined): boolean =>
      heard !== undefined && toHex(heard.object.body.by) === by;
    const accused = member.accusations.delete(by);
    if (isBy(member.wished)) member.wished = undefined;
    if (isBy(member.forgotten)) member.forgotten = undefined;
    else if (!accused) return;
    this.#settle(member, member.state);
  }

  /** Wall time of what made the state, by the clock of this host. */
  #sinceOf(member: Member): number {
    const { wall } = this.#context.now;
    if (member.state === 'dead' && member.accusations.size > 0) {
      return Math.min(wall, accusedAt(member));
    }
    if (member.forgotten !== undefined) return Math.min(wall, member.forgotten.wall);
    // The own record is there before the first call tells the time.
    return wall === 0 ? member.record.body.incarnation * 1000 : wall;
  }

  /** The key entry that must have signed a record; undefined when it cannot be believed. */
  #entryFor(record: SignedObject<MemberBody>, known: Member | undefined): KeyEntry | undefined {
    const { entry: bytes, node, name } = record.body;
    if (known !== undefined && equalBytes(known.entry.bytes, bytes)) return known.entry;
    const entry = this.#context.options.parseEntry(bytes);
    if (entry === undefined || entry.nodeId !== toHex(node)) return undefined;
    if (!this.#listener.believes(record)) return undefined;
    if (known === undefined || entry.version > known.entry.version) return entry;
    if (entry.version === known.entry.version) this.#alarms.fork(known.nodeId, name, entry.version);
    return undefined;
  }

  #isGone(member: Member): boolean {
    if (member.nodeId === this.#context.nodeId) return false;
    const over = this.#context.now.wall - member.since > 2 * this.#context.tuning.deadExpectedMs;
    return over && member.state !== 'alive';
  }
}
