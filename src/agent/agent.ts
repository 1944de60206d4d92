/**
 * One host: joins net, swarm, tables and query. Answers requests of other members with rows of its
 * own tables, asks them itself for whoever holds the control socket, and is the Asker of a hub.
 */
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { deriveTokenKeys, parseJoinToken, parseKeyEntry } from '../secure/index.ts';
import type { Identity, SwarmSecrets } from '../secure/index.ts';
import { equalBytes } from '../wire/index.ts';
import { SwarmNode } from '../net/index.ts';
import { createQueryRunner, type Description, type QueryRunner } from '../query/index.ts';
import type { IncomingRequest, MemberView, RunOutcome } from '../swarm/index.ts';
import { Actions } from './actions/actions.ts';
import { ACTION_KIND } from './actions/command.ts';
import { AlarmBook, type OpenAlarm } from './state/alarms.ts';
import { ask, command, requestAll } from './requests/ask.ts';
import { Certificates } from './operator/certificates.ts';
import { formatAddress } from '../base/index.ts';
import { CONFIG_FILE, type Config } from './config/config.ts';
import { CONTROL_SOCKET } from './control/control-protocol.ts';
import { ControlServer } from './control/control-server.ts';
import { controlHandler } from './control/control-handler.ts';
import { AgentError } from './errors.ts';
import { hostFacts, type FactSource } from './requests/facts.ts';
import { AgentCounters, agentFigures, type AgentFigures } from './requests/figures.ts';
import { folderDisk } from './history/disk.ts';
import { signStatement } from '../takings/index.ts';
import { systemTime } from './history/time.ts';
import { History } from './history/history.ts';
import { loadIdentity, saveIdentity } from './state/identity-file.ts';
import { hasLeft, leftAt, markLeft, unmarkLeft } from './state/left-mark.ts';
import type { Log } from './log.ts';
import { requireCertificate, runRequest } from './requests/run-request.ts';
import { readSecrets, saveSecrets } from './state/secrets-file.ts';
import type { Joining } from './setup/set-up.ts';
import { notAMember } from './state/membership.ts';
import type { StateFolder } from './state/state-folder.ts';
import { observed } from './requests/metered.ts';
import { gone } from './state/quiet-alarms.ts';
import type {
  AskEvent,
  Asker,
  AskSpec,
  CommandSpec,
  PinnedKey,
  RequestEvent,
  Seals,
} from './types.ts';
import type { Alarm, RequestSpec } from '../swarm/index.ts';
import { FileWatch } from './watch/file-watch.ts';
import { VERSION } from './version.ts';

export interface AgentOptions {
  readonly state: StateFolder;
  readonly config: Config;
  readonly hub: boolean;
  readonly log: Log;
  /** Where host tables look; tests show them another machine than this one. */
  readonly root?: string;
  /** For a host that is about to join: kept in the state folder only once it was let in. */
  readonly joining?: Joining;
  /** A person takes back a host that had left. */
  readonly rejoin?: boolean;
}

export class Agent implements Asker {
  readonly config: Config;
  readonly #options: AgentOptions;
  #identity: Identity;
  readonly #alarms: AlarmBook;
  readonly #runner: QueryRunner;
  readonly #certificates: Certificates;
  readonly #actions: Actions;
  readonly #watch: FileWatch;
  readonly #events = new EventEmitter<{ alarm: [Alarm]; stopped: [] }>();
  readonly #startedAt = Date.now();
  readonly #counters = new AgentCounters();
  readonly #startedMono = performance.now();
  #node!: SwarmNode;
  #history!: History;
  #control!: ControlServer;
  readonly #overs = new Map<string, Alarm>();
  #quiet: NodeJS.Timeout | undefined;
  /** What a hub in the same process says about itself, shown by `status`. */
  hubStatus: Readonly<Record<string, string>> | undefined;

  private constructor(options: AgentOptions, identity: Identity) {
    this.#options = options;
    this.config = options.config;
    this.#identity = identity;
    this.#alarms = new AlarmBook(options.state);
    this.#certificates = new Certificates(options.state, identity.nodeId, {
      secrets: () => this.#node.secrets,
      revocations: () => this.#node.revocations,
    });
    this.#actions = new Actions({
      state: options.state,
      nodeId: identity.nodeId,
      actions: options.config.actions,
      certificates: this.#certificates,
      log: options.log,
      raise: (alarm) => this.#raise(alarm),
    });
    this.#watch = new FileWatch({
      categories: options.config.fileEvents,
      root: options.root ?? '/',
      log: options.log,
    });
    this.#runner = createQueryRunner({
      limits: options.config.limits,
      denyTables: options.config.denyTables,
      ...(options.root !== undefined && { root: options.root }),
      facts: (sql) => hostFacts(sql, this.#factSource()),
    });
  }

  /**
   * Starts from an initialised state folder.
   * @throws AgentError `not_initialised`, `already_running`, `has_left`; NetError `port_in_use`
   */
  static async start(options: AgentOptions): Promise<Agent> {
    const left = leftAt(options.state);
    // Who joins is let in anew, by a person with a token.
    const told = options.rejoin === true || options.joining !== undefined;
    if (left !== undefined && !told) throw hasLeft(options.state, left);
    const agent = new Agent(options, loadIdentity(options.state, random));
    // The control socket comes first: it is what keeps two agents out of one state folder.
    const socketPath = options.state.file(CONTROL_SOCKET);
    agent.#control = await ControlServer.start(socketPath, controlHandler(agent), options.log);
    options.state.removeLeftovers();
    unmarkLeft(options.state);
    try {
      agent.#history = await agent.#openHistory();
      await agent.#actions.open();
      agent.#node = await agent.#startNode();
    } catch (error) {
      await agent.#control.stop();
      throw error;
    }
    agent.#history.start();
    void agent.#watch.start();
    agent.#quiet = setInterval(() => agent.#endQuiet(), QUIET_LOOK_MS);
    agent.#endQuiet();
    const { nodeId } = agent;
    options.log.info({ nodeId, address: formatAddress(agent.#node.address) }, 'the agent is up');
    return agent;
  }

  get nodeId(): string {
    return this.#identity.nodeId;
  }

  get name(): string {
    return this.config.name;
  }

  get swarmId(): Uint8Array {
    return this.#node.secrets.swarmId;
  }

  get runner(): QueryRunner {
    return this.#runner;
  }

  get node(): SwarmNode {
    return this.#node;
  }

  get seals(): Seals {
    return this.#node.seals;
  }

  /** What this host tracks, and its journal. */
  get history(): History {
    return this.#history;
  }

  /** This host's role certificates. */
  get certificates(): Certificates {
    return this.#certificates;
  }

  /** What hubs may start here. */
  get actions(): Actions {
    return this.#actions;
  }

  get startedAt(): number {
    return this.#startedAt;
  }

  /** Milliseconds since the start by the clock that nobody can set. */
  get uptimeMs(): number {
    return performance.now() - this.#startedMono;
  }

  /** Alarms that are open here, oldest first. */
  alarms(): readonly OpenAlarm[] {
    return this.#alarms.list();
  }

  /** For metrics. */
  figures(): AgentFigures {
    return agentFigures(this, this.#counters);
  }

  members(): readonly MemberView[] {
    return this.#node
      .members()
      .map((member) => (member.self ? { ...member, since: this.#startedAt } : member));
  }

  departed(): readonly MemberView[] {
    return this.#node.departed();
  }

  forget(nodeId: string): boolean {
    const member = this.members().find((one) => one.nodeId === nodeId);
    // One that is there would only refute it.
    const away = member?.state === 'dead' || member?.state === 'left';
    return away && this.#node.forget(nodeId);
  }

  keyList(nodeId: string): readonly PinnedKey[] {
    const { entries, fork } = this.#node.keyList(nodeId);
    return fork === undefined ? entries : [...entries, parseKeyEntry(fork.entries[1])];
  }

  describe(sql: string): Promise<Description> {
    return this.#runner.describe(sql);
  }

  ask(spec: AskSpec): AsyncIterable<AskEvent> {
    const events = ask(this.#runner, this.#node, this.#certificates, spec);
    return observed(events, this.#counters, this.#options.log);
  }

  request(spec: RequestSpec, signal?: AbortSignal): AsyncIterable<RequestEvent> {
    return requestAll(this.#node, spec, { ...(signal && { signal }) });
  }

  command(spec: CommandSpec): AsyncIterable<AskEvent> {
    const events = command(this.#node, this.#certificates, spec);
    return observed(events, this.#counters, this.#options.log);
  }

  certificateFor(tables: readonly string[]): Uint8Array | undefined {
    return this.#certificates.forTables(tables);
  }

  allowedActions(): readonly string[] {
    return this.#certificates.actions();
  }

  onMember(listener: (member: MemberView) => void): () => void {
    return this.#node.onMember(listener);
  }

  /**
   * Those that are open, and those that have ended in this run, are told at once: a hub comes up later
   * than its agent.
   */
  onAlarm(listener: (alarm: Alarm) => void): () => void {
    for (const alarm of [...this.#overs.values(), ...this.#alarms.list()]) listener(alarm);
    this.#events.on('alarm', listener);
    return () => this.#events.off('alarm', listener);
  }

  /**
   * Takes the promised key pair into use; on the disk before anybody sees it.
   * @throws SecureError `rotation_too_soon`
   */
  async rotateKey(): Promise<number> {
    const next = this.#identity.rotate(random, Math.floor(Date.now() / 1000));
    await saveIdentity(this.#options.state, next);
    this.#identity = next;
    this.#node.setIdentity(next);
    return next.newest.version;
  }

  /** Whether the swarm is in a newer epoch that has no place for this host. */
  get isLeftOut(): boolean {
    return this.#node.rolls().isBehind;
  }

  /**
   * The next `node.join` lets this host in again by a new token, with its identity.
   * @throws SecureError `bad_token`; AgentError `already_initialised` for another swarm's
   */
  async prepareRejoin(token: string): Promise<void> {
    const { swarmId, secret } = parseJoinToken(token);
    if (!equalBytes(swarmId, this.swarmId)) {
      throw new AgentError(
        'already_initialised',
        'the join token is of another swarm than this state folder',
        'use a token of this swarm, or choose another folder with --state DIR',
      );
    }
    this.#node.setJoining(await deriveTokenKeys(secret, swarmId));
  }

  /**
   * From the next start on this host is out, until a person takes it back (`rejoin`).
   * @throws AgentError `state_unwritable`
   */
  markLeft(): void {
    markLeft(this.#options.state, Date.now());
  }

  /** Marked first: others no longer expect this host. Then stops. */
  async leave(): Promise<void> {
    if (leftAt(this.#options.state) === undefined) this.markLeft();
    await this.#node.leave();
    await this.stop();
  }

  /** Resolves once the agent stopped, for whatever reason. */
  async stopped(): Promise<void> {
    await once(this.#events, 'stopped');
  }

  async stop(): Promise<void> {
    clearInterval(this.#quiet);
    await this.#control.stop();
    await this.#actions.stop();
    await this.#node.stop();
    await this.#history.stop();
    await this.#watch.stop();
    await this.#runner.stop();
    await this.#alarms.settled();
    this.#events.emit('stopped');
  }

  async #startNode(): Promise<SwarmNode> {
    const { state, config, hub, log } = this.#options;
    const secrets = readSecrets(state) ?? this.#options.joining?.secrets;
    if (secrets === undefined) throw notAMember(state);
    const node = await SwarmNode.start({
      listen: config.listen,
      advertise: [...config.advertise],
      seeds: [...config.seeds],
      secrets,
      identity: this.#identity,
      name: config.name,
      labels: { ...config.labels },
      version: VERSION,
      hub,
      store: {
        read: (key) => state.read(`${key}.bin`),
        write: (key, bytes) => state.write(`${key}.bin`, bytes),
      },
      saveSecrets: (changed) => this.#saveSecrets(changed),
      run: (request, signal) => this.#run(request, signal),
      alarms: this.#alarms.list(),
      log,
    });
    node.onAlarm((alarm) => this.#raise(alarm));
    return node;
  }

  async #openHistory(): Promise<History> {
    const { state, config, log } = this.#options;
    const path = state.file(HISTORY_FOLDER);
    try {
      return await History.open({
        disk: folderDisk(path),
        bounds: config.history,
        nodeId: this.nodeId,
        runner: this.#runner,
        random,
        time: systemTime,
        log,
        sign: (taking) => signStatement(this.#identity, this.#node.secrets.swarmId, taking),
        isHub: (origin) => this.#node.isHub(origin),
        requireCertificate: (request, tables) =>
          requireCertificate(this.#certificates, request, tables, true),
      });
    } catch (error) {
      throw new AgentError(
        'state_corrupt',
        `${JSON.stringify(path)} cannot be read: ${(error as Error).message}`,
        'run as the user that owns the state folder; without that folder the host starts anew',
        { cause: error },
      );
    }
  }

  /** The configuration goes first: what makes a folder initialised is its secrets. */
  async #saveSecrets(secrets: SwarmSecrets): Promise<void> {
    const { state, joining } = this.#options;
    if (joining !== undefined && state.read(CONFIG_FILE) === undefined) {
      await state.write(CONFIG_FILE, Buffer.from(joining.configText));
    }
    await saveSecrets(state, secrets);
  }

  /** Lines of the log are written while the request is at work and when its answer has gone. */
  #run(request: IncomingRequest, signal: AbortSignal): Promise<RunOutcome> {
    const { id, kind, originName: origin } = request;
    const startedAt = performance.now();
    const work = this.#carryOut(request, signal);
    this.#options.log.info({ request: id, origin, kind }, 'request');
    work.then(
      (outcome) => setImmediate(() => this.#noteEnd(request, outcome, startedAt)),
      // Whoever called logs it.
      () => undefined,
    );
    return work;
  }

  #noteEnd({ id, kind }: IncomingRequest, outcome: RunOutcome, startedAt: number): void {
    const { status, code, rowCount: rows } = outcome;
    const ms = performance.now() - startedAt;
    this.#counters.ran(kind, outcome, ms);
    this.#options.log.info(
      { request: id, outcome: status, code, rows, ms: Math.round(ms) },
      'request ended here',
    );
  }

  #carryOut(request: IncomingRequest, signal: AbortSignal): Promise<RunOutcome> {
    if (request.kind === ACTION_KIND) return this.#actions.run(request, signal);
    return runRequest(this.#runner, this.#certificates, this.#history, request, signal);
  }

  #raise(alarm: Alarm): void {
    const { kind, key, message, over } = alarm;
    const cause = `${kind} ${key}`;
    this.#overs.delete(cause);
    if (over === undefined) {
      this.#options.log.warn({ alarm: kind, key }, message);
      this.#alarms.raise(alarm);
    } else {
      if (!this.#alarms.resolve(alarm)) return;
      this.#options.log.info({ alarm: kind, key }, 'the cause of this alarm has ended');
      this.#overs.set(cause, alarm);
      if (this.#overs.size > OVERS_MAX) this.#overs.delete(this.#overs.keys().next().value!);
    }
    this.#events.emit('alarm', alarm);
  }

  #endQuiet(): void {
    for (const over of gone(this.#alarms.list(), Date.now())) this.#raise(over);
  }

  #factSource(): FactSource {
    return {
      members: () => this.members(),
      probes: () => this.#node.probes(),
      links: () => this.#node.links(),
      alarms: () => this.#alarms.list(),
      seals: () => this.seals.all(),
      tracks: () => this.#history.status.tables,
      fileEvents: () => this.#watch.facts(),
      allowed: this.#options.config.allowed,
      agent: {
        version: VERSION,
        node_id: this.nodeId,
        name: this.name,
        pid: process.pid,
        start_time: Math.floor(this.#startedAt / 1000),
        config_path: this.#options.state.file(CONFIG_FILE),
      },
    };
  }
}

const HISTORY_FOLDER = 'history';
const QUIET_LOOK_MS = 60_000;
/** Ends of alarms that a hub which comes later is told of. */
const OVERS_MAX = 1_000;

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n));
