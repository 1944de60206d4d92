/**
 * Opens links: to members that the overlay wants, with backoff and jitter; and, so that partitions
 * heal and first contact is made, to seeds and to addresses of members that are not alive.
 *
 * A link that was lost is dialled again at once, but for one that was short: its other end does not
 * want it, or two take it from each other, and would go on as fast as they can. Such a node is
 * dialled ever more slowly, until a link to it has lasted.
 */
import type { NodeId } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import type { Link, Links } from '../links/links.ts';
import { isOut, type Member } from '../members/member.ts';
import type { Members } from '../members/members.ts';
import type { Overlay } from './overlay.ts';

/** Dials to members under way at once. */
const DIALS_MAX = 4;
/** Beside those, dials to seeds and addresses that are not alive. */
const RECONTACTS_MAX = 2;
/** The side with the greater id waits this long, so that opens seldom cross. */
const YIELD_MS = 300;
/** A driver that never tells how a dial ended is not waited for longer. */
const DIAL_LOST_MS = 60_000;

/**
 * Addresses that never led to their node in this run are tried as others so many times, which takes some
 * minutes, and then seldom: a member may claim those of anybody, and every host would go on dialling them.
 */
const UNPROVEN_DIALS_MAX = 10;
const UNPROVEN_PAUSE_MS = 10 * 60_000;

/** A link that ends sooner is short. */
const SHORT_MS = 1_000;

interface Attempt {
  failures: number;
  /** Links that were short, since one lasted `redialMaxMs`. */
  short: number;
  /** How long it waited after the last of these, milliseconds. */
  pauseMs: number;
  /** `mono` before which it is not tried again. */
  notBefore: number;
  /** The effect that is out. */
  effect: number | undefined;
  addressAt: number;
  /** The address at which it was met last. */
  proven: string | undefined;
}

export class Dialer {
  #context: Context;
  #members: Members;
  #links: Links;
  #overlay: Overlay;
  #onFailed: (nodeId: NodeId, failures: number) => void;
  #attempts = new Map<NodeId, Attempt>();
  /** Effects that are out: to a member, or to an address alone. */
  #out = new Map<number, { nodeId?: NodeId; address: string }>();
  /** In a row, links that were short among them. */
  #recontactFailures = 0;
  /** Addresses that turned out to be this node's own. */
  #own = new Set<string>();
  /** Who answered at a seed last: a seed may be a name that no member shows. */
  #seedNodes = new Map<string, NodeId>();

  constructor(
    context: Context,
    members: Members,
    links: Links,
    overlay: Overlay,
    onFailed: (nodeId: NodeId, failures: number) => void,
  ) {
    this.#context = context;
    this.#members = members;
    this.#links = links;
    this.#overlay = overlay;
    this.#onFailed = onFailed;
  }

  start(): void {
    this.#context.timers.set('recontact', '', this.#context.now.mono);
    this.wake();
  }

  /** Something changed that may ask for a dial. */
  wake(): void {
    this.#context.timers.set('dial', '', this.#context.now.mono);
  }

  /** A member that is asked something and has no link gets a try now, whatever its backoff. */
  kick(nodeId: NodeId): void {
    const member = this.#members.get(nodeId);
    if (member === undefined || this.#links.to(nodeId) !== undefined) return;
    const attempt = this.#attemptFor(nodeId);
    if (attempt.effect !== undefined || this.#out.size >= DIALS_MAX + RECONTACTS_MAX) return;
    if (attempt.short > 0 && attempt.notBefore > this.#context.now.mono) return;
    if (isOut(member) || !member.admitted) return;
    this.#dial(member, attempt);
  }

  handleDialTimer(): void {
    const { mono } = this.#context.now;
    let next = Infinity;
    for (const member of this.#members.all()) {
      if (!this.#overlay.wants(member) || this.#links.to(member.nodeId) !== undefined) continue;
      const attempt = this.#attemptFor(member.nodeId);
      if (attempt.effect !== undefined) continue;
      if (attempt.notBefore > mono) next = Math.min(next, attempt.notBefore);
      else if (this.#dialsOut() < DIALS_MAX) this.#dial(member, attempt);
      // Else: the end of one of those under way wakes this again.
    }
    if (next < Infinity) this.#context.timers.set('dial', '', next);
  }

  handleRecontactTimer(): void {
    const address = this.#strangeAddress();
    if (address !== undefined && this.#recontactsOut() < RECONTACTS_MAX) this.#emit(address);
    const { tuning, timers, now } = this.#context;
    // Alone, a node looks for company eagerly; in company it looks for those that are away.
    const eager = this.#links.size === 0 && address !== undefined;
    const wait = eager
      ? this.#backoff(this.#recontactFailures)
      : this.#context.jitter(tuning.seedRedialMs);
    timers.set('recontact', '', now.mono + wait);
  }

  handleLinkUp({ nodeId, info }: Link): void {
    const { address } = info;
    if (address !== undefined && this.#context.options.seeds?.includes(address) === true)
      this.#seedNodes.set(address, nodeId);
    const attempt = this.#attempts.get(nodeId);
    if (attempt === undefined) return;
    attempt.failures = 0;
    attempt.notBefore = 0;
  }

  /** A lost link is dialled again at once by the smaller id, a little later by the other. */
  handleLinkDown({ nodeId, upAt }: Link): void {
    const { mono } = this.#context.now;
    const attempt = this.#attemptFor(nodeId);
    const isShort = this.#noteEnd(attempt, mono - upAt);
    attempt.notBefore = mono + (attempt.short > 0 ? attempt.pauseMs : this.#yields(nodeId));
    this.wake();
    this.#recontactFailures = isShort ? this.#recontactFailures + 1 : 0;
    if (this.#links.size > 0) return;
    this.#context.timers.set('recontact', '', mono + (isShort ? attempt.pauseMs : 0));
  }

  /** True for a link that was short: by itself, or against the pause before it. */
  #noteEnd(attempt: Attempt, lastedMs: number): boolean {
    const isShort = lastedMs < Math.max(SHORT_MS, attempt.pauseMs);
    if (isShort) attempt.pauseMs = this.#backoff(attempt.short++);
    else if (lastedMs >= this.#context.tuning.redialMaxMs)
      Object.assign(attempt, { short: 0, pauseMs: 0 });
    return isShort;
  }

  /** A link to oneself: its address is not dialled again. */
  noteOwn(address: string | undefined): void {
    if (address !== undefined && this.#own.size < 64) this.#own.add(address);
  }

  handleDone(effect: number, ok: boolean): void {
    const out = this.#out.get(effect);
    if (out === undefined) return;
    this.#out.delete(effect);
    this.#context.timers.clear('dial-lost', String(effect));
    if (out.nodeId === undefined) {
      if (!ok || this.#links.size === 0) this.#recontactFailures++;
      return this.wake();
    }
    const attempt = this.#attemptFor(out.nodeId);
    attempt.effect = undefined;
    if (ok && this.#links.to(out.nodeId) !== undefined) {
      attempt.proven = out.address;
      attempt.notBefore = this.#context.now.mono + this.#context.tuning.redialMinMs;
    } else if (ok) {
      // It came up and was not kept, by either end; or it went down already, and that is noted.
      if (attempt.notBefore <= this.#context.now.mono) this.#noteEnd(attempt, 0);
      attempt.notBefore = Math.max(attempt.notBefore, this.#context.now.mono + attempt.pauseMs);
    } else {
      attempt.failures++;
      attempt.addressAt++;
      attempt.notBefore = this.#context.now.mono + this.#pauseAfter(attempt, out.address);
      this.#onFailed(out.nodeId, attempt.failures);
    }
    this.wake();
  }

  /** Forgets what concerns members that are no more. */
  sweep(): void {
    for (const nodeId of this.#attempts.keys()) {
      if (this.#members.get(nodeId) === undefined) this.#attempts.delete(nodeId);
    }
  }

  #dial(member: Member, attempt: Attempt): void {
    const addresses = this.#addressesOf(member, attempt);
    if (addresses.length === 0) {
      attempt.notBefore = this.#context.now.mono + this.#context.tuning.redialMaxMs;
      return;
    }
    const address = addresses[attempt.addressAt % addresses.length]!;
    // A second link by the same side would replace the first; the end of that dial wakes this again.
    if (this.#isDialled(address)) return;
    attempt.effect = this.#emit(address, member.nodeId);
  }

  #emit(address: string, nodeId?: NodeId): number {
    const id = this.#context.nextEffectId();
    this.#out.set(id, { address, ...(nodeId === undefined ? {} : { nodeId }) });
    this.#context.effects.push({
      kind: 'dial',
      id,
      address,
      ...(nodeId === undefined ? {} : { nodeId }),
    });
    this.#context.timers.set('dial-lost', String(id), this.#context.now.mono + DIAL_LOST_MS);
    return id;
  }

  /** A seed that no living member has, or an address of one that is dead, and that nobody linked has. */
  #strangeAddress(): string | undefined {
    const linked = new Set<string>();
    for (const link of this.#links.all()) {
      if (link.info.address !== undefined) linked.add(link.info.address);
      const member = this.#members.get(link.nodeId);
      for (const address of member?.record.body.addresses ?? []) linked.add(address);
    }
    const addresses = new Set(this.#lostSeeds());
    for (const member of this.#members.all()) {
      if (isOut(member) || !member.admitted) continue;
      if (member.state === 'alive' && this.#links.size > 0) continue;
      for (const address of member.record.body.addresses) addresses.add(address);
    }
    const strange = [...addresses].filter(
      (it) => !linked.has(it) && this.#isStrange(it) && !this.#isDialled(it),
    );
    return strange.length === 0 ? undefined : this.#context.pick(strange);
  }

  /**
   * Seeds, but for those at which a member stands that lives by the table: it is reached over others,
   * and a swarm whose hosts all name one seed would dial that one without end.
   */
  #lostSeeds(): readonly string[] {
    const seeds = this.#context.options.seeds ?? [];
    if (this.#links.size === 0) return seeds;
    return seeds.filter((seed) => {
      const node = this.#seedNodes.get(seed) ?? this.#members.showing(seed);
      return node === undefined || this.#members.get(node)?.state !== 'alive';
    });
  }

  #isStrange(address: string): boolean {
    return !this.#own.has(address) && !this.#context.self.addresses.includes(address);
  }

  #isDialled(address: string): boolean {
    return [...this.#out.values()].some((out) => out.address === address);
  }

  #attemptFor(nodeId: NodeId): Attempt {
    let attempt = this.#attempts.get(nodeId);
    if (attempt === undefined) {
      const notBefore = this.#context.now.mono + this.#yields(nodeId);
      attempt = {
        ...{ failures: 0, short: 0, pauseMs: 0, notBefore, effect: undefined },
        ...{ addressAt: 0, proven: undefined },
      };
      this.#attempts.set(nodeId, attempt);
    }
    return attempt;
  }

  #pauseAfter({ failures, proven }: Attempt, address: string): number {
    if (address === proven || failures <= UNPROVEN_DIALS_MAX) return this.#backoff(failures - 1);
    return this.#context.jitter(UNPROVEN_PAUSE_MS);
  }

  /** Those to be tried in turn: after many failures only the one that is known to be its own, if any. */
  #addressesOf(member: Member, { failures, proven }: Attempt): readonly string[] {
    const { addresses } = member.record.body;
    if (proven !== undefined && failures > UNPROVEN_DIALS_MAX && addresses.includes(proven))
      return [proven];
    return addresses.filter((address) => this.#isStrange(address));
  }

  #yields(nodeId: NodeId): number {
    return this.#context.nodeId < nodeId ? 0 : this.#context.jitter(YIELD_MS);
  }

  #backoff(failures: number): number {
    const { redialMinMs, redialMaxMs } = this.#context.tuning;
    return this.#context.jitter(Math.min(redialMaxMs, redialMinMs * 2 ** Math.min(failures, 16)));
  }

  #dialsOut(): number {
    return [...this.#out.values()].filter((out) => out.nodeId !== undefined).length;
  }

  #recontactsOut(): number {
    return this.#out.size - this.#dialsOut();
  }
}
