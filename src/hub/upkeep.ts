/** What a hub does by the clock: heartbeats, partitions, alerts that went quiet, changes made by hand. */
import type pg from 'pg';
import { HubError, messageOf } from './errors.ts';
import type { Log } from './log.ts';
import { readMigrations } from './schema/migration-files.ts';
import { watchDrift } from './schema/drift-report.ts';
import { refuseNewer } from './schema/migrate.ts';
import { isOutage } from './database/outage.ts';
import { ClockWatch, jumpText, type Jump } from './clock-watch.ts';
import { RETRY_MS_MAX, type Parts } from './parts.ts';
import type { AlertStore } from './alerts/alert-store.ts';
import type { Presence } from './presence.ts';
import type { Queue } from './queue/queue.ts';
import type { Pulse } from './pulse.ts';
import { MIGRATIONS_DIR } from './release.ts';
import { WakeLoop } from './wake-loop.ts';

export interface UpkeepOptions {
  readonly pool: pg.Pool;
  readonly queue: Queue;
  readonly alerts: AlertStore;
  readonly presence: Presence;
  readonly log: Log;
  /** Name of this host. */
  readonly hub: string;
  readonly parts: Pick<Parts, 'heartbeat' | 'partitions' | 'alerts' | 'drift'>;
  readonly heartbeatMs: number;
  readonly partitionsMs: number;
  readonly alertsMs: number;
  readonly driftMs: number;
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

export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #loops: readonly WakeLoop[];
  readonly #every: readonly number[];
  #beats: NodeJS.Timeout | undefined;
  #beating: Promise<void> | undefined;
  #known: readonly { readonly version: number }[] = [];
  #away = false;
  #backAt = performance.now();
  readonly #clocks = new ClockWatch();
  /** Jumps of clocks that are not mended and written down yet: the database may go just then. */
  readonly #untold: Jump[] = [];

  constructor(options: UpkeepOptions) {
    this.#options = options;
    const { pool, queue, parts, partitionsMs, alertsMs, driftMs } = options;
    this.#every = [partitionsMs, alertsMs, driftMs];
    this.#loops = [
      this.#loop(() => queue.makePartitions(), partitionsMs, parts.partitions),
      this.#loop(() => this.#lookAfter(), alertsMs, parts.alerts),
      this.#loop(() => watchDrift(pool), driftMs, parts.drift),
    ];
  }

  /** False while the database does not answer heartbeats. */
  get connected(): boolean {
    return !this.#away;
  }

  /** Milliseconds for which it has answered, by no clock that anybody sets. */
  get connectedMs(): number {
    return this.#away ? 0 : performance.now() - this.#backAt;
  }

  async start(): Promise<void> {
    this.#known = await readMigrations(MIGRATIONS_DIR);
    // Now: a clock that jumps before the first look is not seen to.
    this.beat();
    await this.#beating;
    this.#beats = setInterval(() => this.beat(), this.#options.heartbeatMs);
    for (const [at, loop] of this.#loops.entries()) loop.wakeIn(this.#every[at]);
  }

  async stop(): Promise<void> {
    clearInterval(this.#beats);
    await Promise.all([this.#beating, ...this.#loops.map((loop) => loop.stop())]);
  }

  /** One heartbeat now, unless one is under way. */
  beat(): void {
    this.#beating ??= this.#beat().finally(() => (this.#beating = undefined));
  }

  async #beat(): Promise<void> {
    const { presence, tokens, onLost, onBack, onBeat, log, pool } = this.#options;
    const { heartbeat } = this.#options.parts;
    heartbeat.began();
    try {
      const held = tokens();
      const before = performance.now();
      const { active, kept, serverAt } = await presence.heartbeat(held);
      await this.#mendClocks(serverAt, before);
      if (this.#away) {
        this.#away = false;
        this.#backAt = performance.now();
        log.info({}, 'the database is back');
        onBack();
      }
      for (const token of held) if (!kept.has(token)) onLost(token);
      if (!active) await presence.hello();
      await presence.reportActions();
      onBeat();
      await refuseNewer(pool, this.#known);
      heartbeat.wentWell();
    } catch (error) {
      this.#failed(error);
    }
  }

  async #lookAfter(): Promise<void> {
    const { alerts, presence } = this.#options;
    await alerts.lookAfter();
    await presence.mendClock(false);
  }

  async #mendClocks(serverAt: number, before: number): Promise<void> {
    const { presence, alerts, log, hub } = this.#options;
    const jumps = this.#clocks.look(serverAt, before);
    for (const jump of jumps) log.warn({ clock: jump.clock, ms: jump.byMs }, jumpText(jump, hub));
    this.#untold.push(...jumps);
    if (this.#untold.length === 0) return;
    await presence.mendClock(true);
    for (const jump of [...this.#untold]) {
      const key = jump.clock === 'server' ? 'server' : hub;
      await alerts.raise('clock_jumped', key, jumpText(jump, hub));
      this.#untold.shift();
    }
  }

  #failed(error: unknown): void {
    if (error instanceof HubError && error.code === 'database_too_new')
      return this.#options.onOutdated(error);
    if (isOutage(error)) this.#away = true;
    this.#options.parts.heartbeat.failed(error);
    this.#options.log.warn({ error: messageOf(error) }, 'heartbeat failed');
  }

  #loop(work: () => Promise<void>, everyMs: number, pulse: Pulse): WakeLoop {
    const { log } = this.#options;
    return new WakeLoop({
      work: async () => {
        await work();
        return everyMs;
      },
      failed: (error) =>
        log.warn({ error: messageOf(error) }, 'upkeep failed, it is tried again later'),
      retryMs: Math.min(everyMs, RETRY_MS_MAX),
      pulse,
    });
  }
}
