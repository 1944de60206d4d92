/** A node of the swarm on real sockets: what agent, hub and cli build on. */
import { randomBytes } from 'node:crypto';
import {
  admittedSecrets,
  Freshness,
  parseEpochHead,
  pinnedOf,
  SecureError,
} from '../secure/index.ts';
import type {
  ForkProof,
  Identity,
  KeyBook,
  KeyEntry,
  NodeId,
  EpochHead,
  JoiningKeys,
  PeerIdentity,
  RevocationRecord,
  SwarmSecrets,
} from '../secure/index.ts';
import type {
  Alarm,
  CloseCode,
  CoreEvent,
  LinkId,
  MemberView,
  OperatorBundle,
  ProbeResult,
  RequestSpec,
  Rolls,
  SelfDescription,
} from '../swarm/types.ts';
import type { Address } from '../base/index.ts';
import { systemClock, WallJumpDetector, type Clock } from './clock.ts';
import { Connector } from './connector.ts';
import { createCore, readKeyBook } from './core.ts';
import { Driver } from './driver.ts';
import { Effects } from './effects.ts';
import { Epochs } from './epochs.ts';
import { CoreGate, PartDesk } from './gate.ts';
import { NetError } from './errors.ts';
import type { FrameSocket } from './frame-socket.ts';
import type { HandshakeResult, HandshakeSelf } from './handshake.ts';
import { cloneAlarm, wrongSecretAlarms } from './handshake-alarms.ts';
import { Inbound } from './inbound.ts';
import { JpakePool } from './jpake-pool.ts';
import type { Link } from './link.ts';
import { LinkTable, type Traffic } from './link-table.ts';
import { Listener } from './listener.ts';
import { Listeners } from './listeners.ts';
import type { LinkView, NetOptions } from './options.ts';
import { OwnRequests } from './own-requests.ts';
import type { RequestStream } from './request-stream.ts';
import { SealDesk } from './seal-desk.ts';
import { DEFAULT_NET_TUNING, type NetTuning } from './tuning.ts';

export class SwarmNode {
  /** Where this node listens. */
  readonly address: Address;
  /** What this node remembers of audit chains. */
  readonly seals: SealDesk;
  readonly #options: NetOptions;
  readonly #tuning: NetTuning;
  readonly #clock: Clock;
  readonly #bootId = random(16);
  readonly #keyBook: KeyBook;
  #identity: Identity;
  readonly #listener: Listener;
  readonly #pool: JpakePool;
  readonly #freshness: Freshness;
  readonly #inbound: Inbound;
  readonly #connector: Connector;
  readonly #links: LinkTable;
  readonly #driver: Driver;
  readonly #requests: OwnRequests;
  readonly #effects: Effects;
  readonly #epochs: Epochs;
  readonly #ticker: NodeJS.Timeout;
  readonly #gate: CoreGate;
  readonly #parts: PartDesk;
  readonly #installs = new Map<number, (ok: boolean) => void>();
  readonly #memberListeners: Listeners<MemberView>;
  readonly #alarmListeners: Listeners<Alarm>;
  readonly #stopping = new AbortController();
  #secrets: SwarmSecrets;

  /**
   * Listens; as a member it also begins to dial seeds and known members.
   * @throws NetError `port_in_use` | `address_unavailable`, with a hint
   */
  static async start(options: NetOptions): Promise<SwarmNode> {
    const listener = await Listener.open(options.listen);
    try {
      return new SwarmNode(options, listener);
    } catch (error) {
      await listener.close();
      throw error;
    }
  }

  private constructor(options: NetOptions, listener: Listener) {
    this.#options = options;
    this.#tuning = { ...DEFAULT_NET_TUNING, ...options.tuning };
    this.#clock = options.clock ?? systemClock;
    this.#secrets = options.secrets;
    this.#identity = options.identity;
    this.#keyBook = readKeyBook(options);
    this.#listener = listener;
    this.address = listener.address;
    this.#memberListeners = new Listeners(options.log);
    // What is wrong with the kept state is found before anybody can listen.
    this.#alarmListeners = new Listeners(options.log, true);
    this.#pool = new JpakePool(this.#tuning);
    this.#freshness = new Freshness(this.#clock.now());
    this.#gate = new CoreGate(() => this.#driver);
    this.#parts = new PartDesk(this.#mono, (number) =>
      this.#driver.step((core) => core.part(number)),
    );
    this.#links = new LinkTable({
      message: (link, bytes) => this.#handleMessage(link, bytes),
      down: (link, reason) => this.#handleDown(link, reason),
    });
    this.#inbound = this.#makeInbound();
    this.#connector = this.#makeConnector();
    this.#effects = this.#makeEffects();
    this.#epochs = this.#makeEpochs();
    const core = createCore(options, {
      bootId: this.#bootId,
      address: this.address,
      random,
      secrets: () => this.#secrets,
      identity: () => this.#identity,
      keyBook: this.#keyBook,
    });
    this.#driver = new Driver(core, this.#clock, {
      send: (link, message) => this.#links.send(link, message),
      effect: (effect) => this.#effects.handle(effect),
      event: (event) => this.#handleEvent(event),
    });
    this.seals = new SealDesk(this.#driver);
    this.#requests = new OwnRequests(this.#driver);
    this.#ticker = this.#startTicker();
    listener.accept((socket) => this.#inbound.accept(socket));
    this.#driver.step((one, now) => one.handleTimeout(now));
    this.#epochs.forgetOld();
  }

  /** This node's current secrets. */
  get secrets(): SwarmSecrets {
    return this.#secrets;
  }

  /**
   * Connects to a member: admission when there is no epoch key yet, else as a member.
   * @throws NetError, e.g. `wrong_secret`, `unreachable`, `timeout`, `not_swarmplane`, `wrong_swarm`
   */
  async join(address: string, signal?: AbortSignal): Promise<PeerIdentity> {
    this.#refuseStopped();
    return this.#connector.connect(address, undefined, signal);
  }

  members(): readonly MemberView[] {
    return this.#driver.step((core) => core.members());
  }

  /** Those that are no members any more: `forgotten` and `expelled`. */
  departed(): readonly MemberView[] {
    return this.#driver.step((core) => core.departed());
  }

  /** The last probe of each member that was probed in this run. */
  probes(): readonly ProbeResult[] {
    return this.#driver.step((core) => core.probes());
  }

  /** Counts and bytes of all that is kept of others and for others. */
  books(): Readonly<Record<string, number>> {
    return this.#driver.step((core) => core.sizes());
  }

  links(): readonly LinkView[] {
    return this.#links.views(this.members());
  }

  /**
   * Asks at once, whether or not the result is read; the account is the last event and comes by
   * `timeoutMs`. Leaving the loop early withdraws the request; `signal` does too, and the account
   * then still comes.
   */
  request(spec: RequestSpec, signal?: AbortSignal): RequestStream {
    this.#refuseStopped();
    return this.#requests.start(spec, signal);
  }

  /** Handshakes under way, those of them that wait for the admission budget, those it turned away. */
  pressure(): { unproven: number; queued: number; refused: number } {
    const { unproven, queued, refused } = this.#inbound;
    return { unproven, queued, refused };
  }

  traffic(): Traffic {
    return this.#links.traffic();
  }

  /** No longer expected in accounts, here and at every member. False when unknown. */
  forget(node: NodeId): boolean {
    return this.#driver.step((core, now) => core.forget(now, node));
  }

  /** The next key of the own list, already kept by the caller. Links that are up stay. */
  setIdentity(identity: Identity): void {
    this.#identity = identity;
    this.#keyBook.setSelf(identity.entries);
    this.describe({ entry: identity.newest });
  }

  /** The key list of a node as it is pinned here, and the fork because of which it is frozen. */
  keyList(node: NodeId): { readonly entries: readonly KeyEntry[]; readonly fork?: ForkProof } {
    const fork = this.#keyBook.frozen(node);
    return { entries: this.#keyBook.list(node), ...(fork && { fork }) };
  }

  /** The operator says that a node is a hub: what only hubs do is taken from no other. */
  isHub(node: NodeId): boolean {
    return this.#driver.step((core, now) => core.isHub(now, node));
  }

  /** What is wrong with the certificate of the hub that runs here; undefined where nothing is. */
  hubProblem(): string | undefined {
    return this.#driver.step((core, now) => core.hubProblem(now));
  }

  /** Who is in the swarm by the operator's word, as this host knows it. */
  rolls(): Rolls {
    return this.#driver.step((core) => core.rolls());
  }

  /** The operator's revocation lists that are in force here. */
  get revocations(): readonly RevocationRecord[] {
    return this.#driver.step((core) => core.rolls()).lists;
  }

  /**
   * Keeps what the operator made, whole, then spreads it; resolves when it is on the disk and, where
   * this host has a place in a new EPOCH, that is entered. False when
   * something in it is no record of the operator, or nothing is news.
   * @throws NetError `not_kept`, `stopped`
   */
  async install(bundle: OperatorBundle): Promise<boolean> {
    this.#refuseStopped();
    const ended = this.#driver.step((core, now) => {
      const effect = core.install(now, bundle);
      if (effect === undefined) return undefined;
      return new Promise<boolean>((resolve) => this.#installs.set(effect, resolve));
    });
    if (ended === undefined) return false;
    if (await ended) {
      // This host is in the new epoch then, if it could be kept.
      await this.#epochs.settled();
      return true;
    }
    throw new NetError('not_kept', 'the records of the operator could not be kept on the disk', {
      hint: 'check that the state folder is writable and not full, then give the command again',
    });
  }

  /** New own addresses, name or labels. */
  describe(self: Partial<SelfDescription>): void {
    this.#driver.step((core, now) => core.describe(now, self));
  }

  /** Resolves when this host has gone over to what it knew of an EPOCH, or could not. */
  settled(): Promise<void> {
    return this.#epochs.settled();
  }

  /** The next `join` lets this host in by a token, although it was a member before. */
  setJoining(joining: JoiningKeys): void {
    this.#secrets = { ...this.#secrets, joining };
  }

  #useSecrets(secrets: SwarmSecrets, head?: EpochHead): void {
    this.#secrets = secrets;
    if (head !== undefined) this.#driver.step((core, now) => core.setEpoch(now, head));
  }

  /** Tells every member that this host leaves, then stops. */
  async leave(): Promise<void> {
    this.#driver.step((core, now) => core.leave(now));
    await this.#links.endAll(new NetError('stopped', 'this node leaves the swarm'));
    await this.stop();
  }

  /** Called with each change of the member table; the result takes the listener away. */
  onMember(listener: (member: MemberView) => void): () => void {
    return this.#memberListeners.add(listener);
  }

  /** Alarms of the core and of handshakes: `clone`, `wrong_secret`, `join_guessing` .. */
  onAlarm(listener: (alarm: Alarm) => void): () => void {
    return this.#alarmListeners.add(listener);
  }

  /** Closes everything without saying `left`; members will find this node gone. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    clearInterval(this.#ticker);
    this.#driver.stop();
    const reason = new NetError('stopped', 'this node is stopping');
    this.#inbound.stop();
    this.#links.closeAll(reason);
    this.#requests.failAll(reason);
    for (const end of this.#installs.values()) end(false);
    await Promise.all([
      ...[this.#listener.close(), this.#pool.stop()],
      ...[this.#effects.stop(), this.#epochs.stop()],
    ]);
  }

  #makeInbound(): Inbound {
    return new Inbound(this.#tuning, this.#mono, {
      self: () => this.#handshakeSelf(),
      up: (frames, result, address) => this.#handleUp(frames, result, address),
      failed: (address, error) => this.#handleFailedHandshake(address, error),
      unknownToken: (address, prefix, why) => {
        const message = `${address} tried to join by a join token that is not of this epoch: ${why}`;
        const at = this.#wall();
        this.#alarmListeners.emit({ kind: 'wrong_secret', key: prefix, message, at });
      },
      wrongSecret: (address, prefix, verdict, why) => {
        const alarms = wrongSecretAlarms(address, prefix, { ...verdict, why }, this.#wall());
        for (const alarm of alarms) this.#alarmListeners.emit(alarm);
      },
    });
  }

  #makeConnector(): Connector {
    return new Connector(this.#tuning, this.#mono, this.#stopping.signal, {
      self: () => this.#handshakeSelf(),
      admitted: async (admitted) => {
        const { token, head } = admitted;
        const now = Math.floor(this.#wall() / 1000);
        const secrets = admittedSecrets(this.#secrets, admitted, now);
        await this.#options.saveSecrets(secrets);
        this.#useSecrets(secrets, parseEpochHead(head, pinnedOf(secrets)!));
        this.#epochs.endAlarms();
        this.describe({ admission: admitted.admission });
        this.#driver.step((core, now) => core.install(now, { records: [token], parts: [] }));
      },
      up: (frames, result, address) => this.#handleUp(frames, result, address, address),
      failed: (address, error) => this.#handleFailedHandshake(address, error),
    });
  }

  #makeEpochs(): Epochs {
    return new Epochs(
      {
        secrets: () => this.#secrets,
        identity: () => this.#identity,
        wall: this.#wall,
        save: (secrets) => this.#options.saveSecrets(secrets),
        use: (secrets, head) => this.#useSecrets(secrets, head),
        alarm: (alarm) => this.#alarmListeners.emit(alarm),
        log: this.#options.log,
      },
      this.#options.alarms,
    );
  }

  #makeEffects(): Effects {
    return new Effects(this.#options, {
      done: (id, result) =>
        this.#driver.step((core, now) => core.handleEffectDone(now, id, result)),
      dial: async (address, nodeId) => {
        if (this.#secrets.epochKey === undefined || this.#secrets.joining !== undefined)
          throw new NetError('not_admitted', 'not admitted');
        await this.#connector.dial(address, nodeId);
      },
      hold: (link, ms) => this.#links.get(link)?.hold(ms),
      close: (link, code, reason) => this.#closeLink(link, code, reason),
    });
  }

  #handshakeSelf(): HandshakeSelf {
    return {
      secrets: this.#secrets,
      identity: this.#identity,
      bootId: this.#bootId,
      keyBook: this.#keyBook,
      random,
      pool: this.#pool,
      gate: this.#gate,
      readPart: this.#parts.read,
      wallMs: this.#wall(),
      isFresh: (madeMs, mac) => this.#freshness.take(this.#clock.now(), madeMs, mac),
    };
  }

  #handleUp(frames: FrameSocket, result: HandshakeResult, address: string, dialled?: string): void {
    try {
      this.#refuseStopped();
      this.#links.refuseBanned(result.peer.nodeId, this.#mono());
      if (frames.closed) throw new NetError('closed', 'the connection ended after the handshake');
    } catch (error) {
      frames.close(error as NetError);
      throw error;
    }
    const info = {
      initiator: dialled !== undefined,
      ...(dialled !== undefined && { address: dialled }),
    };
    const link = this.#links.add(frames, result, { info, address, sinceMs: this.#wall() });
    this.#options.log.info({ peer: link.peer.nodeId, address, link: link.id, ...info }, 'link up');
    this.#driver.step((core, now) => core.handleLinkUp(now, link.id, link.peer, info));
    link.start(this.#mono());
  }

  #closeLink(id: LinkId, code: CloseCode, reason: string): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    if (code === 'broke_protocol') {
      this.#links.ban(link.peer.nodeId, this.#mono(), this.#tuning.banMs);
    }
    link.close(new NetError('closed', reason));
  }

  /** A bug of ours that a message brings out costs that link, not the process. */
  #handleMessage(link: Link, bytes: Uint8Array): void {
    try {
      this.#driver.step((core, now) => core.handleMessage(now, link.id, bytes));
    } catch (error) {
      this.#options.log.error({ peer: link.peer.nodeId, err: error }, 'a message failed');
      link.close(new NetError('closed', 'internal error'));
    }
  }

  #handleDown(link: Link, reason: NetError): void {
    const { peer, id } = link;
    this.#options.log.info({ peer: peer.nodeId, link: id, reason: reason.message }, 'link down');
    this.#driver.step((core, now) => core.handleLinkDown(now, id, reason.message));
  }

  #handleEvent(event: CoreEvent): void {
    switch (event.kind) {
      case 'member':
        return this.#memberListeners.emit(event.member);
      case 'alarm':
        return this.#alarmListeners.emit(event.alarm);
      case 'joined': {
        const { nodeId, name, tag: token, seat, uses } = event;
        this.#options.log.info({ nodeId, name, token, seat: `${seat} of ${uses}` }, 'joined');
        return;
      }
      case 'record':
        return;
      case 'operators':
        return this.#epochs.useOperators(event.statements);
      case 'epoch':
        return this.#epochs.enter(event.head, event.part);
      case 'installed':
        this.#installs.get(event.effect)?.(event.ok);
        this.#installs.delete(event.effect);
        return;
      case 'answer':
      case 'account':
        this.#requests.handle(event);
    }
  }

  #handleFailedHandshake(address: string, error: NetError): void {
    this.#options.log.debug({ address, code: error.code, reason: error.message }, 'no handshake');
    // A member of a newer epoch shows the operator's EPOCH of it.
    const newer = error.cause instanceof SecureError ? error.cause.catchUp : undefined;
    if (newer !== undefined) {
      this.#driver.step((core, now) => core.catchUp(now, newer));
    }
    if (error.code !== 'clone') return;
    this.#alarmListeners.emit(cloneAlarm(this.#identity.nodeId, address, this.#wall()));
  }

  #startTicker(): NodeJS.Timeout {
    const { tickMs, wallJumpMs, writeStallMs } = this.#tuning;
    const jumps = new WallJumpDetector(this.#clock.now(), wallJumpMs);
    return setInterval(() => {
      const now = this.#clock.now();
      if (jumps.check(now)) {
        this.#links.closeAll(
          new NetError('closed', 'wall time jumped ahead: this host was suspended'),
        );
      }
      this.#links.tick(now.mono, writeStallMs);
    }, tickMs);
  }

  readonly #mono = (): number => this.#clock.now().mono;

  readonly #wall = (): number => this.#clock.now().wall;

  #refuseStopped(): void {
    if (this.#stopping.signal.aborted) throw new NetError('stopped', 'this node is stopping');
  }
}

function random(n: number): Uint8Array {
  return new Uint8Array(randomBytes(n));
}
