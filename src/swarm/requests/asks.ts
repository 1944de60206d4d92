/**
 * The asker's side. The account closes when every expected host has ended, at the deadline, or
 * when nobody that is left is worth waiting for (patience.ts). While others are still waited for,
 * such a host may answer after all: nothing is decided before the account closes.
 */
import { BEACONS_MAX, fromHex, MISSING_MAX, toHex } from '../../wire/index.ts';
import type { AcceptedBody, ReplyMessage, SignedObject } from '../../wire/index.ts';
import type { KeyEntry, NodeId } from '../../secure/types.ts';
import { AnswerOpener } from './answer.ts';
import type { Opened, Outcome } from './answer.ts';
import { accountOf, newHost, outcomeOf, silentOutcome } from './ask.ts';
import type { Ask, AskedHost } from './ask.ts';
import type { Context } from '../engine/context.ts';
import type { Link, Links } from '../links/links.ts';
import type { Members } from '../members/members.ts';
import type { Overlay } from '../mesh/overlay.ts';
import { Openings } from './openings.ts';
import { waitsUntil } from './patience.ts';
import type { HostOutcome } from '../types.ts';

const STRANGERS_MAX = 256;
/** Beacons after this, then twice as long each time. */
const BEACON_FIRST_MS = 2_000;
/** By then, with the second beacon, a host that got the request has said so. */
const ACCEPTED_BY_MS = 5_000;
/** Link changes come in crowds. */
const BEACON_SOON_MS = 100;
const BEACON_EVERY_MS = 1_000;

export interface AsksListener {
  ended(ask: Ask): void;
  /** One of its hosts may be reached by others only. */
  lost(ask: Ask): void;
  /** Goes where the request went. */
  said(ask: Ask, signed: Uint8Array): void;
  /** A host has begun more answers than it may. */
  full(node: NodeId): void;
}

export class Asks {
  #context: Context;
  #members: Members;
  #links: Links;
  #overlay: Overlay;
  #listener: AsksListener;
  #asks = new Map<string, Ask>();
  #openings = new Openings();

  constructor(
    context: Context,
    members: Members,
    links: Links,
    overlay: Overlay,
    listener: AsksListener,
  ) {
    this.#context = context;
    this.#members = members;
    this.#links = links;
    this.#overlay = overlay;
    this.#listener = listener;
  }

  get size(): number {
    return this.#asks.size;
  }

  get openingBytes(): number {
    return this.#openings.bytes;
  }

  get(id: string): Ask | undefined {
    return this.#asks.get(id);
  }

  add(ask: Ask): void {
    const { timers, now } = this.#context;
    this.#asks.set(ask.request.id, ask);
    for (const host of ask.hosts.values()) host.state = this.#members.get(host.nodeId)?.state;
    timers.set('ask-end', ask.request.id, ask.endsAt);
    timers.set('beacon', ask.request.id, now.mono + BEACON_FIRST_MS);
    // The first look comes by timer, so that an account never closes inside startRequest.
    timers.set('ask-check', ask.request.id, now.mono);
  }

  /** This node's own part is done. */
  handleOwn(id: string, outcome: Outcome): void {
    const ask = this.#asks.get(id);
    const host = ask?.hosts.get(this.#context.nodeId);
    if (ask !== undefined && host !== undefined) this.#finish(ask, host, outcome, NO_PROOF);
  }

  handleReply(link: Link, message: ReplyMessage): void {
    const ask = this.#asks.get(toHex(message.id));
    if (ask === undefined) return;
    const nodeId = toHex(message.node);
    const entry = this.#keyOf(nodeId, link);
    if (entry === undefined || nodeId === this.#context.nodeId) return;
    const host = ask.hosts.get(nodeId) ?? this.#stranger(ask, nodeId);
    if (host === undefined || host.outcome !== undefined) return;
    const before = host.via;
    host.via = link.nodeId;
    const opened = this.#open(ask, host, message, entry);
    if (opened.kind === 'bad') {
      host.via = before;
      // Who relays it could not know.
      if (link.nodeId === nodeId) this.#context.wasted++;
    }
    if (opened.kind === 'done') this.#finish(ask, host, opened.outcome, opened.proof);
  }

  /** @throws WireError */
  handleAccepted(link: Link, object: SignedObject<AcceptedBody>): void {
    const ask = this.#asks.get(toHex(object.body.id));
    const host = ask?.hosts.get(toHex(object.body.node));
    if (host === undefined || host.accepted) return;
    const entry = this.#keyOf(host.nodeId, link);
    if (entry === undefined || !this.#context.verify(entry, object)) return;
    host.accepted = true;
    host.via = link.nodeId;
    this.#check(ask!);
  }

  /** The asker does not want it any more. */
  cancel(id: string): void {
    const ask = this.#asks.get(id);
    if (ask !== undefined) this.#close(ask, true);
  }

  handleEndTimer(id: string): void {
    const ask = this.#asks.get(id);
    if (ask !== undefined) this.#close(ask, false);
  }

  handleCheckTimer(id: string): void {
    const ask = this.#asks.get(id);
    if (ask !== undefined) this.#check(ask);
  }

  handleBeaconTimer(id: string): void {
    const ask = this.#asks.get(id);
    if (ask === undefined) return;
    const missing = [...ask.waiting].filter((node) => node !== this.#context.nodeId);
    const isLate = this.#context.now.mono >= ask.startedAt + ACCEPTED_BY_MS;
    if (isLate && missing.some((node) => ask.hosts.get(node)?.accepted === false))
      this.#listener.lost(ask);
    if (missing.length > 0) this.#sendBeacon(ask, missing);
    const wait = BEACON_FIRST_MS * 2 ** Math.min(ask.beacons, 16);
    this.#context.timers.set('beacon', id, this.#context.now.mono + wait);
  }

  /** Answers that were lost with a link come along the new one. */
  handleLinkUp(): void {
    for (const ask of this.#asks.values()) this.#beaconSoon(ask);
  }

  /** A link went down or a member's state changed: somebody may be out of reach now. */
  handleChange(nodeId: NodeId): void {
    const { mono } = this.#context.now;
    const state = this.#members.get(nodeId)?.state;
    for (const ask of this.#asks.values()) {
      if (!ask.waiting.has(nodeId)) continue;
      const host = ask.hosts.get(nodeId)!;
      if (host.state !== state) Object.assign(host, { state, changedAt: mono });
      if (nodeId !== this.#context.nodeId && this.#links.to(nodeId) === undefined)
        this.#listener.lost(ask);
      this.#check(ask);
    }
  }

  /** The way to a host is gone, and with it what it may just have said: it is shown another one. */
  handleLost(nodeId: NodeId): void {
    for (const ask of this.#asks.values()) if (ask.waiting.has(nodeId)) this.#beaconSoon(ask);
    this.handleChange(nodeId);
  }

  /** As often as others take them, and no more often. */
  #beaconSoon(ask: Ask): void {
    const { timers, now } = this.#context;
    const soon = Math.max(now.mono + BEACON_SOON_MS, ask.beaconAt + BEACON_EVERY_MS);
    timers.set('beacon', ask.request.id, soon);
  }

  #open(ask: Ask, host: AskedHost, message: ReplyMessage, entry: KeyEntry): Opened {
    const key = toHex(message.key);
    const held = host.opening?.key === key ? host.opening.opener : undefined;
    const opener = held ?? this.#opener(ask, message, entry);
    if (opener === undefined) return { kind: 'bad', reason: 'key is no good' };
    const room = message.final ? 'fits' : this.#openings.makeRoom(host, message.sealed.length);
    if (room === 'own') this.#listener.full(host.nodeId);
    if (room !== 'fits') return { kind: 'bad', reason: 'too much is being received' };
    const opened = opener.push(message);
    if (opened.kind !== 'more') return opened;
    // Only a verified first chunk may replace an answer that has begun (the host restarted).
    if (held === undefined) host.opening = { key, opener };
    this.#openings.set(host, opener.bytes);
    return opened;
  }

  #opener(ask: Ask, message: ReplyMessage, entry: KeyEntry): AnswerOpener | undefined {
    const head = {
      requestHash: ask.request.hash,
      node: message.node,
      origin: this.#context.node,
      key: message.key,
    };
    return AnswerOpener.create(this.#context.crypto, ask.secretKey, head, entry);
  }

  #stranger(ask: Ask, nodeId: NodeId): AskedHost | undefined {
    const known = ask.strangers.get(nodeId);
    if (known !== undefined || ask.strangers.size >= STRANGERS_MAX) return known;
    const name = this.#members.nameOf(nodeId);
    const host = newHost(nodeId, name);
    ask.strangers.set(nodeId, host);
    return host;
  }

  #finish(ask: Ask, host: AskedHost, outcome: Outcome, proof: Uint8Array): void {
    if (host.outcome !== undefined) return;
    this.#openings.release(host);
    const payload = outcome.status === 'ok' ? outcome.payload : NO_BYTES;
    // More than twice the time that it had is no time that a host took.
    const tookMs = Math.min(outcome.tookMs, 2 * Math.ceil(ask.endsAt - ask.startedAt));
    const shown = outcomeOf(host, { ...outcome, tookMs }, this.#over(host));
    this.#end(ask, host, shown, payload, proof);
    if (ask.waiting.size === 0) this.#close(ask, false);
    else this.#check(ask);
  }

  #end(
    ask: Ask,
    host: AskedHost,
    outcome: HostOutcome,
    payload: Uint8Array,
    proof: Uint8Array,
  ): void {
    host.outcome = outcome;
    ask.waiting.delete(host.nodeId);
    this.#context.events.push({
      kind: 'answer',
      requestId: ask.request.id,
      outcome,
      payload,
      unexpected: !ask.hosts.has(host.nodeId),
      proof,
    });
  }

  /** Closes, or sets the timer for when those that are left have had their chance. */
  #check(ask: Ask): void {
    const { timers, now } = this.#context;
    let until = 0;
    for (const nodeId of ask.waiting) until = Math.max(until, this.#waitsUntil(ask, nodeId));
    if (until <= now.mono) this.#close(ask, false);
    else if (until < ask.endsAt) timers.set('ask-check', ask.request.id, until);
    else timers.clear('ask-check', ask.request.id);
  }

  #waitsUntil(ask: Ask, nodeId: NodeId): number {
    const host = ask.hosts.get(nodeId)!;
    const member = this.#members.get(nodeId);
    const lostAt = this.#links.loss(nodeId)?.at ?? 0;
    const standing = {
      hopeless: host.hopeless !== undefined,
      linked: nodeId === this.#context.nodeId || this.#links.to(nodeId) !== undefined,
      relayed: this.#links.size > 0 && member !== undefined && !this.#overlay.linksTo(member),
      state: member?.state,
      spoke: host.accepted || host.opening !== undefined,
      since: Math.max(ask.startedAt, lostAt, host.changedAt),
    };
    return waitsUntil(standing, this.#context.tuning);
  }

  /** For people. */
  #whyUnreachable(nodeId: NodeId): string {
    const member = this.#members.get(nodeId);
    const state = member?.state ?? 'unknown';
    const since = state === 'dead' ? ` since ${new Date(member!.since).toISOString()}` : '';
    const reason = this.#links.loss(nodeId)?.reason;
    const ended = reason === undefined ? '' : `; the last one ended: ${reason}`;
    return `no link to this host (${state}${since}${ended})`;
  }

  /** Over whom a host's last word came, by name; undefined where it came straight, or never. */
  #over({ nodeId, via }: AskedHost): string | undefined {
    if (via === undefined || via === nodeId) return undefined;
    return this.#members.nameOf(via);
  }

  #close(ask: Ask, cancelled: boolean): void {
    const { timers, events } = this.#context;
    this.#asks.delete(ask.request.id);
    for (const timer of ['ask-end', 'ask-check', 'beacon'] as const) {
      timers.clear(timer, ask.request.id);
    }
    if (ask.waiting.size > 0) this.#sendCancel(ask);
    for (const nodeId of [...ask.waiting]) {
      const host = ask.hosts.get(nodeId)!;
      const isReachable = this.#waitsUntil(ask, nodeId) === Infinity;
      const outcome = silentOutcome(host, {
        unreachable: isReachable ? undefined : this.#whyUnreachable(nodeId),
        over: this.#over(host),
        cancelled,
      });
      this.#openings.release(host);
      this.#end(ask, host, outcome, NO_BYTES, NO_PROOF);
    }
    for (const host of ask.strangers.values()) this.#openings.release(host);
    ask.secretKey.fill(0);
    events.push({ kind: 'account', requestId: ask.request.id, account: accountOf(ask) });
    this.#listener.ended(ask);
  }

  #sendBeacon(ask: Ask, missing: readonly NodeId[]): void {
    if (ask.beacons >= BEACONS_MAX) return;
    ask.beaconAt = this.#context.now.mono;
    const { swarm, node } = this.#context;
    const prefixes = missing.map((nodeId) => fromHex(nodeId.slice(0, 16)));
    const signed = this.#context.sign({
      kind: 'beacon',
      swarm,
      id: ask.request.signed.body.id,
      origin: node,
      sequence: ++ask.beacons,
      missing: missing.length > MISSING_MAX ? undefined : prefixes,
    });
    this.#listener.said(ask, signed);
  }

  #sendCancel(ask: Ask): void {
    const { swarm, node } = this.#context;
    const { id } = ask.request.signed.body;
    const signed = this.#context.sign({ kind: 'cancel', swarm, id, origin: node });
    this.#listener.said(ask, signed);
  }

  #keyOf(nodeId: NodeId, link: Link): KeyEntry | undefined {
    const entry = this.#members.get(nodeId)?.entry;
    if (link.nodeId !== nodeId) return entry;
    return entry === undefined || entry.version < link.peer.entry.version ? link.peer.entry : entry;
  }
}

const NO_BYTES = new Uint8Array(0);
const NO_PROOF = NO_BYTES;
