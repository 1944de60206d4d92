/**
 * Who shares what this host has for others, and which of them are hubs. Members are admitted ones, so
 * nobody can multiply. A hub is who says so of itself in its record: it shares a hub's part with all
 * that say so, and takes nothing that is certain to a member.
 */
import type { NodeId } from '../../secure/types.ts';
import type { Sharers } from '../engine/shares.ts';
import { isOut } from '../members/member.ts';
import type { Members } from '../members/members.ts';

export class Standing implements Sharers {
  #members: Members;
  #hubs: ReadonlySet<NodeId> = new Set();

  constructor(members: Members) {
    this.#members = members;
  }

  get members(): number {
    return Math.max(1, this.#members.size);
  }

  get hubs(): number {
    return this.#hubs.size;
  }

  readonly isHub = (node: NodeId): boolean => this.#hubs.has(node);

  /** A record changed, or a member went. */
  update(): void {
    const hubs = [...this.#members.all()].filter(
      (member) => member.record.body.hub && member.admitted && !isOut(member),
    );
    this.#hubs = new Set(hubs.map(({ nodeId }) => nodeId));
  }
}
