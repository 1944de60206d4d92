/** The core: takes calls and messages apart and hands them to the parts that decide. */
import { decodeMessage, decodeSigned, fromHex, toHex, WireError } from '../wire/index.ts';
import type {
  AcceptedBody,
  AcceptedMessage,
  MemberBody,
  ReplyMessage,
  SignedObject,
  SwarmMessage,
} from '../wire/index.ts';
import { equalBytes } from '../wire/index.ts';
import type { NodeId, PeerIdentity } from '../secure/types.ts';
import { Asks } from './asks.ts';
import { ClockWatch } from './clock-watch.ts';
import { Context } from './context.ts';
import { Dialer } from './dialer.ts';
import { SwarmError } from './errors.ts';
import { Executions } from './executions.ts';
import { Gossip } from './gossip.ts';
import { Intake } from './intake.ts';
import { Keeper } from './keeper.ts';
import { Links } from './links.ts';
import type { Link } from './links.ts';
import { viewOf } from './member.ts';
import type { Member } from './member.ts';
import { Members } from './members.ts';
import { FullMesh } from './overlay.ts';
import { OwnRecord } from './own.ts';
import { Replies } from './replies.ts';
import { Requests } from './requests.ts';
import type { Request } from './requests.ts';
import { prepareAsk } from './start-request.ts';
import { Suspicion } from './suspicion.ts';
import type { TimerName } from './timers.ts';
import type {
  Core,
  CoreEvent,
  CoreOptions,
  Effect,
  EffectResult,
  LinkId,
  LinkInfo,
  MemberState,
  MemberView,
  Now,
  RequestId,
  RequestSpec,
  SelfDescription,
} from './types.ts';

/** The swarm as one node sees it; see the interface for what each call does. */
export class SwarmCore implements Core {
  #context: Context;
  #members: Members;
  #links: Links;
  #own: OwnRecord;
  #intake: Intake;
  #keeper: Keeper;
  #gossip: Gossip;
  #dialer: Dialer;
  #suspicion: Suspicion;
  #requests: Requests;
  #executions: Executions;
  #replies: Replies;
  #asks: Asks;
  #started = false;
  #left = false;
  #clocks = new ClockWatch();

  constructor(options: CoreOptions) {
    const context = (this.#context = new Context(options));
    const overlay = new FullMesh(context.nodeId);
    const members = (this.#members = new Members(context, {
      changed: (member, before) => this.#handleMemberChanged(member, before),
    }));
    const links = (this.#links = new Links(context));
    this.#own = new OwnRecord(context, (record) => this.#publish(record));
    this.#intake = new Intake(context, members, this.#own);
    this.#keeper = new Keeper(context, members);
    this.#gossip = new Gossip(context, members, links, (object) => this.#intake.apply(object));
    this.#suspicion = new Suspicion(context, members, links, (accusation) => {
      if (members.applyAccuse(accusation)) this.#gossip.spread(accusation.bytes);
    });
    this.#dialer = new Dialer(context, members, links, overlay, (nodeId, failures) =>
      this.#suspicion.handleDialFailed(nodeId, failures),
    );
    this.#replies = new Replies(context, links);
    this.#executions = new Executions(context, members, {
      accepted: (request) => this.#replies.accept(request),
      ended: (request, outcome) => {
        if (request.origin === context.nodeId) this.#asks.handleOwn(request.id, outcome);
        else this.#replies.answer(request, outcome);
      },
    });
    this.#requests = new Requests(context, members, links, {
      execute: (request) => this.#executions.start(request),
      cancelled: (request) => this.#drop(request),
      beaconed: (request, isMissing) => this.#replies.handleBeacon(request, isMissing),
    });
    this.#asks = new Asks(context, members, links, overlay, ({ request }) => {
      this.#requests.end(request);
      this.#drop(request);
    });
    context.timers.set('start', '', 0);
    members.applyRecord(this.#own.provisional());
  }

  handleLinkUp(now: Now, id: LinkId, peer: PeerIdentity, info: LinkInfo): void {
    this.#enter(now);
    if (peer.nodeId === this.#context.nodeId) return this.#handleSelfLink(id, peer, info);
    const link = this.#links.up(id, peer, info);
    if (link === undefined) return;
    this.#dialer.handleLinkUp(link.nodeId);
    this.#suspicion.handleLinkUp(link.nodeId);
    this.#gossip.handleLinkUp(link);
    this.#requests.handleLinkUp(link);
    this.#asks.handleLinkUp();
    this.#tell(link.nodeId);
  }

  handleLinkDown(now: Now, id: LinkId): void {
    this.#enter(now);
    const link = this.#links.down(id);
    if (link !== undefined) this.#handleLost(link);
  }

  handleMessage(now: Now, id: LinkId, message: Uint8Array): void {
    this.#enter(now);
    const link = this.#links.get(id);
    if (link === undefined) return;
    link.heardAt = now.mono;
    try {
      const decoded = decodeMessage(message);
      if (decoded !== undefined) this.#dispatch(link, decoded);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#links.close(link, `protocol: ${error.message}`);
      this.#handleLost(link);
    }
  }

  handleEffectDone(now: Now, effectId: number, result: EffectResult): void {
    this.#enter(now);
    if (result.kind === 'dial') {
      this.#context.timers.clear('dial-lost', String(effectId));
      this.#dialer.handleDone(effectId, result.ok);
    } else if (result.kind === 'run') this.#executions.handleDone(effectId, result.outcome);
    else if (!this.#keeper.handlePersisted(effectId, result.ok)) {
      this.#own.handlePersisted(effectId, result.ok);
    }
  }

  handleTimeout(now: Now): void {
    const due = this.#context.timers.next();
    const lag = due === undefined || !this.#started ? 0 : now.mono - due;
    this.#enter(now);
    if (lag > LAG_MS) this.#links.excuse(lag);
    if (this.#clocks.slept(now)) this.#closeAll();
    for (;;) {
      const timer = this.#context.timers.take(now.mono);
      if (timer === undefined) return;
      this.#handleTimer(timer.name, timer.subject);
    }
  }

  nextTimeout(): number | undefined {
    return this.#context.timers.next();
  }

  pollSend(): { link: LinkId; message: Uint8Array } | undefined {
    return this.#context.sends.shift();
  }

  pollEffect(): Effect | undefined {
    return this.#context.effects.shift();
  }

  pollEvent(): CoreEvent | undefined {
    return this.#context.events.shift();
  }

  /** @throws SwarmError when it cannot be asked like this; nothing was sent then */
  startRequest(now: Now, spec: RequestSpec): RequestId {
    this.#enter(now);
    if (this.#left) throw new SwarmError('left', 'this node has left the swarm: start it again');
    if (this.#asks.size >= ASKS_MAX) {
      throw new SwarmError('busy', `${ASKS_MAX} requests are under way: wait for one to end`);
    }
    const ask = prepareAsk(this.#context, this.#members, spec);
    this.#asks.add(ask);
    this.#requests.start(ask.request);
    for (const nodeId of ask.waiting) this.#dialer.kick(nodeId);
    return ask.request.id;
  }

  cancelRequest(now: Now, id: RequestId): void {
    this.#enter(now);
    this.#asks.cancel(id);
  }

  members(): readonly MemberView[] {
    return [...this.#members.all()]
      .filter((member) => member.forgotten === undefined || this.#isSelf(member.nodeId))
      .map((member) => this.#view(member))
      .sort((a, b) =>
        a.name === b.name ? (a.nodeId < b.nodeId ? -1 : 1) : a.name < b.name ? -1 : 1,
      );
  }

  forget(now: Now, node: NodeId): boolean {
    this.#enter(now);
    const member = this.#members.get(node);
    if (member === undefined || this.#isSelf(node)) return false;
    const { swarm, node: by } = this.#context;
    const { incarnation } = member.record.body;
    const bytes = this.#context.sign({
      kind: 'forget',
      swarm,
      node: fromHex(node),
      incarnation,
      by,
      at: Math.floor(now.wall),
    });
    if (this.#intake.apply(decodeSigned(bytes))) this.#gossip.spread(bytes);
    return true;
  }

  leave(now: Now): void {
    this.#enter(now);
    if (this.#left) return;
    this.#left = true;
    const record = this.#own.leave();
    this.#members.applyRecord(record);
    this.#gossip.showSelf();
    this.#gossip.spread(record.bytes);
    this.#gossip.handleNewsTimer();
  }

  describe(now: Now, self: Partial<SelfDescription>): void {
    this.#enter(now);
    this.#context.self = { ...this.#context.self, ...self, nodeId: this.#context.nodeId };
    this.#own.renew();
  }

  setEpoch(now: Now, epoch: number): void {
    this.#enter(now);
    this.#context.epoch = epoch;
  }

  /** Counts and bytes of everything that grows, for the bounds that tests hold. */
  sizes(): Readonly<Record<string, number>> {
    return {
      members: this.#members.size,
      links: this.#links.size,
      asks: this.#asks.size,
      openingBytes: this.#asks.openingBytes,
      keptBytes: this.#replies.bytes,
      runs: this.#executions.size,
      ...this.#requests.sizes,
    };
  }

  #enter(now: Now): void {
    this.#context.now = now;
    if (this.#started) return;
    this.#started = true;
    const { timers, options } = this.#context;
    timers.clear('start', '');
    for (const bytes of options.members ?? []) this.#intake.applyKept(bytes);
    for (const node of options.forgotten ?? []) this.forget(now, node);
    timers.set('sweep', '', now.mono + SWEEP_MS);
    this.#own.renew();
    this.#gossip.start();
    this.#dialer.start();
  }

  #dispatch(link: Link, message: SwarmMessage): void {
    switch (message.t) {
      case 'heartbeat':
        return;
      case 'news':
        return this.#gossip.handleNews(link, message);
      case 'summary':
        return this.#gossip.handleSummary(link, message);
      case 'digest':
        return this.#gossip.handleDigest(link, message.hash);
      case 'want':
        return this.#gossip.handleWant(link, message);
      case 'request':
        return this.#requests.handleRequest(link, message);
      case 'pull':
        return this.#requests.handlePull(link, message);
      case 'reply':
        return this.#handleReply(link, message);
      case 'accepted':
        return this.#handleAccepted(link, message);
      case 'flood':
        return this.#requests.handleFlood(link, message);
    }
  }

  #handleTimer(name: TimerName, subject: string): void {
    switch (name) {
      case 'start':
        return;
      case 'heartbeat':
        return this.#handleHeartbeat(Number(subject));
      case 'dial':
        return this.#dialer.handleDialTimer();
      case 'recontact':
        return this.#dialer.handleRecontactTimer();
      case 'dial-lost':
        return this.#dialer.handleDone(Number(subject), false);
      case 'news':
        return this.#gossip.handleNewsTimer();
      case 'digest':
        return this.#gossip.handleDigestTimer();
      case 'keep':
        return this.#keeper.handleTimer();
      case 'lost':
        return this.#suspicion.handleLostTimer(subject);
      case 'dead':
        return this.#members.handleDead(subject);
      case 'sweep':
        return this.#sweep();
      case 'pull':
        return this.#requests.handlePullTimer(subject);
      case 'accepted':
        return this.#executions.handleAcceptedTimer(Number(subject));
      case 'run-end':
        return this.#executions.handleEndTimer(Number(subject));
      case 'ask-end':
        return this.#asks.handleEndTimer(subject);
      case 'ask-check':
        return this.#asks.handleCheckTimer(subject);
      case 'beacon':
        return this.#asks.handleBeaconTimer(subject);
    }
  }

  #handleReply(link: Link, message: ReplyMessage): void {
    const origin = toHex(message.origin);
    if (this.#isSelf(origin)) return this.#asks.handleReply(link, message);
    const request = this.#requests.find(origin, toHex(message.id));
    if (request !== undefined) this.#replies.relay(link, request, message);
  }

  #handleAccepted(link: Link, message: AcceptedMessage): void {
    const object = decodeSigned(message.signed);
    if (object.body.kind !== 'accepted') return;
    const origin = toHex(object.body.origin);
    if (this.#isSelf(origin)) {
      return this.#asks.handleAccepted(link, object as SignedObject<AcceptedBody>);
    }
    const request = this.#requests.find(origin, toHex(object.body.id));
    if (request !== undefined) this.#replies.relayAccepted(link, request, message);
  }

  #handleHeartbeat(id: LinkId): void {
    const link = this.#links.get(id);
    if (link === undefined || !this.#links.handleHeartbeat(id)) return;
    this.#links.close(link, 'silent for too long');
    this.#handleLost(link);
  }

  #handleLost(link: Link): void {
    this.#suspicion.handleLinkDown(link.nodeId);
    this.#dialer.handleLinkDown(link.nodeId);
    this.#asks.handleChange(link.nodeId);
    this.#tell(link.nodeId);
  }

  #handleSelfLink(id: LinkId, peer: PeerIdentity, info: LinkInfo): void {
    this.#dialer.noteOwn(info.address);
    this.#context.effects.push({ kind: 'close', link: id, reason: 'a link to oneself' });
    if (equalBytes(peer.bootId, this.#context.self.bootId)) return;
    const where = info.address === undefined ? '' : ` at ${info.address}`;
    const message = `another host${where} runs with a copy of this host's identity: wipe the state folder of one of them`;
    this.#context.alarm('clone', peer.nodeId, message);
  }

  #publish(record: SignedObject<MemberBody>): void {
    this.#members.applyRecord(record);
    this.#gossip.showSelf();
    this.#gossip.spread(record.bytes);
  }

  #handleMemberChanged(member: Member, before: MemberState | undefined): void {
    const { events } = this.#context;
    const view = this.#view(member);
    events.push({ kind: 'member', member: view, ...(before === undefined ? {} : { before }) });
    if (!this.#started) return;
    this.#keeper.touch();
    this.#dialer.wake();
    this.#requests.handleMember(member.nodeId);
    this.#asks.handleChange(member.nodeId);
  }

  #sweep(): void {
    this.#members.sweep();
    this.#dialer.sweep();
    this.#suspicion.sweep();
    this.#requests.sweep();
    this.#replies.sweep();
    this.#context.timers.set('sweep', '', this.#context.now.mono + SWEEP_MS);
  }

  #drop(request: Request): void {
    this.#executions.cancel(request);
    this.#replies.drop(request);
  }

  /** After a sleep what is open is dead, whatever the sockets say. */
  #closeAll(): void {
    for (const link of [...this.#links.all()]) {
      this.#links.close(link, 'this host was suspended');
      this.#handleLost(link);
    }
  }

  #tell(nodeId: NodeId): void {
    const member = this.#members.get(nodeId);
    if (member === undefined) return;
    this.#context.events.push({ kind: 'member', member: this.#view(member), before: member.state });
  }

  #view(member: Member): MemberView {
    const linked = this.#links.to(member.nodeId) !== undefined;
    return viewOf(member, this.#isSelf(member.nodeId), linked);
  }

  #isSelf(nodeId: NodeId): boolean {
    return nodeId === this.#context.nodeId;
  }
}

/** Own requests under way at once. */
const ASKS_MAX = 1024;
const SWEEP_MS = 5_000;
/** A timer that comes later than this says that this process was held up. */
const LAG_MS = 1_000;
