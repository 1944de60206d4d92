/**
 * Who shares what this host has for others, and which of them are hubs. Members are admitted ones, so
 * nobody can multiply. A hub is who has the operator's certificate for it.
 */
import type { NodeId } from '../../secure/types.ts';
import type { Sharers } from '../engine/shares.ts';
import { isOut } from '../members/member.ts';
import type { Members } from '../members/members.ts';

export class Standing implements Sharers {
  #members: Members;
  #isCertified: (node: NodeId) => boolean;
  #hubs: ReadonlySet<NodeId> = new Set();

  constructor(members: Members, isCertified: (node: NodeId) => boolean) {
    this.#members = members;
    this.#isCertified = isCertified;
  }

  get members(): number {
    return Math.max(1, this.#members.size);
  }

  get hubs(): number {
    return this.#hubs.size;
  }

  readonly isHub = (node: NodeId): boolean => this.#hubs.has(node);

  /** A record changed, a certificate came or ended, or a member went. */
  update(): void {
    const hubs = [...this.#members.all()].filter(
      (member) => this.#isCertified(member.nodeId) && member.admitted && !isOut(member),
    );
    this.#hubs = new Set(hubs.map(({ nodeId }) => nodeId));
  }
}
