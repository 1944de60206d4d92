/** Signed objects about members, from peers or from disk, on their way into the table. */
import { decodeSigned, equalBytes, toHex, WireError } from '../../wire/index.ts';
import type {
  AccuseBody,
  ForgetBody,
  MemberBody,
  SignedBody,
  SignedObject,
} from '../../wire/index.ts';
import type { NodeId } from '../../secure/types.ts';
import type { Admissions } from '../trust/admissions.ts';
import type { Context } from '../engine/context.ts';
import type { Keys } from '../trust/keys.ts';
import type { Members } from '../members/members.ts';
import type { OwnRecord } from '../members/own.ts';
import { MEMBERS_KEY } from '../members/kept-table.ts';
import type { KeptObject, LinkId } from '../types.ts';

export interface IntakeParts {
  readonly context: Context;
  readonly members: Members;
  readonly own: OwnRecord;
  readonly admissions: Admissions;
  readonly keys: Keys;
  /** A record names a token, or an epoch, that is not here: the link's other end may show it. */
  lacks(link: LinkId): void;
}

type MemberRecord = SignedObject<MemberBody>;

export class Intake {
  #parts: IntakeParts;
  /** Records that name what is not here yet, by the link that they came from. */
  #aside = new Map<LinkId, Map<NodeId, MemberRecord>>();
  /** Records whose seat is on its way to the disk; no more than there are seats. */
  #seated = new Map<NodeId, MemberRecord>();

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  get size(): number {
    return [...this.#aside.values()].reduce((sum, one) => sum + one.size, this.#seated.size);
  }

  /** True when it was news, and is to be spread. */
  apply(object: SignedObject, from?: LinkId): boolean {
    const { context, members } = this.#parts;
    if (!equalBytes(object.body.swarm, context.swarm)) return false;
    if (isOf(object, 'member')) return this.#applyMember(object, from);
    if (isOf(object, 'accuse')) return this.#doubted(members.applyAccuse(object), object.body);
    // This node is there, whatever it is told: nothing to keep, only to deny.
    if (isOf(object, 'forget') && this.#isSelf(object.body)) {
      this.#doubted(members.isForgetSaid(object), object.body);
      return false;
    }
    if (isOf(object, 'forget')) return members.applyForget(object);
    return false;
  }

  /** The same from the last run's file, where only those who were admitted once are. */
  applyKept({ bytes, wall }: KeptObject): void {
    const { context, members } = this.#parts;
    try {
      const object = decodeSigned(bytes);
      if (isOf(object, 'member')) this.#applyKeptMember(object, wall);
      else if (!equalBytes(object.body.swarm, context.swarm)) return;
      else if (isOf(object, 'accuse')) members.applyAccuse(object, wall);
      else if (isOf(object, 'forget')) members.applyForget(object, wall);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      const message = `a kept member record cannot be read and is left out: ${error.message}`;
      context.alarm('state', MEMBERS_KEY, message);
    }
  }

  /** Records that waited for seats; the caller spreads what is taken up now. */
  takeSeated(): MemberRecord[] {
    const records = [...this.#seated.values()];
    this.#seated.clear();
    return records.filter((record) => this.apply(record));
  }

  /** More is known now: records that waited are looked at again. */
  takeAside(): MemberRecord[] {
    const waiting = [...this.#aside];
    this.#aside.clear();
    return waiting.flatMap(([link, records]) =>
      [...records.values()].filter((record) => this.apply(record, link)),
    );
  }

  handleLinkDown(link: LinkId): void {
    this.#aside.delete(link);
  }

  #applyMember(record: MemberRecord, from: LinkId | undefined): boolean {
    const { context, keys, own, admissions, members } = this.#parts;
    if (this.#isSelf(record.body)) {
      keys.observeOwn(record.body.entry);
      if (context.verify(context.self.entry, record)) own.observe(record);
      return false;
    }
    const node = toHex(record.body.node);
    switch (admissions.judge(node, record.body.admission)) {
      case 'admitted':
        if (!members.applyRecord(record)) return false;
        if (admissions.isNamed(node, record.body.admission, record.body.name))
          members.takeOverName(node);
        admissions.noteJoined(node, record.body.name, record.body.admission);
        return true;
      case 'saving':
        this.#seated.set(node, newest(this.#seated.get(node), record));
        return false;
      case 'wait':
        if (from !== undefined) this.#setAside(from, node, record);
        return false;
      case 'refused':
        return false;
    }
  }

  #applyKeptMember(record: MemberRecord, wall: number): void {
    const { admissions, members } = this.#parts;
    if (!equalBytes(record.body.swarm, this.#parts.context.swarm)) return;
    if (this.#isSelf(record.body)) return;
    const node = toHex(record.body.node);
    if (admissions.isExpelled(node)) return members.keepExpelled(record, wall);
    members.applyRecord(record, admissions.stands(node, record.body.admission), wall);
  }

  #setAside(from: LinkId, node: NodeId, record: MemberRecord): void {
    const records = this.#aside.get(from) ?? new Map<NodeId, MemberRecord>();
    if (records.size === 0) {
      this.#aside.set(from, records);
      this.#parts.lacks(from);
    }
    const known = records.get(node);
    records.delete(node);
    records.set(node, newest(known, record));
    if (records.size > ASIDE_MAX) records.delete(records.keys().next().value!);
  }

  /** This node refutes what is said against it. */
  #doubted(news: boolean, body: AccuseBody | ForgetBody): boolean {
    if (news && this.#isSelf(body)) this.#parts.own.refute(body.incarnation);
    return news;
  }

  #isSelf(body: { readonly node: Uint8Array }): boolean {
    return toHex(body.node) === this.#parts.context.nodeId;
  }
}

/** Of one link. */
const ASIDE_MAX = 64;

/** Neither has been verified yet: the later one may be the false one, but it is not kept for long. */
function newest(known: MemberRecord | undefined, record: MemberRecord): MemberRecord {
  if (known === undefined) return record;
  return record.body.incarnation >= known.body.incarnation ? record : known;
}

function isOf<K extends SignedBody['kind']>(
  object: SignedObject,
  kind: K,
): object is SignedObject<Extract<SignedBody, { kind: K }>> {
  return object.body.kind === kind;
}
