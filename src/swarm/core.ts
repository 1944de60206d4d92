/** The core: what its driver calls, and what it hands back. */
import { decodeSigned, equalBytes, fromHex } from '../wire/index.ts';
import type { EpochHead, NodeId, PeerIdentity, TokenRecord } from '../secure/types.ts';
import { endStateAlarms } from './engine/alarm-ends.ts';
import { exposedHosts } from './trust/exposed.ts';
import { ClockWatch } from './engine/clock-watch.ts';
import { CLONE_REMEDY } from './members/clone.ts';
import { SwarmError } from './errors.ts';
import { receive } from './engine/inbox.ts';
import { Parts } from './engine/parts.ts';
import { prepareAsk } from './requests/start-request.ts';
import { SWEEP_MS, tick } from './engine/ticks.ts';
import type {
  Core,
  CoreEvent,
  CoreOptions,
  Effect,
  EffectResult,
  LinkId,
  LinkInfo,
  MemberView,
  Now,
  OperatorBundle,
  ProbeResult,
  RequestId,
  RequestSpec,
  Rolls,
  SealSpec,
  SealView,
  SelfDescription,
  TokenDoor,
} from './types.ts';

/** The swarm as one node sees it; see the interface for what each call does. */
export class SwarmCore implements Core {
  #parts: Parts;
  #clocks = new ClockWatch();
  #left = false;

  constructor(options: CoreOptions) {
    this.#parts = new Parts(options);
    // The first call makes the own record and sets all other timers.
    this.#parts.context.timers.set('start', '', 0);
  }

  handleLinkUp(now: Now, id: LinkId, peer: PeerIdentity, info: LinkInfo): void {
    const parts = this.#enter(now);
    if (parts.isSelf(peer.nodeId)) return this.#refuseSelf(id, peer, info);
    // Nothing of a node is kept before it is admitted, not even its runs.
    const standing = parts.admissions.judge(peer.nodeId, peer.admission);
    const isKnown = standing === 'admitted' || standing === 'saving';
    if (isKnown && parts.isTwin(id, peer)) return;
    if (parts.keys.admits(id, peer, info)) parts.handleUp(id, peer, info);
  }

  handleLinkDown(now: Now, id: LinkId, reason: string): void {
    const parts = this.#enter(now);
    parts.handleGone(id);
    if (parts.keys.handleDown(id)) return;
    const link = parts.links.down(id, reason);
    if (link !== undefined) parts.handleLost(link);
  }

  handleMessage(now: Now, id: LinkId, message: Uint8Array): void {
    const parts = this.#enter(now);
    if (!parts.keys.handleMessage(id, message)) receive(parts, id, message);
  }

  handleEffectDone(now: Now, effectId: number, result: EffectResult): void {
    const parts = this.#enter(now);
    switch (result.kind) {
      case 'dial':
        return parts.dialer.handleDone(effectId, result.ok);
      case 'run':
        return parts.executions.handleDone(effectId, result.outcome);
      case 'persist':
        if (parts.keeper.handlePersisted(effectId, result.ok)) return;
        if (parts.keys.handlePersisted(effectId, result.ok)) return;
        if (parts.records.handlePersisted(effectId, result.ok)) return;
        if (parts.seats.handlePersisted(effectId, result.ok)) return;
        if (parts.prekeys.handlePersisted(effectId, result.ok)) return;
        if (parts.seals.handlePersisted(effectId, result.ok)) return;
        parts.own.handlePersisted(effectId, result.ok);
    }
  }

  handleTimeout(now: Now): void {
    const { started } = this.#parts;
    const { timers } = this.#parts.context;
    const lag = started ? now.mono - (timers.next() ?? now.mono) : 0;
    const parts = this.#enter(now);
    if (lag > LAG_MS) parts.links.excuse(lag);
    if (this.#clocks.slept(now)) {
      for (const link of [...parts.links.all()]) parts.close(link, 'this host was suspended');
    }
    for (let due = timers.take(now.mono); due; due = timers.take(now.mono)) {
      tick(parts, due.name, due.subject);
    }
  }

  nextTimeout(): number | undefined {
    return this.#parts.context.timers.next();
  }

  pollSend(): { link: LinkId; message: Uint8Array } | undefined {
    return this.#parts.context.sends.shift();
  }

  pollEffect(): Effect | undefined {
    return this.#parts.context.effects.shift();
  }

  pollEvent(): CoreEvent | undefined {
    return this.#parts.context.events.shift();
  }

  /** @throws SwarmError when it cannot be asked like this; nothing was sent then */
  startRequest(now: Now, spec: RequestSpec): RequestId {
    const parts = this.#enter(now);
    if (this.#left) throw new SwarmError('left', 'this node has left the swarm: start it again');
    if (parts.asks.size >= ASKS_MAX) {
      throw new SwarmError('busy', `${ASKS_MAX} requests are under way: wait for one to end`);
    }
    const ask = prepareAsk(parts, spec);
    parts.asks.add(ask);
    parts.requests.start(ask.request);
    for (const nodeId of ask.waiting) parts.dialer.kick(nodeId);
    return ask.request.id;
  }

  cancelRequest(now: Now, id: RequestId): void {
    this.#enter(now).asks.cancel(id);
  }

  members(): readonly MemberView[] {
    const parts = this.#parts;
    return [...parts.members.all()]
      .filter((member) => member.state !== 'forgotten' || parts.isSelf(member.nodeId))
      .map((member) => parts.view(member))
      .sort(byName);
  }

  departed(): readonly MemberView[] {
    const parts = this.#parts;
    const forgotten = [...parts.members.all()].filter(
      (member) => member.state === 'forgotten' && !parts.isSelf(member.nodeId),
    );
    return [...forgotten, ...parts.members.expelled()]
      .map((member) => parts.view(member))
      .sort(byName);
  }

  probes(): readonly ProbeResult[] {
    return this.#parts.prober.results();
  }

  forget(now: Now, node: NodeId): boolean {
    const parts = this.#enter(now);
    const member = parts.members.get(node);
    if (member === undefined || parts.isSelf(node)) return false;
    const bytes = parts.context.sign({
      kind: 'forget',
      swarm: parts.context.swarm,
      node: fromHex(node),
      incarnation: member.record.body.incarnation,
      by: parts.context.node,
      at: parts.context.now.wall,
    });
    if (parts.intake.apply(decodeSigned(bytes))) parts.gossip.spread(bytes);
    return true;
  }

  install(now: Now, bundle: OperatorBundle): number | undefined {
    return this.#enter(now).records.install(bundle);
  }

  catchUp(now: Now, head: EpochHead, part?: { number: number; bytes: Uint8Array }): void {
    this.#enter(now).epochs.catchUp(head, part);
  }

  rolls(): Rolls {
    const { epochs, tokens, seats, records } = this.#parts;
    return {
      head: epochs.entered,
      newest: Math.max(epochs.newest?.head.number ?? 0, epochs.leftOutOf?.number ?? 0),
      isBehind: epochs.isBehind,
      exposed: exposedHosts(this.#parts),
      roll: epochs.roll,
      isWhole: epochs.isWhole,
      tokens: tokens
        .of(epochs.enteredId)
        .map((token) => ({ ...token, seats: seats.of(token.tag) })),
      lists: records.lists,
    };
  }

  door(now: Now, tag: string): TokenDoor {
    return this.#enter(now).admissions.door(tag);
  }

  reserveSeat(
    now: Now,
    token: TokenRecord,
    node: NodeId,
  ): 'unknown_token' | 'token_used_up' | 'expelled' | undefined {
    const { epochs, seats, records } = this.#enter(now);
    if (records.isExpelled(node)) return 'expelled';
    // A rotation came between JP1 and AUTH: who was let in now would be left out at once.
    if (token.epochId !== epochs.enteredId) return 'unknown_token';
    return seats.reserve(token, node) ? undefined : 'token_used_up';
  }

  part(number: number): Uint8Array | undefined {
    const { epochs } = this.#parts;
    return epochs.part(epochs.enteredId, number);
  }

  signSeal(now: Now, seal: SealSpec): SealView {
    return this.#enter(now).seals.sign(seal);
  }

  spreadSeal(now: Now, head: Uint8Array): boolean {
    return this.#enter(now).seals.spread(head);
  }

  seals(): readonly SealView[] {
    return this.#parts.seals.views();
  }

  leave(now: Now): void {
    const parts = this.#enter(now);
    if (this.#left) return;
    this.#left = true;
    const record = parts.own.leave();
    parts.members.applyRecord(record);
    parts.gossip.showSelf();
    parts.gossip.spread(record.bytes);
    parts.gossip.handleNewsTimer();
  }

  describe(now: Now, self: Partial<SelfDescription>): void {
    const { context, own } = this.#enter(now);
    context.self = { ...context.self, ...self, nodeId: context.nodeId };
    own.renew();
  }

  setEpoch(now: Now, head: EpochHead): void {
    this.#enter(now).enterEpoch(head);
  }

  /** Counts and bytes of everything that grows, for the bounds that tests hold. */
  sizes(): Readonly<Record<string, number>> {
    const { members, links, asks, replies, executions, requests } = this.#parts;
    const { prober, probeAnswers, seals, turns } = this.#parts;
    return {
      members: members.size,
      links: links.size,
      asks: asks.size,
      openingBytes: asks.openingBytes,
      keptBytes: replies.bytes,
      runs: executions.size,
      probed: prober.size,
      probers: probeAnswers.size,
      seals: seals.size,
      turns: turns.size,
      aside: this.#parts.intake.size,
      waiting: this.#parts.keys.size,
      ...requests.sizes,
    };
  }

  #enter(now: Now): Parts {
    const parts = this.#parts;
    // Wall time is signed and sent as an integer.
    parts.context.now = { mono: now.mono, wall: Math.floor(now.wall) };
    if (!parts.started) this.#start();
    return parts;
  }

  #start(): void {
    const { context, intake, prekeys, gossip, dialer, records, prober } = this.#parts;
    this.#parts.started = true;
    context.timers.clear('start', '');
    this.#parts.seats.restore(context.options.seats ?? new Map());
    records.restore(context.options.records ?? NO_RECORDS, this.#entered());
    this.#parts.seals.restore(context.options.seals ?? []);
    for (const bytes of context.options.members ?? []) intake.applyKept(bytes);
    endStateAlarms(this.#parts);
    context.timers.set('sweep', '', context.now.mono + SWEEP_MS);
    prekeys.start();
    gossip.start();
    dialer.start();
    prober.start();
  }

  #entered(): EpochHead | undefined {
    const { head, parseRecord } = this.#parts.context.options;
    const record = head && parseRecord?.(head);
    return record?.kind === 'epoch' ? record : undefined;
  }

  #refuseSelf(id: LinkId, peer: PeerIdentity, info: LinkInfo): void {
    const { context, dialer } = this.#parts;
    dialer.noteOwn(info.address);
    context.effects.push({ kind: 'close', link: id, reason: 'a link to oneself' });
    if (equalBytes(peer.bootId, context.self.bootId)) return;
    const where = info.address === undefined ? '' : ` at ${info.address}`;
    const message = `another host${where} runs with a copy of this host's identity: ${CLONE_REMEDY}`;
    context.alarm('clone', peer.nodeId, message);
  }
}

const NO_RECORDS = { records: [], parts: [] };
/** Own requests under way at once. */
const ASKS_MAX = 1024;
/** A timer that comes later than this says that this process was held up. */
const LAG_MS = 1_000;

function byName(a: MemberView, b: MemberView): number {
  return compare(a.name, b.name) || compare(a.nodeId, b.nodeId);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
