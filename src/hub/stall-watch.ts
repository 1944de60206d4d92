/**
 * Looks whether the parts of this hub go on, and tells of those that do not: in the log and to whoever
 * asks this process (`status`, metrics), and as alerts of kind hub_stalled. The alert may be what the
 * database does not take, so nothing else waits for it.
 */
import type pg from 'pg';
import { toJson } from './database/json-text.ts';
import { messageOf } from './errors.ts';
import { findHolders, holderText, type Holder } from './database/holders.ts';
import type { Log } from './log.ts';
import type { Pulse, Stall } from './pulse.ts';
import { WakeLoop } from './wake-loop.ts';

export interface StallWatchOptions {
  /** Of its own: the connections of the others may all be waiting. */
  readonly pool: pg.Pool;
  readonly parts: readonly Pulse[];
  /** Name of this host. */
  readonly hub: string;
  readonly log: Log;
  /** No part stands still before so long. */
  readonly leastMs: number;
  readonly lookMs: number;
  readonly onChange: (stalls: readonly ToldStall[]) => void;
}

export interface ToldStall extends Stall {
  /** Sessions that hold what the hub needs, as far as this login may see them. */
  readonly holders: readonly Holder[];
}

export class StallWatch {
  readonly #options: StallWatchOptions;
  readonly #looks: WakeLoop;
  #stalls: readonly ToldStall[] = [];
  /** Parts whose alert may be open: at first all, an earlier process may have left it. */
  readonly #open: Set<string>;
  /** Parts whose alert was raised for this stall. */
  readonly #raised = new Set<string>();

  constructor(options: StallWatchOptions) {
    this.#options = options;
    this.#open = new Set(options.parts.map(({ part }) => part));
    this.#looks = new WakeLoop({
      work: () => this.#look(),
      failed: (error) =>
        options.log.warn({ error: messageOf(error) }, 'could not write alerts of stalled parts'),
      retryMs: options.lookMs,
    });
  }

  /** Parts that stand still, as of the last look. */
  get stalls(): readonly ToldStall[] {
    return this.#stalls;
  }

  start(): void {
    this.#looks.wake();
  }

  /** A hub that has stopped does not stand still. Never rejects. */
  async stop(): Promise<void> {
    await this.#looks.stop();
    this.#stalls = [];
    if (this.#raised.size === 0) return;
    await this.#resolve([...this.#raised]).catch((error: unknown) =>
      this.#options.log.warn({ error: messageOf(error) }, 'could not resolve alerts of this hub'),
    );
  }

  async #look(): Promise<number> {
    const { parts, leastMs, lookMs, pool } = this.#options;
    const now = parts.flatMap((pulse) => pulse.stall(leastMs) ?? []);
    const holders = now.length === 0 ? [] : await findHolders(pool).catch(() => []);
    this.#tell(now.map((stall) => ({ ...stall, holders })));
    await this.#write();
    return lookMs;
  }

  /** Needs no database. */
  #tell(stalls: readonly ToldStall[]): void {
    const { log, onChange } = this.#options;
    const known = new Set(this.#stalls.map(({ part }) => part));
    const here = new Set(stalls.map(({ part }) => part));
    for (const stall of stalls)
      if (!known.has(stall.part)) log.error({ part: stall.part }, stallText(stall));
    for (const part of known) if (!here.has(part)) log.info({ part }, `${part} of the hub goes on`);
    this.#stalls = stalls;
    onChange(stalls);
  }

  async #write(): Promise<void> {
    const here = new Set(this.#stalls.map(({ part }) => part));
    for (const stall of this.#stalls) await this.#raise(stall);
    const over = [...this.#open].filter((part) => !here.has(part));
    if (over.length === 0) return;
    await this.#resolve(over);
    for (const part of over) {
      this.#open.delete(part);
      this.#raised.delete(part);
    }
  }

  async #raise(stall: ToldStall): Promise<void> {
    const { pool, hub } = this.#options;
    const { part, since, why, holders } = stall;
    const detail = toJson({ hub, part, since: new Date(since).toISOString(), why, holders });
    this.#open.add(part);
    await pool.query(
      `select swarmplane.raise_alert('hub_stalled', $1, $2, 'critical', $3::jsonb, times => $4)`,
      [this.#key(part), `hub ${hub}: ${stallText(stall)}`, detail, this.#raised.has(part) ? 0 : 1],
    );
    this.#raised.add(part);
  }

  async #resolve(parts: readonly string[]): Promise<void> {
    const keys = parts.map((part) => this.#key(part));
    await this.#options.pool.query(`select swarmplane.resolve_alerts('{hub_stalled}', $1)`, [keys]);
  }

  #key(part: string): string {
    return `${this.#options.hub} ${part}`;
  }
}

/** One sentence for people. */
export function stallText({ part, since, why, holders }: ToldStall): string {
  const held = holders.map(holderText).join('; ');
  const says = `${part} stands still since ${new Date(since).toISOString()}: ${why}`;
  return held === '' ? says : `${says}; locks are held by ${held}`;
}
