/**
 * What counts of what members say of each other (docs/protocol.md section 7): who is believed, from
 * when on it counts, and what this host sees itself, which goes before all that is said.
 */
import { toHex } from '../../wire/index.ts';
import type { AccuseBody, ForgetBody, SignedObject } from '../../wire/index.ts';
import type { NodeId } from '../../secure/types.ts';
import { Accusers } from './accusers.ts';
import type { Context } from '../engine/context.ts';
import { Rates } from '../engine/rates.ts';
import { suspicionMs } from './member.ts';
import type { Heard, Member, Sight } from './member.ts';

export interface DoubtsSources {
  readonly context: Context;
  member(nodeId: NodeId): Member | undefined;
  count(): number;
  /** `mono` since when there is a link to it; undefined where there is none. */
  linkedSince(nodeId: NodeId): number | undefined;
  /** When the last link to it ended, `mono`; 0 where there was none. */
  lostAt(nodeId: NodeId): number;
  changedTooOften(nodeId: NodeId): void;
}

type Said = AccuseBody | ForgetBody;

/** Records of one member that are taken up; a digest brings the newest later. */
const CHANGES = { perSecond: 0.1, burst: 8 };
const DENIALS = { perSecond: 1, burst: 8 };

export class Doubts {
  readonly accusers: Accusers;
  #sources: DoubtsSources;
  #changes: Rates;
  #denials: Rates;

  constructor(sources: DoubtsSources) {
    this.#sources = sources;
    this.accusers = new Accusers(sources.context);
    this.#changes = new Rates(sources.context, () => CHANGES);
    this.#denials = new Rates(sources.context, () => DENIALS);
  }

  /** Signed by a member that is believed and does not say too much. `kept`: it is from the own disk. */
  isSaid(object: SignedObject<Said>, kept: boolean): boolean {
    const { context, member } = this.#sources;
    const by = toHex(object.body.by);
    const speaker = member(by);
    if (speaker?.admitted !== true || this.accusers.isDisbelieved(by)) return false;
    const isFree = kept || by === context.nodeId || this.accusers.has(by);
    if (!isFree || !context.verify(speaker.entry, object)) return false;
    return kept || by === context.nodeId || this.accusers.mayAccuse(by);
  }

  /**
   * Whether a member has not renewed its record too often lately; denying what is said of it is cheaper.
   * Looked at before its signature is, which would cost more than all else.
   */
  mayChange(member: Member): boolean {
    const { context, changedTooOften } = this.#sources;
    const { nodeId } = member;
    if (nodeId === context.nodeId || this.#ratesOf(member).has(nodeId)) return true;
    changedTooOften(nodeId);
    return false;
  }

  /** It did. */
  noteChange(member: Member): void {
    this.#ratesOf(member).take(member.nodeId);
  }

  #ratesOf({ accusations, forgotten, wished }: Member): Rates {
    const isDenial = accusations.size > 0 || forgotten !== undefined || wished !== undefined;
    return isDenial ? this.#denials : this.#changes;
  }

  sweep(): void {
    this.accusers.sweep((node) => this.#sources.member(node) !== undefined);
    this.#changes.sweep();
    this.#denials.sweep();
  }

  /** `wall`: of one from the own disk, when it was heard. */
  heard<B extends Said>(object: SignedObject<B>, wall?: number): Heard<B> {
    const { now } = this.#sources.context;
    return { object, at: now.mono, wall: Math.min(wall ?? now.wall, now.wall) };
  }

  sightOf({ nodeId }: Member): Sight {
    const { context, count, linkedSince, lostAt } = this.#sources;
    return {
      now: context.now.mono,
      suspectForMs: suspicionMs(context.tuning.suspectMs, count()),
      isLinked: linkedSince(nodeId) !== undefined,
      lostAt: lostAt(nodeId),
    };
  }

  /** A member's state was derived anew. */
  noteState(member: Member): void {
    if (member.state !== 'dead') member.deadAt = undefined;
    else member.deadAt ??= this.#sources.context.now.mono;
    this.awaitForget(member);
  }

  /** Who says of itself that it left, or is out by the operator's word, is gone by better authority. */
  isLongGone({ state, admitted, deadAt }: Member): boolean {
    if (state === 'left' || !admitted) return true;
    const { now, tuning } = this.#sources.context;
    return deadAt !== undefined && now.mono >= deadAt + tuning.forgetAfterMs;
  }

  /** Sets the timer at which a FORGET that came too early counts. */
  awaitForget({ nodeId, wished, state, deadAt }: Member): void {
    const { timers, now, tuning } = this.#sources.context;
    const at = state === 'left' ? now.mono : deadAt && deadAt + tuning.forgetAfterMs;
    if (wished === undefined || at === undefined) timers.clear('forget', nodeId);
    else timers.set('forget', nodeId, at);
  }

  /** Accusations that this host knows to be false have been refuted. */
  noteRefuted({ nodeId, record, accusations }: Member): void {
    const { context, member, linkedSince } = this.#sources;
    const since = linkedSince(nodeId);
    if (since === undefined || nodeId === context.nodeId) return;
    for (const [by, { at }] of accusations) {
      if (by === context.nodeId || at < since) continue;
      const name = member(by)?.record.body.name ?? by.slice(0, 12);
      this.accusers.noteRefuted(by, nodeId, { by: name, node: record.body.name });
    }
  }
}
