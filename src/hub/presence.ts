/**
 * This hub in the database: its row and what it takes back by it, what it may command, which tables its
 * hosts have.
 */
import type pg from 'pg';
import type { Asker } from '../agent/index.ts';
import { toJson } from './database/json-text.ts';
import { codeOf, HubError, messageOf } from './errors.ts';
import { declaredTables } from './host-tables.ts';
import type { Log } from './log.ts';
import { RELEASE } from './release.ts';

/** SQLSTATE object_not_in_prerequisite_state. */
const NOT_IN_PREREQUISITE_STATE = '55000';

export interface PresenceOptions {
  readonly pool: pg.Pool;
  readonly asker: Asker;
  readonly log: Log;
}

export interface Beat {
  readonly active: boolean;
  readonly kept: ReadonlySet<string>;
  readonly serverAt: number;
}

export class Presence {
  readonly #options: PresenceOptions;
  #id = '';
  /** Names of host tables that hosts show to holders of a certificate only. */
  #sensitive: ReadonlySet<string> = new Set();

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** Of this process in swarmplane.hub; empty before the first hello. */
  get id(): string {
    return this.#id;
  }

  isSensitive(table: string): boolean {
    return this.#sensitive.has(table);
  }

  /** @throws the error of pg */
  async start(): Promise<void> {
    await this.hello();
    await this.mendClock(true);
    await this.reportActions();
    const tables = await declaredTables();
    this.#sensitive = new Set(tables.flatMap(({ name, sensitive }) => (sensitive ? [name] : [])));
    const { pool } = this.#options;
    await pool.query('select swarmplane.report_host_tables($1::jsonb)', [toJson(tables)]);
  }

  /** Before anything is written: the database is of this hub's swarm. @throws HubError another_swarm */
  async enter(): Promise<void> {
    const { pool, asker } = this.#options;
    try {
      const swarm = Buffer.from(asker.swarmId).toString('hex');
      await pool.query('select swarmplane.enter_swarm($1)', [swarm]);
    } catch (error) {
      if (codeOf(error) !== NOT_IN_PREREQUISITE_STATE) throw error;
      const hint = (error as { hint?: string }).hint ?? '';
      throw new HubError('another_swarm', messageOf(error), { cause: error, hint });
    }
  }

  /** What an earlier process of this hub left behind is taken back. @throws the error of pg */
  async hello(): Promise<void> {
    const { pool, asker, log } = this.#options;
    const { rows } = await pool.query<{ id: string }>(
      'select swarmplane.hub_hello($1, $2, $3, $4) as id',
      [asker.nodeId, asker.name, RELEASE, process.pid],
    );
    this.#id = rows[0]!.id;
    log.info({ hub: this.#id }, 'at work on the database');
  }

  /**
   * `active` is false when the hub's own row is gone or ended; `kept` are the leases still held; `serverAt`
   * is the server's clock, Unix milliseconds.
   * @throws the error of pg
   */
  async heartbeat(tokens: readonly string[]): Promise<Beat> {
    const sql = `select active, kept, extract(epoch from clock_timestamp())::float8 * 1000 as "serverAt"
                   from swarmplane.heartbeat($1, $2)`;
    const { rows } = await this.#options.pool.query<{
      active: boolean;
      kept: string[];
      serverAt: number;
    }>(sql, [this.#id, tokens]);
    const { active, kept, serverAt } = rows[0]!;
    return { active, kept: new Set(kept), serverAt };
  }

  /** `jumped`: a clock did, or this hub starts. @throws the error of pg */
  async mendClock(jumped: boolean): Promise<void> {
    await this.#options.pool.query('select swarmplane.mend_clock($1)', [jumped]);
  }

  /** What this hub may command; alerts about actions that none may are opened and resolved. */
  async reportActions(): Promise<void> {
    const { pool, asker } = this.#options;
    const sql = 'select swarmplane.report_actions($1, $2)';
    await pool.query(sql, [this.#id, asker.allowedActions()]);
  }

  /** Never rejects. */
  async stop(): Promise<void> {
    if (this.#id === '') return;
    const { pool, log } = this.#options;
    try {
      await pool.query('select swarmplane.hub_goodbye($1)', [this.#id]);
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'could not say goodbye to the database');
    }
  }
}
