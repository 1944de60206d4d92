/**
 * The hub: an asker like any other that takes its questions from tables and puts its answers into
 * tables. It may die at any moment; what it had claimed goes back to the queue.
 */
import type pg from 'pg';
import type { Asker } from '../agent/index.ts';
import { cutConnections, endPool } from './database/database.ts';
import { Dispatcher } from './queue/dispatcher.ts';
import { AlarmWriter } from './alerts/alarm-writer.ts';
import { Fetcher } from './history/fetcher.ts';
import { messageOf, type HubError } from './errors.ts';
import { QueueFactsReader, type HubFigures } from './figures.ts';
import { declaredTables } from './host-tables.ts';
import { HistoryStore } from './history/store.ts';
import { toJson } from './database/json-text.ts';
import { createListener, type Listener } from './database/listener.ts';
import type { Log } from './log.ts';
import { NodeReporter } from './nodes.ts';
import { openDatabase, whileAway, type OpenedDatabase } from './database/open-database.ts';
import { Queue } from './queue/queue.ts';
import { Recorder } from './queue/recorder.ts';
import { RELEASE } from './release.ts';
import { Scheduler } from './queue/scheduler.ts';
import { Sealer } from './audit/sealer.ts';
import { Spool } from './queue/spool.ts';
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
  /** Ends the waiting for a database that is not there yet. */
  readonly signal?: AbortSignal;
  /** Called when this hub must not go on: a newer one changed the database. It has stopped then. */
  readonly onFatal?: (error: HubError) => void;
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
  readonly #startedAt = Date.now();
  readonly #pool: pg.Pool;
  readonly #queue: Queue;
  readonly #spool: Spool;
  readonly #dispatcher: Dispatcher;
  readonly #nodes: NodeReporter;
  readonly #alarms: AlarmWriter;
  readonly #upkeep: Upkeep;
  readonly #scheduler: Scheduler;
  readonly #sealer: Sealer;
  readonly #fetcher: Fetcher;
  readonly #listener: Listener;
  readonly #teller: AlertTeller | undefined;
  readonly #facts: QueueFactsReader;
  /** Names of host tables that hosts show to holders of a certificate only. */
  #sensitive: ReadonlySet<string> = new Set();
  #id = '';
  #leaseMs = 30_000;
  #stopping: Promise<void> | undefined;
  #poolClosed: Promise<void> | undefined;

  /**
   * Waits for a database that is away; resolves once the hub takes work.
   * @throws HubError for what waiting does not mend
   */
  static async start(options: HubOptions): Promise<Hub> {
    const { databaseUrl, log, signal } = options;
    const opened = await whileAway(() => openDatabase(databaseUrl, log), log, signal);
    const hub = new Hub(options, opened);
    try {
      await whileAway(() => hub.#begin(opened.drift), log, signal);
      return hub;
    } catch (error) {
      await hub.stop();
      throw error;
    }
  }

  private constructor(options: HubOptions, { pool }: OpenedDatabase) {
    const { asker, log } = options;
    this.#options = options;
    this.#tuning = { ...DEFAULT_TUNING, ...options.tuning };
    this.#pool = pool;
    const queue = (this.#queue = new Queue(pool));
    const { spoolBytes: bytesMax } = this.#tuning;
    const spool = (this.#spool = new Spool({ folder: options.spoolFolder, bytesMax, log }));
    this.#nodes = new NodeReporter({ asker, queue, log, fullMs: this.#tuning.nodesMs });
    this.#alarms = new AlarmWriter(asker, queue, log);
    this.#dispatcher = new Dispatcher({
      ...this.#tuning,
      queue,
      spool,
      asker,
      log,
      hubId: () => this.#id,
      certain: () => Date.now() - this.#startedAt > this.#tuning.settleMs,
      mayReap: () => Date.now() - this.#upkeep.connectedSince > this.#leaseMs,
    });
    this.#upkeep = new Upkeep({
      pool,
      queue,
      log,
      heartbeatMs: this.#tuning.heartbeatMs,
      hubId: () => this.#id,
      tokens: () => this.#dispatcher.tokens,
      actions: () => asker.allowedActions(),
      onLost: (token) => {
        queue.counters.leasesLost++;
        this.#dispatcher.lost(token);
      },
      onForgotten: () => this.#hello(),
      onBeat: () => this.#alarms.flush(),
      onBack: () => this.#catchUp(),
      onOutdated: (error) => this.#outdated(error),
    });
    this.#scheduler = new Scheduler(queue, log);
    const { askMs, pollMs, sealMs, retentionMs } = this.#tuning;
    const { nodeId, seals } = asker;
    this.#sealer = new Sealer({ pool, queue, log, nodeId, seals, sealMs, retentionMs });
    const isSensitive = (table: string) => this.#sensitive.has(table);
    const store = new HistoryStore(pool);
    this.#fetcher = new Fetcher({ store, asker, log, askMs, isSensitive });
    this.#listener = createListener({
      url: options.databaseUrl,
      channel: 'swarmplane',
      log,
      pollMs,
    });
    this.#facts = new QueueFactsReader(queue, log);
    this.#teller = AlertTeller.for(options, queue);
    this.#listener.onWake((reason) => {
      queue.counters.woken(reason);
      if (reason === 'connect') this.#nodes.reportAll();
      this.#dispatcher.wake();
      this.#scheduler.wake();
      this.#fetcher.wake();
      this.#nodes.wake();
    });
  }

  status(): HubStatus {
    return { connected: this.#upkeep.connected, atWork: this.#dispatcher.tokens.length };
  }

  /** For metrics. Never rejects. */
  async figures(): Promise<HubFigures> {
    return { ...this.status(), ...this.#queue.counters, queue: await this.#facts.read() };
  }

  /** Gives unfinished work back without burning an attempt. Never rejects. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#end());
  }

  async #begin(drift: readonly string[]): Promise<void> {
    await this.#queue.makePartitions();
    await this.#writeSpooled();
    await this.#nodes.start();
    await this.#hello();
    await this.#queue.reportActions(this.#id, this.#options.asker.allowedActions());
    await this.#reportTables();
    for (const object of drift)
      await this.#queue.raiseAlert('drift', object, `${object}: not as this release made it`);
    const { rows } = await this.#pool.query<{ ms: number }>(
      `select extract(epoch from value::interval)::float8 * 1000 as ms
         from swarmplane.setting where name = 'lease_time'`,
    );
    this.#leaseMs = rows[0]?.ms ?? this.#leaseMs;
    await this.#upkeep.start();
    await this.#listener.start();
    this.#sealer.start();
    await this.#teller?.start();
    this.#dispatcher.wake();
    this.#scheduler.wake();
    this.#fetcher.start();
  }

  /** Before the hello, which takes back the work that an earlier process of this hub left behind. */
  async #writeSpooled(): Promise<void> {
    const { log, signal = new AbortController().signal } = this.#options;
    for (const token of this.#spool.tokens) {
      log.info({ lease: token }, 'writing outcomes that an earlier run left on disk');
      const recorder = new Recorder({ queue: this.#queue, spool: this.#spool, token, log, signal });
      recorder.start();
      await recorder.flush();
    }
  }

  async #hello(): Promise<void> {
    const { nodeId, name } = this.#options.asker;
    this.#id = await this.#queue.hello({ identity: nodeId, name, version: RELEASE });
    this.#options.log.info({ hub: this.#id }, 'at work on the database');
  }

  async #reportTables(): Promise<void> {
    const tables = await declaredTables();
    this.#sensitive = new Set(tables.flatMap(({ name, sensitive }) => (sensitive ? [name] : [])));
    await this.#queue.reportHostTables(toJson(tables));
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
    await this.#teller?.stop();
    await Promise.all([this.#listener.stop(), this.#scheduler.stop(), this.#dispatcher.stop()]);
    await Promise.all([
      ...[this.#nodes.stop(), this.#alarms.stop(), this.#upkeep.stop()],
      ...[this.#sealer.stop(), this.#fetcher.stop()],
    ]);
    try {
      if (this.#id !== '') await this.#queue.goodbye(this.#id);
    } catch (error) {
      this.#options.log.warn({ error: messageOf(error) }, 'could not say goodbye to the database');
    }
    await this.#closePool();
    clearTimeout(giveUp);
  }

  /** What still waits for the database fails, and so does what would connect anew. */
  #cutOff(): void {
    void this.#closePool();
    cutConnections(this.#pool);
  }

  #closePool(): Promise<void> {
    return (this.#poolClosed ??= endPool(this.#pool));
  }
}
