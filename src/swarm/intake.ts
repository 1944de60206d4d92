/** Signed objects about members, from peers or from disk, on their way into the table. */
import { decodeSigned, equalBytes, toHex, WireError } from '../wire/index.ts';
import type {
  AccuseBody,
  ForgetBody,
  MemberBody,
  SignedBody,
  SignedObject,
} from '../wire/index.ts';
import type { Context } from './context.ts';
import type { Keys } from './keys.ts';
import type { Members } from './members.ts';
import type { OwnRecord } from './own.ts';
import type { Records } from './records.ts';
import { MEMBERS_KEY } from './restore.ts';

export class Intake {
  #context: Context;
  #members: Members;
  #own: OwnRecord;
  #records: Records;
  #keys: Keys;

  constructor(parts: {
    context: Context;
    members: Members;
    own: OwnRecord;
    records: Records;
    keys: Keys;
  }) {
    this.#context = parts.context;
    this.#members = parts.members;
    this.#own = parts.own;
    this.#records = parts.records;
    this.#keys = parts.keys;
  }

  /** True when it was news, and is to be spread. */
  apply(object: SignedObject): boolean {
    if (!equalBytes(object.body.swarm, this.#context.swarm)) return false;
    if (isOf(object, 'member')) return this.#applyMember(object);
    if (isOf(object, 'accuse'))
      return this.#doubted(this.#members.applyAccuse(object), object.body);
    if (isOf(object, 'forget'))
      return this.#doubted(this.#members.applyForget(object), object.body);
    return false;
  }

  /** The same from the last run's file. */
  applyKept(bytes: Uint8Array): void {
    try {
      const object = decodeSigned(bytes);
      if (isOf(object, 'member') && this.#records.isExpelled(toHex(object.body.node)))
        this.#members.keepExpelled(object);
      else this.apply(object);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      const message = `a kept member record cannot be read and is left out: ${error.message}`;
      this.#context.alarm('state', MEMBERS_KEY, message);
    }
  }

  #applyMember(record: SignedObject<MemberBody>): boolean {
    if (this.#records.isExpelled(toHex(record.body.node))) return false;
    if (!this.#isSelf(record.body)) return this.#members.applyRecord(record);
    this.#keys.observeOwn(record.body.entry);
    if (this.#context.verify(this.#context.self.entry, record)) this.#own.observe(record);
    return false;
  }

  /** This node refutes what is said against it. */
  #doubted(news: boolean, body: AccuseBody | ForgetBody): boolean {
    if (news && this.#isSelf(body)) this.#own.refute(body.incarnation);
    return news;
  }

  #isSelf(body: { readonly node: Uint8Array }): boolean {
    return toHex(body.node) === this.#context.nodeId;
  }
}

function isOf<K extends SignedBody['kind']>(
  object: SignedObject,
  kind: K,
): object is SignedObject<Extract<SignedBody, { kind: K }>> {
  return object.body.kind === kind;
}
