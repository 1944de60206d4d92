/** Names and addresses that a second member uses: looked for when one comes, comes back or changes them. */
import type { MemberBody } from '../../wire/index.ts';
import type { NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import { isOut, type Member } from './member.ts';
import type { Names } from './names.ts';

/** Four for each of as many members as there can be; beyond that it is learned anew. */
const ADDRESSES_MAX = 65_536;

export class Reuse {
  readonly #context: Context;
  readonly #names: Names;
  readonly #member: (nodeId: NodeId) => Member | undefined;
  readonly #byAddress = new Map<string, NodeId>();

  constructor(context: Context, names: Names, member: (nodeId: NodeId) => Member | undefined) {
    this.#context = context;
    this.#names = names;
    this.#member = member;
  }

  /** Who showed an address last. */
  showing(address: string): NodeId | undefined {
    return this.#byAddress.get(address);
  }

  note({ nodeId, record }: Member): void {
    for (const address of record.body.addresses) this.#byAddress.set(address, nodeId);
    if (this.#byAddress.size > ADDRESSES_MAX) this.#byAddress.clear();
  }

  /** `before`: what it used until now, undefined for one that comes. */
  look(member: Member, before: MemberBody | undefined): void {
    if (isOut(member)) return;
    const { name, addresses } = member.record.body;
    if (before?.name !== name) {
      this.#alarmSameName(member);
      this.#alarmAlike(member);
    }
    if (before?.addresses.join() !== addresses.join()) this.#alarmSameAddresses(member);
  }

  /**
   * A new id at all addresses of a known one. One address alone says little: every host with
   * containers has the same private ones beside its own.
   */
  #alarmSameAddresses(member: Member): void {
    const addresses = new Set(member.record.body.addresses);
    const others = new Set([...addresses].map((address) => this.#byAddress.get(address)));
    for (const nodeId of others) {
      const other = nodeId === undefined ? undefined : this.#member(nodeId);
      if (other === undefined || other === member || isOut(other)) continue;
      const theirs = other.record.body.addresses;
      if (!theirs.every((it) => addresses.has(it))) continue;
      this.#context.alarm(
        'address_reused',
        theirs.join(', '),
        `the address ${theirs.join(', ')} of ${other.nodeId.slice(0, 12)} ("${other.record.body.name}") is used by ${member.nodeId.slice(0, 12)} ("${member.record.body.name}") as well: if the host was set up anew, forget the old one`,
        member.nodeId,
      );
    }
  }

  #alarmSameName(member: Member): void {
    const { name } = member.record.body;
    const other = this.#names.claimers(name).find((node) => node !== member.nodeId);
    if (other === undefined) return;
    this.#context.alarm(
      'name_reused',
      name,
      `the name "${name}" is used by ${other.slice(0, 12)} and ${member.nodeId.slice(0, 12)}: rename one, or forget the old one`,
      member.nodeId,
    );
  }

  /** Only the name that came later is said: the other one stays what people know. */
  #alarmAlike(member: Member): void {
    const { name } = member.record.body;
    const [like] = this.#names.alike(name);
    if (like === undefined || this.#names.claimers(name).length > 1) return;
    this.#context.alarm(
      'name_like',
      name,
      `the name "${name}" of ${member.nodeId.slice(0, 12)} looks like "${like}" of ${this.#names.holder(like)!.slice(0, 12)}: if nobody meant that, put it out`,
      member.nodeId,
    );
  }
}
