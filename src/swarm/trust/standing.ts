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
  #records: HubRecords;
  #hubs: ReadonlySet<NodeId> = new Set();

  constructor(members: Members, records: HubRecords) {
    this.#members = members;
    this.#records = records;
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
    this.#hubs = new Set([...this.#records.hubs()].filter((node) => this.#counts(node)));
  }

  #counts(node: NodeId): boolean {
    const member = this.#members.get(node);
    return member?.admitted === true && !isOut(member) && this.#records.isHub(node);
  }
}

export interface HubRecords {
  /** Nodes that were certified once: a few, whatever the size of the swarm. */
  hubs(): Iterable<NodeId>;
  isHub(node: NodeId): boolean;
}
