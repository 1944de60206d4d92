/** The parts of the core and the wires between them. */
import type { MemberBody, SignedObject } from '../../wire/index.ts';
import type { EpochHead, NodeId, PeerIdentity } from '../../secure/types.ts';
import { Admissions, seatsAlarm } from '../trust/admissions.ts';
import { Asks } from '../requests/asks.ts';
import { CLONE_REMEDY } from '../members/clone.ts';
import { Context } from '../engine/context.ts';
import { Dialer } from '../mesh/dialer.ts';
import { Epochs } from '../trust/epochs.ts';
import { Executions } from '../requests/executions.ts';
import { Exposure } from '../trust/exposed.ts';
import { Gossip } from '../members/gossip.ts';
import { Intake } from './intake.ts';
import { handleOperators, isOperators, receive } from './inbox.ts';
import { tellConflict } from './rotation-conflict.ts';
import { KeptTable } from '../members/kept-table.ts';
import { Keys } from '../trust/keys.ts';
import { Budgets } from '../links/budgets.ts';
import { Links } from '../links/links.ts';
import type { Link } from '../links/links.ts';
import { viewOf } from '../members/member.ts';
import type { Member } from '../members/member.ts';
import { Members } from '../members/members.ts';
import { FullMesh } from '../mesh/overlay.ts';
import { OwnRecord } from '../members/own.ts';
import { Prekeys } from '../requests/prekeys.ts';
import { Pins } from '../trust/pins.ts';
import { ProbeAnswers } from '../trust/probe-answers.ts';
import { Prober } from '../trust/probe.ts';
import { OperatorRecords } from '../trust/operator-records.ts';
import { Replies } from '../requests/replies.ts';
import { Seals } from '../audit/audit-seals.ts';
import { Seats } from '../trust/seats.ts';
import { Requests } from '../requests/requests.ts';
import type { Request } from '../requests/request.ts';
import { FullShares } from '../trust/full-shares.ts';
import { Standing } from '../trust/standing.ts';
import { Suspicion } from '../members/suspicion.ts';
import { Tokens } from '../trust/tokens.ts';
import { RUN_OVER_MS, Turns, TURNS_MAX } from '../mesh/turns.ts';
import type {
  CloseCode,
  CoreOptions,
  LinkId,
  LinkInfo,
  MemberState,
  MemberView,
} from '../types.ts';

export class Wiring {
  readonly context: Context;
  readonly members: Members;
  readonly links: Links;
  readonly own: OwnRecord;
  readonly prekeys: Prekeys;
  readonly epochs: Epochs;
  readonly tokens: Tokens;
  readonly seats: Seats;
  readonly admissions: Admissions;
  readonly records: OperatorRecords;
  readonly seals: Seals;
  readonly intake: Intake;
  readonly keptTable: KeptTable;
  readonly keys: Keys;
  readonly gossip: Gossip;
  readonly dialer: Dialer;
  readonly suspicion: Suspicion;
  readonly requests: Requests;
  readonly executions: Executions;
  readonly replies: Replies;
  readonly asks: Asks;
  readonly turns: Turns;
  readonly prober: Prober;
  readonly probeAnswers: ProbeAnswers;
  readonly standing: Standing;
  readonly full: FullShares;
  readonly budgets: Budgets;
  readonly exposure = new Exposure();
  /** The first call has been made; until then nothing is told to anybody. */
  started = false;

  constructor(options: CoreOptions) {
    const context = (this.context = new Context(options));
    const overlay = new FullMesh(context.nodeId);
    const keys = (this.keys = this.#makeKeys());
    const links = (this.links = new Links(context));
    const members = (this.members = new Members(context, {
      changed: (member, before) => this.#handleMemberChanged(member, before),
      believes: (record) => keys.believes(record),
      linkedSince: (nodeId) => (this.isSelf(nodeId) ? 0 : links.to(nodeId)?.upAt),
      lostAt: (nodeId) => links.loss(nodeId)?.at ?? 0,
      changedTooOften: (nodeId) => this.full.note('records', nodeId),
    }));
    const prekeys = (this.prekeys = new Prekeys(context, () => this.own.renew()));
    this.own = new OwnRecord(
      context,
      (record) => this.#publish(record),
      () => prekeys.shown,
    );
    const epochs = (this.epochs = new Epochs(context, links, {
      whole: (head) => this.records.handleWhole(head),
      kept: () => this.records.handleKept(),
      changed: () => this.#recheck(),
      linksUp: () => [...[...links.all()].map((link) => link.id), ...keys.waiting()],
    }));
    const tokens = (this.tokens = new Tokens(context, links));
    const seats = (this.seats = new Seats(context, {
      saved: () => this.#handleSeats(),
      overused: (token) => seatsAlarm(context, this.seats, token),
    }));
    const records = (this.records = new OperatorRecords(
      { context, links, epochs, tokens },
      {
        expelled: () => this.#expel(),
        settled: (head) => keys.settle(head),
        // What neighbours showed of its chains was refused until now.
        hub: () => this.#handleHubs(),
        keys: () => this.#handleOperators(),
        tokens: () => this.#recheck(),
      },
    ));
    const isExpelled = (node: NodeId): boolean => records.isExpelled(node);
    const admissions = new Admissions({ context, epochs, tokens, seats, isExpelled });
    this.admissions = admissions;
    const isHub = (node: NodeId): boolean => records.isHub(node);
    this.seals = new Seals(context, members, links, isHub);
    const lacks = (link: LinkId): void => records.tell(link);
    this.intake = new Intake({ context, members, own: this.own, admissions, keys, lacks });
    this.keptTable = new KeptTable(context, members);
    this.gossip = new Gossip(
      ...([context, members, links] as const),
      (object, from) => this.intake.apply(object, from),
      {
        get version() {
          return seats.version + tokens.version + epochs.version;
        },
        has: ({ nodeId, record }) => {
          const token = admissions.tokenOf(record.body.admission);
          return token !== undefined && seats.isFull(token) && !epochs.isOnRoll(nodeId);
        },
      },
    );
    this.suspicion = new Suspicion(context, members, links, (accusation) => {
      if (members.applyAccuse(accusation)) this.gossip.spread(accusation.bytes);
    });
    this.dialer = new Dialer(context, members, links, overlay, (nodeId, failures) =>
      this.suspicion.handleDialFailed(nodeId, failures),
    );
    const standing = (this.standing = new Standing(members, records));
    const full = (this.full = new FullShares(context, members));
    this.budgets = new Budgets(context, links, standing, (node) => full.note('link', node));
    this.replies = new Replies(context, links, standing, (asker) => full.note('replies', asker));
    this.executions = new Executions(context, members, prekeys, links, standing.isHub, {
      accepted: (request) => this.replies.accept(request),
      ended: (request, outcome) => {
        if (request.origin === context.nodeId) this.asks.handleOwn(request.id, outcome);
        else this.replies.answer(request, outcome);
      },
    });
    this.turns = new Turns(context);
    const shares = { standing, full };
    this.requests = new Requests(context, members, links, this.turns, shares, {
      execute: (request) => this.executions.start(request),
      refuse: (request, book) => this.executions.refuse(request, full.reason(book, request.origin)),
      cancelled: (request) => this.#drop(request),
      beaconed: (request, isMissing) => {
        this.replies.handleBeacon(request, isMissing);
        if (isMissing(context.nodeId)) this.executions.handleBeacon(request);
      },
    });
    this.asks = new Asks(context, members, links, overlay, {
      ended: ({ request }) => {
        this.requests.end(request);
        this.#drop(request);
      },
      lost: ({ request }) => this.requests.widen(request),
      said: ({ request }, signed) => this.requests.follow(request, signed),
      full: (node) => full.note('opening', node),
    });
    const sources = { context, members, links, pins: new Pins(context, members) };
    this.prober = new Prober(sources, (link, node, from) => keys.want(link.id, node, from));
    this.probeAnswers = new ProbeAnswers(sources);
    members.applyRecord(this.own.provisional());
  }

  isSelf(nodeId: NodeId): boolean {
    return nodeId === this.context.nodeId;
  }

  view(member: Member): MemberView {
    const { nodeId, record } = member;
    const name = this.members.nameOf(nodeId);
    return viewOf(member, {
      name,
      named: this.admissions.isNamed(nodeId, record.body.admission, name),
      self: this.isSelf(nodeId),
      linked: this.links.to(nodeId) !== undefined,
    });
  }

  /** True for a link that one of two copies made, which take turns: it is on its way out. */
  isTwin(id: LinkId, { nodeId, bootId }: PeerIdentity): boolean {
    const turn = this.turns.note(nodeId, bootId);
    if (turn === 'free') return false;
    if (turn === 'thawed') {
      this.context.alarmOver('clone', nodeId);
      return false;
    }
    if (turn === 'turned') this.#freeze(nodeId);
    this.context.send(id, { t: 'frozen' });
    this.context.effects.push({ kind: 'close', link: id, code: 'frozen', reason: FROZEN });
    return true;
  }

  /** A copy may never meet the other one, nor see what that says of itself: others tell it. */
  handleFrozen({ nodeId }: Link): void {
    const name = this.members.get(nodeId)?.record.body.name ?? nodeId.slice(0, 12);
    const message = `"${name}" takes no link of this host: another one runs with a copy of its identity; ${CLONE_REMEDY}`;
    this.context.alarm('clone', this.context.nodeId, message);
  }

  /** A link came up whose peer is who it says. */
  handleUp(id: LinkId, peer: PeerIdentity, info: LinkInfo): void {
    const link = this.links.up(id, peer, info);
    if (link !== undefined) this.handleLink(link);
  }

  /** A link came up and was kept. */
  handleLink(link: Link): void {
    this.dialer.handleLinkUp(link);
    this.suspicion.handleLinkUp(link.nodeId);
    this.members.handleSight(link.nodeId);
    this.gossip.handleLinkUp(link);
    this.records.tell(link.id);
    this.seals.tell(link);
    this.requests.handleLinkUp(link);
    this.asks.handleLinkUp();
    this.#tell(link.nodeId);
  }

  /** A link is no more, by whichever side. */
  handleLost(link: Link): void {
    this.handleGone(link.id);
    this.suspicion.handleLinkDown(link.nodeId);
    this.members.handleSight(link.nodeId);
    this.dialer.handleLinkDown(link);
    this.asks.handleLost(link.nodeId);
    this.#tell(link.nodeId);
  }

  /** A link, up or waiting, is no more. */
  handleGone(link: LinkId): void {
    this.epochs.handleLinkDown(link);
    this.records.handleLinkDown(link);
    this.intake.handleLinkDown(link);
  }

  /** This host is in another epoch now. */
  enterEpoch(head: EpochHead): void {
    const before = this.epochs.entered;
    if (before !== undefined && head.id <= this.epochs.floor) return;
    this.context.epoch = head.number;
    this.epochs.enter(head);
    if (before !== undefined) tellConflict(this, before, head);
    for (const link of [...this.links.all()]) this.records.tell(link.id);
  }

  /** Gives a link up and follows from that. */
  close(link: Link, code: CloseCode, reason: string): void {
    this.links.close(link, code, reason);
    this.handleLost(link);
  }

  #freeze(nodeId: NodeId): void {
    const link = this.links.to(nodeId);
    if (link !== undefined) this.close(link, 'frozen', FROZEN);
    const name = this.members.get(nodeId)?.record.body.name ?? nodeId.slice(0, 12);
    this.context.alarm(
      'clone',
      nodeId,
      `two copies of "${name}" (${nodeId.slice(0, 12)}) took turns ${TURNS_MAX} times: both are frozen, neither gets a link here; ${CLONE_REMEDY}, and the other one is taken back ${RUN_OVER_MS / 60_000} minutes later`,
    );
  }

  #publish(record: SignedObject<MemberBody>): void {
    this.members.applyRecord(record);
    this.gossip.showSelf();
    this.gossip.spread(record.bytes);
  }

  /** The operator's word on who is a hub has changed. */
  #handleHubs(): void {
    if (!this.started) return;
    this.standing.update();
    this.seals.handleHub();
  }

  /** What a revoked key said of hubs, tokens and hosts is gone. */
  #handleOperators(): void {
    this.#handleHubs();
    if (!this.started) return;
    this.gossip.forgetTaken();
    this.#recheck();
  }

  #handleMemberChanged(member: Member, before: MemberState | undefined): void {
    const told = before === undefined ? {} : { before };
    this.context.events.push({ kind: 'member', member: this.view(member), ...told });
    if (this.records.isHub(member.nodeId) !== this.standing.isHub(member.nodeId))
      this.standing.update();
    if (!this.started) return;
    this.keptTable.touch();
    if (before === undefined && this.records.isHub(member.nodeId)) this.seals.handleHub();
    this.dialer.wake();
    this.requests.handleMember(member.nodeId);
    this.asks.handleChange(member.nodeId);
  }

  #drop(request: Request): void {
    this.executions.cancel(request);
    this.replies.drop(request);
  }

  #makeKeys(): Keys {
    return new Keys(this.context, {
      judge: ({ nodeId, admission }) => this.admissions.judge(nodeId, admission),
      refused: (id, node) => this.records.tellExpelled(id, node),
      lacks: (id) => this.records.tell(id),
      operators: (id, message) => {
        if (!isOperators(message)) return false;
        handleOperators(this, id, message);
        return true;
      },
      worked: (id, type, cost) => this.budgets.chargeWaiting(id, type, { ...cost, checked: 0 }),
      admitted: (id, peer, info, messages) => {
        this.handleUp(id, peer, info);
        for (const message of messages) receive(this, id, message);
      },
      record: (record) => {
        if (this.intake.apply(record)) this.gossip.spread(record.bytes);
      },
      frozen: (node) => {
        const link = this.links.to(node);
        if (link !== undefined)
          this.close(link, 'frozen', 'its identity is frozen because of a fork');
      },
      settled: (node) => this.#dropKey(node),
      linksFor: (node) => {
        const direct = this.links.to(node);
        const some = direct === undefined ? [...this.links.all()].slice(0, 3) : [direct];
        return some.map((link) => link.id);
      },
    });
  }

  /** A member whose key the operator has decided against comes back with the good one, or not at all. */
  #dropKey(nodeId: NodeId): void {
    const member = this.members.get(nodeId);
    if (member !== undefined && !this.keys.holds(member.entry)) this.members.remove(nodeId, 'dead');
    const link = this.links.to(nodeId);
    if (link === undefined || this.keys.holds(link.peer.entry)) return;
    this.close(link, 'keys', 'the operator has named another key list of it');
  }

  #expel(): void {
    for (const { nodeId } of [...this.members.all()]) {
      if (this.isSelf(nodeId) || !this.records.isExpelled(nodeId)) continue;
      this.members.remove(nodeId, 'expelled');
      this.requests.forget(nodeId);
      this.budgets.forget(nodeId);
    }
    for (const link of [...this.links.all()]) {
      if (!this.records.isExpelled(link.nodeId)) continue;
      this.close(link, 'out', 'the operator has expelled this host');
    }
    this.keys.recheck();
  }

  /** Epoch, roll or tokens have changed: everybody's standing is looked at anew. */
  #recheck(): void {
    const { admissions, epochs, members } = this;
    admissions.handleEpoch();
    members.judge(
      ({ nodeId, record, admitted }) =>
        admissions.stands(nodeId, record.body.admission) && (admitted || epochs.isWhole),
    );
    for (const link of [...this.links.all()]) {
      const { nodeId, admission } = link.peer;
      const newest = members.get(nodeId)?.record.body.admission ?? admission;
      const stands = [admission, newest].some((one) => admissions.stands(nodeId, one));
      if (!stands) this.close(link, 'out', 'the present epoch has left it out');
    }
    if (epochs.isWhole) {
      this.keys.retain((node) => members.get(node) !== undefined || epochs.isOnRoll(node));
    }
    this.keys.recheck();
    this.#spreadAll(this.intake.takeAside());
  }

  #handleSeats(): void {
    this.keys.recheck();
    this.#spreadAll(this.intake.takeSeated());
  }

  #spreadAll(records: readonly SignedObject<MemberBody>[]): void {
    for (const record of records) this.gossip.spread(record.bytes);
  }

  /** People see whether a member is linked. */
  #tell(nodeId: NodeId): void {
    const member = this.members.get(nodeId);
    if (member === undefined) return;
    this.context.events.push({ kind: 'member', member: this.view(member), before: member.state });
  }
}

const FROZEN = 'two copies of its state folder take turns: both are frozen';
