/**
 * Which links there should be. Here a full mesh: one to every member that is not known to be
 * gone. HyParView replaces this file when swarms grow past it (docs/protocol.md section 7).
 */
import type { NodeId } from '../../secure/types.ts';
import type { Member } from '../members/member.ts';

export interface Overlay {
  /** True when this node should open a link to that member. */
  wants(member: Member): boolean;
  /**
   * True when a member that lives would have a direct link here after a moment, so that the lack
   * of one says that it cannot be reached. False where answers come over others.
   */
  linksTo(member: Member): boolean;
}

export class FullMesh implements Overlay {
  #self: NodeId;

  constructor(self: NodeId) {
    this.#self = self;
  }

  wants(member: Member): boolean {
    if (member.nodeId === this.#self || !member.admitted) return false;
    return member.state === 'alive' || member.state === 'suspect';
  }

  linksTo(member: Member): boolean {
    return member.nodeId !== this.#self;
  }
}
