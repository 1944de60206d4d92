/** The functions of schedules in the database (sql/55-schedule.sql), typed. Nothing here retries. */
import type pg from 'pg';

/** A schedule whose cron line has to be read now. */
export interface DueCron {
  readonly id: number;
  readonly cron: string;
  readonly zone: string;
  /** As PostgreSQL writes it; null when it was never computed. */
  readonly nextAt: string | null;
  /** Most ticks to make up for. */
  readonly catchUp: number;
  /** The server's clock: this host's may be another. */
  readonly now: Date;
}

/** Every method rejects with the error of pg. */
export class Schedules {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Ticks of interval schedules that are due are turned into requests; true when there were any. */
  async tickIntervals(): Promise<boolean> {
    return (
      (await this.#one<{ made: number }>('select swarmplane.tick_intervals() as made')).made > 0
    );
  }

  async dueCrons(): Promise<DueCron[]> {
    const { rows } = await this.#pool.query<DueCron>(
      `select id, cron, zone, next_at as "nextAt", catch_up as "catchUp", clock_timestamp() as now from swarmplane.due_crons()`,
    );
    return rows;
  }

  /** One request per tick, unless another hub was first. `following` undefined: there is no next tick. */
  async tick(
    due: DueCron,
    ticks: readonly Date[],
    following: Date | undefined,
    trouble?: string,
  ): Promise<void> {
    await this.#pool.query('select swarmplane.tick($1, $2, $3, $4, $5)', [
      due.id,
      due.nextAt,
      ticks.map((tick) => tick.toISOString()),
      following?.toISOString() ?? 'infinity',
      trouble,
    ]);
  }

  /** Milliseconds until the next tick of any schedule; undefined when there is none to come. */
  async nextTickMs(): Promise<number | undefined> {
    const { due } = await this.#one<{ due: number | null }>('select swarmplane.next_tick() as due');
    return due ?? undefined;
  }

  async #one<T extends pg.QueryResultRow>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<T> {
    const { rows } = await this.#pool.query<T>(sql, [...values]);
    return rows[0]!;
  }
}
