/** What a hub does by the clock: heartbeats, partitions, alerts that went quiet. */
import type pg from 'pg';
import { HubError, messageOf } from './errors.ts';
import type { Log } from './log.ts';
import { readMigrations } from './schema/migration-files.ts';
import { refuseNewer } from './schema/migrate.ts';
import { isOutage } from './database/outage.ts';
import type { AlertStore } from './alerts/alert-store.ts';
import type { Presence } from './presence.ts';
import type { Queue } from './queue/queue.ts';
import { MIGRATIONS_DIR } from './release.ts';

export interface UpkeepOptions {
  readonly pool: pg.Pool;
  readonly queue: Queue;
  readonly alerts: AlertStore;
  readonly presence: Presence;
  readonly log: Log;
  readonly heartbeatMs: number;
  /** Leases at work. */
  readonly tokens: () => readonly string[];
  readonly onLost: (token: string) => void;
  /** After each heartbeat that went through. */
  readonly onBeat: () => void;
  /** The database answers again after it had not. */
  readonly onBack: () => void;
  /** A newer hub changed the database so that this one must stop. */
  readonly onOutdated: (error: HubError) => void;
}

const PARTITIONS_EVERY_MS = 3_600_000;
const ALERTS_EVERY_MS = 60_000;

export class Upkeep {
  readonly #options: UpkeepOptions;
  #timers: NodeJS.Timeout[] = [];
  #beating: Promise<void> | undefined;
  #known: readonly { readonly version: number }[] = [];
  #away = false;
  #backAt = Date.now();

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /** False while the database does not answer heartbeats. */
  get connected(): boolean {
    return !this.#away;
  }

  /** Unix milliseconds since when it answers. */
  get connectedSince(): number {
    return this.#away ? Infinity : this.#backAt;
  }

  async start(): Promise<void> {
    this.#known = await readMigrations(MIGRATIONS_DIR);
    const { heartbeatMs, queue, alerts } = this.#options;
    this.#timers = [
      setInterval(() => this.beat(), heartbeatMs),
      setInterval(() => this.#try(() => queue.makePartitions()), PARTITIONS_EVERY_MS),
      setInterval(() => this.#try(() => alerts.lookAfter()), ALERTS_EVERY_MS),
    ];
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#beating;
  }

  /** One heartbeat now, unless one is under way. */
  beat(): void {
    this.#beating ??= this.#beat().finally(() => (this.#beating = undefined));
  }

  async #beat(): Promise<void> {
    const { presence, tokens, onLost, onBack, onBeat, log, pool } = this.#options;
    try {
      const held = tokens();
      const { active, kept } = await presence.heartbeat(held);
      if (this.#away) {
        this.#away = false;
        this.#backAt = Date.now();
        log.info({}, 'the database is back');
        onBack();
      }
      for (const token of held) if (!kept.has(token)) onLost(token);
      if (!active) await presence.hello();
      await presence.reportActions();
      onBeat();
      await refuseNewer(pool, this.#known);
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (error instanceof HubError && error.code === 'database_too_new')
      return this.#options.onOutdated(error);
    if (isOutage(error)) this.#away = true;
    this.#options.log.warn({ error: messageOf(error) }, 'heartbeat failed');
  }

  #try(work: () => Promise<void>): void {
    work().catch((error: unknown) =>
      this.#options.log.warn({ error: messageOf(error) }, 'upkeep failed, it is tried again later'),
    );
  }
}
