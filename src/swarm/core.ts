/** The core: what its driver calls, and what it hands back. */
import { decodeSigned, equalBytes, fromHex } from '../wire/index.ts';
import type { EpochHead, NodeId, PeerIdentity, TokenRecord } from '../secure/types.ts';
import { endStateAlarms } from './wiring/alarm-ends.ts';
import { hubProblem } from './trust/own-hub.ts';
import { exposedHosts } from './trust/exposed.ts';
import { ClockWatch } from './engine/clock-watch.ts';
import { CLONE_REMEDY } from './members/clone.ts';
import { SwarmError } from './errors.ts';
import { receive } from './wiring/inbox.ts';
import { Wiring } from './wiring/wiring.ts';
import { prepareAsk } from './requests/start-request.ts';
import { GONE_MS, SWEEP_MS, tick } from './wiring/ticks.ts';
import type {
  CaughtUp,
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
  #wiring: Wiring;
  #clocks = new ClockWatch();
  #left = false;

  constructor(options: CoreOptions) {
    this.#wiring = new Wiring(options);
    // The first call makes the own record and sets all other timers.
    this.#wiring.context.timers.set('start', '', 0);
  }

  handleLinkUp(now: Now, id: LinkId, peer: PeerIdentity, info: LinkInfo): void {
    const wiring = this.#enter(now);
    if (wiring.isSelf(peer.nodeId)) return this.#refuseSelf(id, peer, info);
    // Nothing of a node is kept before it is admitted, not even its runs.
    const standing = wiring.admissions.judge(peer.nodeId, peer.admission);
    const isKnown = standing === 'admitted' || standing === 'saving';
    if (isKnown && wiring.isTwin(id, peer)) return;
    if (wiring.keys.admits(id, peer, info)) wiring.handleUp(id, peer, info);
  }

  handleLinkDown(now: Now, id: LinkId, reason: string): void {
    const wiring = this.#enter(now);
    wiring.handleGone(id);
    if (wiring.keys.handleDown(id)) return;
    const link = wiring.links.down(id, reason);
    if (link !== undefined) wiring.handleLost(link);
  }

  handleMessage(now: Now, id: LinkId, message: Uint8Array): void {
    const wiring = this.#enter(now);
    if (!wiring.keys.handleMessage(id, message)) receive(wiring, id, message);
  }

  handleEffectDone(now: Now, effectId: number, result: EffectResult): void {
    const wiring = this.#enter(now);
    switch (result.kind) {
      case 'dial':
        return wiring.dialer.handleDone(effectId, result.ok);
      case 'run':
        return wiring.executions.handleDone(effectId, result.outcome);
      case 'persist':
        return wiring.context.handlePersisted(effectId, result.ok);
    }
  }

  handleTimeout(now: Now): void {
    const { started } = this.#wiring;
    const { timers } = this.#wiring.context;
    const lag = started ? now.mono - (timers.next() ?? now.mono) : 0;
    const wiring = this.#enter(now);
    if (lag > LAG_MS) wiring.links.excuse(lag);
    if (this.#clocks.slept(now)) {
      for (const link of [...wiring.links.all()])
        wiring.close(link, 'suspended', 'this host was suspended');
    }
    for (let due = timers.take(now.mono); due; due = timers.take(now.mono)) {
      tick(wiring, due.name, due.subject);
    }
  }

  nextTimeout(): number | undefined {
    return this.#wiring.context.timers.next();
  }

  pollSend(): { link: LinkId; message: Uint8Array } | undefined {
    return this.#wiring.context.sends.shift();
  }

  pollEffect(): Effect | undefined {
    return this.#wiring.context.effects.shift();
  }

  pollEvent(): CoreEvent | undefined {
    return this.#wiring.context.events.shift();
  }

  /** @throws SwarmError when it cannot be asked like this; nothing was sent then */
  startRequest(now: Now, spec: RequestSpec): RequestId {
    const wiring = this.#enter(now);
    if (this.#left) throw new SwarmError('left', 'this node has left the swarm: start it again');
    if (wiring.asks.size >= ASKS_MAX) {
      throw new SwarmError('busy', `${ASKS_MAX} requests are under way: wait for one to end`);
    }
    const ask = prepareAsk(wiring, spec);
    wiring.asks.add(ask);
    wiring.requests.start(ask.request);
    for (const nodeId of ask.waiting) wiring.dialer.kick(nodeId);
    return ask.request.id;
  }

  cancelRequest(now: Now, id: RequestId): void {
    this.#enter(now).asks.cancel(id);
  }

  members(): readonly MemberView[] {
    const wiring = this.#wiring;
    return [...wiring.members.all()]
      .filter((member) => member.state !== 'forgotten' || wiring.isSelf(member.nodeId))
      .map((member) => wiring.view(member))
      .sort(byName);
  }

  departed(): readonly MemberView[] {
    const wiring = this.#wiring;
    const forgotten = [...wiring.members.all()].filter(
      (member) => member.state === 'forgotten' && !wiring.isSelf(member.nodeId),
    );
    return [...forgotten, ...wiring.members.expelled()]
      .map((member) => wiring.view(member))
      .sort(byName);
  }

  probes(): readonly ProbeResult[] {
    return this.#wiring.prober.results();
  }

  forget(now: Now, node: NodeId): boolean {
    const wiring = this.#enter(now);
    const member = wiring.members.get(node);
    if (member === undefined || wiring.isSelf(node)) return false;
    const bytes = wiring.context.sign({
      kind: 'forget',
      swarm: wiring.context.swarm,
      node: fromHex(node),
      incarnation: member.record.body.incarnation,
      by: wiring.context.node,
    });
    if (wiring.intake.apply(decodeSigned(bytes))) wiring.gossip.spread(bytes);
    return true;
  }

  install(now: Now, bundle: OperatorBundle): number | undefined {
    return this.#enter(now).records.install(bundle);
  }

  catchUp(now: Now, { head, operators, part }: CaughtUp): void {
    const { records, epochs } = this.#enter(now);
    records.adopt(operators);
    epochs.catchUp(head, part);
  }

  rolls(): Rolls {
    const { epochs, tokens, seats, records } = this.#wiring;
    return {
      head: epochs.entered,
      newest: Math.max(
        epochs.newest?.head.number ?? epochs.entered?.number ?? 0,
        epochs.leftOutOf?.number ?? 0,
      ),
      isBehind: epochs.isBehind,
      exposed: exposedHosts(this.#wiring),
      roll: epochs.roll,
      isWhole: epochs.isWhole,
      tokens: tokens
        .of(epochs.enteredId)
        .map((token) => ({ ...token, seats: seats.of(token.tag) })),
      lists: records.lists,
      operators: records.keys.set,
      named: records.named,
      isVoid: epochs.isVoid,
    };
  }

  /** The operator says, here and now, that a node is a hub. */
  isHub(now: Now, node: NodeId): boolean {
    return this.#enter(now).records.isHub(node);
  }

  /** What is wrong with the certificate of the hub that runs here; undefined where nothing is. */
  hubProblem(now: Now): string | undefined {
    return hubProblem(this.#enter(now));
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
    const { epochs } = this.#wiring;
    return epochs.part(epochs.enteredId, number);
  }

  signSeal(now: Now, seal: SealSpec): SealView {
    return this.#enter(now).seals.sign(seal);
  }

  spreadSeal(now: Now, head: Uint8Array): boolean {
    return this.#enter(now).seals.spread(head);
  }

  seals(): readonly SealView[] {
    return this.#wiring.seals.views();
  }

  leave(now: Now): void {
    const wiring = this.#enter(now);
    if (this.#left) return;
    this.#left = true;
    const record = wiring.own.leave();
    wiring.members.applyRecord(record);
    wiring.gossip.showSelf();
    wiring.gossip.spread(record.bytes);
    wiring.gossip.handleNewsTimer();
  }

  describe(now: Now, self: Partial<SelfDescription>): void {
    const { context, own } = this.#enter(now);
    context.self = { ...context.self, ...self, nodeId: context.nodeId };
    own.renew();
  }

  setEpoch(now: Now, head: EpochHead): void {
    const wiring = this.#enter(now);
    const known = wiring.context.options.operators?.();
    wiring.records.adopt(known?.statements.map(({ bytes }) => bytes) ?? []);
    wiring.enterEpoch(head);
  }

  sizes(): Readonly<Record<string, number>> {
    const { members, links, asks, replies, executions, requests, full } = this.#wiring;
    const { prober, probeAnswers, seals, turns } = this.#wiring;
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
      aside: this.#wiring.intake.size,
      waiting: this.#wiring.keys.size,
      waitingBytes: this.#wiring.keys.bytes,
      alarms: this.#wiring.context.openAlarms().length,
      fullShares: full.size,
      workers: this.#wiring.budgets.size,
      ...requests.sizes,
    };
  }

  #enter(now: Now): Wiring {
    const wiring = this.#wiring;
    // Wall time is signed and sent as an integer.
    wiring.context.now = { mono: now.mono, wall: Math.floor(now.wall) };
    if (!wiring.started) this.#start();
    return wiring;
  }

  #start(): void {
    const { context, intake, prekeys, gossip, dialer, records, prober } = this.#wiring;
    this.#wiring.started = true;
    this.#wiring.executions.begin();
    context.timers.clear('start', '');
    this.#wiring.seats.restore(context.options.seats ?? new Map());
    records.restore(context.options.records ?? NO_RECORDS, context.options.head);
    this.#wiring.seals.restore(context.options.seals ?? []);
    for (const kept of context.options.members ?? []) intake.applyKept(kept);
    endStateAlarms(this.#wiring);
    context.timers.set('sweep', '', context.now.mono + SWEEP_MS);
    context.timers.set('gone', '', context.now.mono + GONE_MS);
    prekeys.start();
    gossip.start();
    dialer.start();
    prober.start();
  }

  #refuseSelf(id: LinkId, peer: PeerIdentity, info: LinkInfo): void {
    const { context, dialer } = this.#wiring;
    dialer.noteOwn(info.address);
    context.effects.push({
      kind: 'close',
      link: id,
      code: 'replaced',
      reason: 'a link to oneself',
    });
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
