/**
 * The hub: an asker like any other that takes its questions from tables and puts its answers into
 * tables. It may die at any moment; what it had claimed goes back to the queue.
 */
import type pg from 'pg';
import type { Asker } from '../agent/index.ts';
import { cutConnections, endPool } from './database/database.ts';
import { Dispatcher } from './queue/dispatcher.ts';
import { AlarmWriter } from './alerts/alarm-writer.ts';
import { Converger } from './desired/converger.ts';
import { DesiredStore } from './desired/desired-store.ts';
import { Fetcher } from './history/fetcher.ts';
import { messageOf, type HubError } from './errors.ts';
import type { HubFigures } from './figures.ts';
import { QueueFactsReader } from './queue/facts.ts';
import { HistoryStore } from './history/store.ts';
import { createListener, type Listener } from './database/listener.ts';
import type { Log } from './log.ts';
import { NodeReporter } from './nodes.ts';
import type { Drift } from './schema/drift.ts';
import { reportDrift } from './schema/drift-report.ts';
import { openDatabase, whileAway, type OpenedDatabase } from './schema/open-database.ts';
import { AlertStore } from './alerts/alert-store.ts';
import { NodeStore } from './node-store.ts';
import { partsOf, type Parts } from './parts.ts';
import { Presence } from './presence.ts';
import { Queue } from './queue/queue.ts';
import { Schedules } from './queue/schedules.ts';
import { Services, type Service } from './services.ts';
import { BackupKeeper, type BackupKeeperOptions } from './backup/keeper.ts';
import { BackupStore, type BackupPlan } from './backup/backup-store.ts';
import { Recorder } from './queue/recorder.ts';
import { Scheduler } from './queue/scheduler.ts';
import { Sealer } from './audit/sealer.ts';
import { Spool } from './queue/spool.ts';
import { StallWatch, type ToldStall } from './stall-watch.ts';
import { Upkeep } from './upkeep.ts';
import { AlertTeller, type WebhookTarget } from './alerts/teller.ts';

export interface HubOptions {
  /** A login that may migrate, or one in swarmplane_hub on a database that is migrated already. */
  readonly databaseUrl: string;
  readonly asker: Asker;
  /** Where outcomes wait on disk while the database is away; of this hub alone, made where missing. */
  readonly spoolFolder: string;
  readonly log: Log;
  readonly tuning?: Partial<HubTuning>;
  /** Is told of every alert that opens or is resolved. */
  readonly webhook?: WebhookTarget;
  /** Backups that it makes by itself; `make` writes one of this database. */
  readonly backups?: BackupPlan & Pick<BackupKeeperOptions, 'make' | 'onState'>;
  /** Ends the waiting for a database that is not there yet. */
  readonly signal?: AbortSignal;
  /** Called when this hub must not go on: a newer one changed the database. It has stopped then. */
  readonly onFatal?: (error: HubError) => void;
  /** Called at every look with the parts that stand still, also when there are none. */
  readonly onStalls?: (stalls: readonly ToldStall[]) => void;
}

/** Times in milliseconds. How long a lease lasts is a setting in the database, as all hubs share it. */
export interface HubTuning {
  readonly heartbeatMs: number;
  readonly pollMs: number;
  /** Longest one try may take at the hosts. */
  readonly askMs: number;
  /** Waited beyond that for the account. */
  readonly graceMs: number;
  /** After the start a host that is away may only not have been met yet. */
  readonly settleMs: number;
  /** How often the whole member table is compared with swarmplane.node. */
  readonly nodesMs: number;
  /** How often audit rows that wait are sealed. */
  readonly sealMs: number;
  /** How often what the settings call old is dropped. */
  readonly retentionMs: number;
  /** How often partitions are made ahead. */
  readonly partitionsMs: number;
  /** How often alerts are looked after. */
  readonly alertsMs: number;
  /** How often it is looked whether the schema is as the release made it. */
  readonly driftMs: number;
  /** How often the listener hears itself through the server. */
  readonly watchdogMs: number;
  /** No part of the hub counts as standing still before so long. */
  readonly stallMs: number;
  /** How often it is looked whether all parts go on. */
  readonly stallLookMs: number;
  /** How long a stop waits for the database; after twice as long its connections are cut. */
  readonly stopMs: number;
  readonly claimMax: number;
  readonly runsMax: number;
  /** Most bytes of outcomes on disk. */
  readonly spoolBytes: number;
}

export const DEFAULT_TUNING: HubTuning = {
  heartbeatMs: 10_000,
  pollMs: 5_000,
  askMs: 15_000,
  graceMs: 3_000,
  settleMs: 5_000,
  nodesMs: 30_000,
  sealMs: 30_000,
  retentionMs: 3_600_000,
  partitionsMs: 3_600_000,
  alertsMs: 60_000,
  driftMs: 300_000,
  watchdogMs: 30_000,
  stallMs: 30_000,
  stallLookMs: 5_000,
  stopMs: 5_000,
  claimMax: 1_000,
  runsMax: 16,
  spoolBytes: 256 * 1024 * 1024,
};

export interface HubStatus {
  /** The database answers. */
  readonly connected: boolean;
  /** Requests that are being asked right now. */
  readonly atWork: number;
}

export class Hub {
  readonly #options: HubOptions;
  readonly #tuning: HubTuning;
  readonly #startedAt = performance.now();
  readonly #pool: pg.Pool;
  readonly #aside: pg.Pool;
  readonly #parts: Parts;
  readonly #watch: StallWatch;
  readonly #queue: Queue;
  readonly #alerts: AlertStore;
  readonly #spool: Spool;
  readonly #presence: Presence;
  readonly #dispatcher: Dispatcher;
  readonly #nodes: NodeReporter;
  readonly #upkeep: Upkeep;
  readonly #facts: QueueFactsReader;
  readonly #services: Services;
  #leaseMs = 30_000;
  #stopping: Promise<void> | undefined;
  #poolClosed: Promise<unknown> | undefined;

  /**
   * Waits for a database that is away; resolves once the hub takes work.
   * @throws HubError for what waiting does not mend
   */
  static async start(options: HubOptions): Promise<Hub> {
    const { databaseUrl, log, signal } = options;
    const since = Date.now();
    const open = () =>
      openDatabase(databaseUrl, log).catch((error: unknown) => {
        options.onStalls?.([{ part: 'start', since, why: messageOf(error), holders: [] }]);
        throw error;
      });
    const opened = await whileAway(open, log, signal);
    const hub = new Hub(options, opened);
    try {
      await whileAway(() => hub.#begin(), log, signal);
      return hub;
    } catch (error) {
      await hub.stop();
      throw error;
    }
  }

  private constructor(options: HubOptions, { pool, aside, drift }: OpenedDatabase) {
    const { asker, log } = options;
    this.#options = options;
    this.#tuning = { ...DEFAULT_TUNING, ...options.tuning };
    this.#pool = pool;
    this.#aside = aside;
    this.#parts = partsOf(this.#tuning);
    this.#watch = this.#makeWatch();
    this.#queue = new Queue(pool);
    this.#alerts = new AlertStore(pool);
    this.#presence = new Presence({ pool, asker, log });
    const { spoolBytes: bytesMax, nodesMs: fullMs } = this.#tuning;
    const parts = this.#parts;
    this.#spool = new Spool({ folder: options.spoolFolder, bytesMax, log });
    this.#nodes = new NodeReporter({ asker, store: new NodeStore(pool), log, fullMs, parts });
    this.#dispatcher = this.#makeDispatcher();
    const alarms = new AlarmWriter(asker, this.#alerts, log, parts.alarms);
    this.#upkeep = this.#makeUpkeep(alarms);
    this.#facts = new QueueFactsReader(pool, log);
    const scheduler = new Scheduler(new Schedules(pool), log, parts.schedules);
    const converger = new Converger(new DesiredStore(pool), log, parts.desired);
    const fetcher = this.#makeFetcher();
    const woken = [this.#dispatcher, scheduler, converger, fetcher, this.#nodes];
    const listener = this.#makeListener(woken);
    const telling = { ...options, pollMs: this.#tuning.pollMs };
    const teller = AlertTeller.for(telling, this.#alerts, parts.webhook);
    this.#services = new Services([
      // Also of what keeps the others from beginning.
      [this.#watch],
      [{ start: () => this.#presence.enter() }],
      [{ start: () => this.#writeSpooled() }],
      // Its own node's row is what the hub's row refers to.
      [this.#nodes],
      [this.#presence],
      [{ start: () => this.#look(drift) }],
      // Leases are kept as long as anything works under them.
      [this.#upkeep, alarms, this.#makeSealer(), fetcher],
      [listener, this.#dispatcher, scheduler, converger],
      [...(teller === undefined ? [] : [teller]), this.#makeBackups()],
    ]);
  }

  #makeDispatcher(): Dispatcher {
    const { asker, log } = this.#options;
    return new Dispatcher({
      ...this.#tuning,
      queue: this.#queue,
      spool: this.#spool,
      parts: this.#parts,
      asker,
      log,
      hubId: () => this.#presence.id,
      certain: () => performance.now() - this.#startedAt > this.#tuning.settleMs,
      mayReap: () => this.#upkeep.connectedMs > this.#leaseMs,
    });
  }

  #makeUpkeep(alarms: AlarmWriter): Upkeep {
    return new Upkeep({
      ...this.#tuning,
      hub: this.#options.asker.name,
      parts: this.#parts,
      pool: this.#pool,
      queue: this.#queue,
      alerts: this.#alerts,
      presence: this.#presence,
      log: this.#options.log,
      tokens: () => this.#dispatcher.tokens,
      onLost: (token) => {
        this.#queue.counters.leasesLost++;
        this.#dispatcher.lost(token);
      },
      onBeat: () => alarms.flush(),
      onBack: () => this.#catchUp(),
      onOutdated: (error) => this.#outdated(error),
    });
  }

  #makeSealer(): Sealer {
    const { asker, log } = this.#options;
    const { sealMs, retentionMs } = this.#tuning;
    const { nodeId, seals } = asker;
    const alerts = this.#alerts;
    const every = { sealMs, retentionMs, parts: this.#parts };
    return new Sealer({ pool: this.#pool, alerts, log, nodeId, seals, ...every });
  }

  #makeFetcher(): Fetcher {
    const { asker, log } = this.#options;
    return new Fetcher({
      store: new HistoryStore(this.#pool),
      asker,
      log,
      askMs: this.#tuning.askMs,
      retentionMs: this.#tuning.retentionMs,
      parts: this.#parts,
      isSensitive: (table) => this.#presence.isSensitive(table),
    });
  }

  #makeBackups(): Service {
    const { asker, log, backups } = this.#options;
    const store = new BackupStore(this.#pool, asker);
    if (backups === undefined) return { start: () => store.forgetPlan() };
    const lookMs = this.#tuning.alertsMs;
    return new BackupKeeper({ ...backups, store, log, pulse: this.#parts.backups, lookMs });
  }

  #makeListener(woken: readonly { wake(): void }[]): Listener {
    const { databaseUrl: url, log } = this.#options;
    const listener = createListener({
      url,
      channel: 'swarmplane',
      log,
      pollMs: this.#tuning.pollMs,
      watchdogMs: this.#tuning.watchdogMs,
      pulse: this.#parts.listener,
    });
    listener.onWake((reason) => {
      this.#queue.counters.woken(reason);
      if (reason === 'connect') this.#nodes.reportAll();
      for (const each of woken) each.wake();
    });
    return listener;
  }

  #makeWatch(): StallWatch {
    const { asker, log, onStalls = () => undefined } = this.#options;
    const { stallMs: leastMs, stallLookMs: lookMs } = this.#tuning;
    const parts = Object.values(this.#parts);
    const told = { hub: asker.name, log, leastMs, lookMs, onChange: onStalls };
    return new StallWatch({ pool: this.#aside, parts, ...told });
  }

  async #begin(): Promise<void> {
    const { start } = this.#parts;
    start.began();
    try {
      await this.#services.start();
      start.wentWell();
    } catch (error) {
      start.failed(error);
      throw error;
    }
  }

  status(): HubStatus {
    return { connected: this.#upkeep.connected, atWork: this.#dispatcher.tokens.length };
  }

  /** For metrics. Never rejects. */
  async figures(): Promise<HubFigures> {
    return {
      ...this.status(),
      ...this.#queue.counters,
      parts: this.#partFigures(),
      queue: await this.#facts.read(),
    };
  }

  #partFigures(): HubFigures['parts'] {
    const stalled = new Set(this.#watch.stalls.map(({ part }) => part));
    return Object.values(this.#parts).flatMap(({ part, ageMs }) =>
      ageMs === undefined ? [] : [{ part, ageSeconds: ageMs / 1000, stalled: stalled.has(part) }],
    );
  }

  /** Gives unfinished work back without burning an attempt. Never rejects. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#end());
  }

  /** Before the hello, which takes back the work that an earlier process of this hub left behind. */
  async #writeSpooled(): Promise<void> {
    await this.#queue.raiseSequences();
    await this.#queue.makePartitions();
    const { log, signal = new AbortController().signal } = this.#options;
    for (const token of this.#spool.tokens) {
      log.info({ lease: token }, 'writing outcomes that an earlier run left on disk');
      const [queue, spool, pulse] = [this.#queue, this.#spool, this.#parts.outcomes];
      const recorder = new Recorder({ queue, spool, token, log, signal, pulse });
      recorder.start();
      await recorder.flush();
    }
  }

  async #look(drift: readonly Drift[] | undefined): Promise<void> {
    if (drift !== undefined) await reportDrift(this.#pool, drift);
    const { rows } = await this.#pool.query<{ ms: number }>(
      `select extract(epoch from value::interval)::float8 * 1000 as ms
         from swarmplane.setting where name = 'lease_time'`,
    );
    this.#leaseMs = rows[0]?.ms ?? this.#leaseMs;
  }

  /** After an outage: what notifications and changes were missed. */
  #catchUp(): void {
    this.#nodes.reportAll();
    this.#dispatcher.wake();
  }

  #outdated(error: HubError): void {
    this.#options.log.error({ error: error.message, hint: error.hint }, 'this hub must stop');
    void this.stop().then(() => this.#options.onFatal?.(error));
  }

  async #end(): Promise<void> {
    const giveUp = setTimeout(() => this.#cutOff(), 2 * this.#tuning.stopMs);
    await this.#services.stop();
    await this.#closePool();
    clearTimeout(giveUp);
  }

  /** What still waits for the database fails, and so does what would connect anew. */
  #cutOff(): void {
    void this.#closePool();
    cutConnections(this.#pool);
    cutConnections(this.#aside);
  }

  #closePool(): Promise<void> {
    const closing = (this.#poolClosed ??= Promise.all([this.#pool, this.#aside].map(endPool)));
    return closing.then(() => undefined);
  }
}
