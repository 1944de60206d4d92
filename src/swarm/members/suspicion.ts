/**
 * Who says when a member is gone: those that had a link to it. A lost link is dialled again; when
 * that fails, or nothing comes back in time, its owner accuses, signed. The accused refutes with a
 * higher incarnation, over whatever link it has left.
 */
import { decodeSigned, fromHex } from '../../wire/index.ts';
import type { AccuseBody, SignedObject } from '../../wire/index.ts';
import type { NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import type { Links } from '../links/links.ts';
import type { Members } from './members.ts';

/** First pause before a member that was never linked, or refuted, is accused (again); it doubles. */
const DOUBT_MIN_MS = 15_000;
const DOUBT_MAX_MS = 3_600_000;
/** Failed dials that are needed for that. */
const DOUBT_DIALS = 3;

/** The same when a link was just lost. */
const LOST_DIALS = 2;

interface Doubt {
  /** Refuted or never begun doubts since the last link. */
  rounds: number;
  /** `mono` before which dials that fail prove nothing. */
  notBefore: number;
}

export class Suspicion {
  #context: Context;
  #members: Members;
  #links: Links;
  #say: (accusation: SignedObject<AccuseBody>) => void;
  /** Members whose link went down and who were not accused since. */
  #lost = new Set<NodeId>();
  #doubts = new Map<NodeId, Doubt>();

  constructor(
    context: Context,
    members: Members,
    links: Links,
    say: (accusation: SignedObject<AccuseBody>) => void,
  ) {
    this.#context = context;
    this.#members = members;
    this.#links = links;
    this.#say = say;
  }

  handleLinkUp(nodeId: NodeId): void {
    this.#lost.delete(nodeId);
    this.#doubts.delete(nodeId);
    this.#context.timers.clear('lost', nodeId);
  }

  /** The last link to a member went down. */
  handleLinkDown(nodeId: NodeId): void {
    this.#lost.add(nodeId);
    const { timers, now, tuning } = this.#context;
    timers.set('lost', nodeId, now.mono + tuning.lostGraceMs);
  }

  handleLostTimer(nodeId: NodeId): void {
    if (this.#lost.delete(nodeId)) this.#accuse(nodeId);
  }

  /**
   * Two dials that fail after a link was lost are proof enough (one fails by chance, and where many
   * links are reset at once, accusing on the first would flood the swarm); otherwise it takes
   * several, and time.
   */
  handleDialFailed(nodeId: NodeId, failures: number): void {
    if (this.#lost.has(nodeId)) {
      if (failures < LOST_DIALS) return;
      this.#context.timers.clear('lost', nodeId);
      return this.handleLostTimer(nodeId);
    }
    const { mono } = this.#context.now;
    const doubt = this.#doubts.get(nodeId) ?? { rounds: 0, notBefore: mono + DOUBT_MIN_MS };
    this.#doubts.set(nodeId, doubt);
    if (failures < DOUBT_DIALS || mono < doubt.notBefore) return;
    doubt.notBefore =
      mono + Math.min(DOUBT_MAX_MS, DOUBT_MIN_MS * 2 ** Math.min(doubt.rounds++, 16));
    this.#accuse(nodeId);
  }

  sweep(): void {
    for (const nodeId of this.#doubts.keys()) {
      if (this.#members.get(nodeId) === undefined) this.#doubts.delete(nodeId);
    }
  }

  #accuse(nodeId: NodeId): void {
    const member = this.#members.get(nodeId);
    if (member === undefined || this.#links.to(nodeId) !== undefined) return;
    if (member.state !== 'alive' && member.state !== 'suspect') return;
    if (member.accusations.has(this.#context.nodeId)) return;
    const bytes = this.#context.sign({
      kind: 'accuse',
      swarm: this.#context.swarm,
      node: fromHex(nodeId),
      incarnation: member.record.body.incarnation,
      by: this.#context.node,
    });
    this.#say(decodeSigned(bytes) as SignedObject<AccuseBody>);
  }
}
