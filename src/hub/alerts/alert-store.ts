/** The functions of alerts in the database (sql/10-alert.sql, 12-alert-event.sql), typed. Nothing here retries. */
import type pg from 'pg';

/** An opening or a resolution of an alert, as a webhook is sent it. Times as PostgreSQL writes them. */
export interface AlertEvent {
  /** Grows; the same event sent twice has the same id. */
  readonly id: number;
  readonly event: 'opened' | 'resolved';
  readonly at: string;
  /** 1 for the first try. */
  readonly attempt: number;
  readonly alert: {
    readonly id: number;
    readonly kind: string;
    readonly key: string;
    readonly severity: string;
    readonly message: string;
    readonly detail: unknown;
    readonly count: number;
    readonly first_at: string;
    readonly last_at: string;
    readonly resolved_at: string | null;
  };
}

/** Every method rejects with the error of pg. */
export class AlertStore {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Resolves alerts that went quiet and compares addresses with networks. */
  async lookAfter(): Promise<void> {
    await this.#pool.query('select swarmplane.look_after_alerts()');
  }

  async raise(kind: string, key: string, message: string, times = 1): Promise<void> {
    const sql = 'select swarmplane.raise_alert($1, $2, $3, times => $4)';
    await this.#pool.query(sql, [kind, key, message, times]);
  }

  async resolve(kinds: readonly string[], keys: readonly string[]): Promise<void> {
    await this.#pool.query('select swarmplane.resolve_alerts($1, $2)', [kinds, keys]);
  }

  /** The next event to tell a webhook, put off for others by `leaseMs`; undefined when none is due. */
  async claimEvent(leaseMs: number): Promise<AlertEvent | undefined> {
    const sql = `select swarmplane.claim_alert_event($1 * interval '1 ms') as event`;
    const { rows } = await this.#pool.query<{ event: AlertEvent | null }>(sql, [leaseMs]);
    return rows[0]!.event ?? undefined;
  }

  /** `trouble` undefined: the webhook took it. */
  async endEvent(id: number, trouble: string | undefined): Promise<void> {
    await this.#pool.query('select swarmplane.end_alert_event($1, $2)', [id, trouble]);
  }
}
