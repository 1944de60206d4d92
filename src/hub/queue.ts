/** The functions of the queue in the database (sql/30-claim.sql and on), typed. Nothing here retries. */
import type pg from 'pg';

/** One request's due deliveries under one lease. */
export interface Claim {
  /** The lease and the fence: only its holder can write outcomes. */
  readonly token: string;
  readonly requestId: number;
  readonly sql: string;
  /** Session user who inserted the request. */
  readonly askedBy: string;
  /** False: a host that is away ends as unreachable at once. */
  readonly waitForAway: boolean;
  /** The request names every host. */
  readonly wholeSwarm: boolean;
  /** Milliseconds until the request expires, when it was claimed. */
  readonly remainingMs: number;
  readonly deliveries: readonly ClaimedDelivery[];
}

export interface ClaimedDelivery {
  readonly id: string;
  /** Node id in the swarm, 64 hex digits. */
  readonly nodeId: string;
  /** 1 for the first try. */
  readonly attempt: number;
}

export interface HubIdentity {
  readonly identity: string;
  readonly name: string;
  readonly version: string;
}

/** A schedule whose cron line has to be read now. */
export interface DueCron {
  readonly id: number;
  readonly cron: string;
  readonly zone: string;
  /** As PostgreSQL writes it; null when it was never computed. */
  readonly nextAt: string | null;
  /** Most ticks to make up for. */
  readonly catchUp: number;
}

interface ClaimRow {
  token: string;
  request_id: number;
  sql: string;
  asked_by: string;
  wait_for_away: boolean;
  whole_swarm: boolean;
  remaining_ms: number;
  deliveries: [string, string, number][];
}

/** Every method rejects with the error of pg. */
export class Queue {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** The id of this process in swarmplane.hub; what an earlier process left behind is taken back. */
  async hello(hub: HubIdentity): Promise<string> {
    const sql = 'select swarmplane.hub_hello($1, $2, $3, $4) as id';
    return (
      await this.#one<{ id: string }>(sql, [hub.identity, hub.name, hub.version, process.pid])
    ).id;
  }

  async goodbye(hubId: string): Promise<void> {
    await this.#pool.query('select swarmplane.hub_goodbye($1)', [hubId]);
  }

  /** At most `most` deliveries of the most urgent request; undefined when nothing is due. */
  async claim(hubId: string, most: number): Promise<Claim | undefined> {
    const { rows } = await this.#pool.query<ClaimRow>({
      name: 'claim',
      text: 'select * from swarmplane.claim($1, $2)',
      values: [hubId, most],
    });
    const row = rows[0];
    if (row === undefined) return undefined;
    return {
      token: row.token,
      requestId: row.request_id,
      sql: row.sql,
      askedBy: row.asked_by,
      waitForAway: row.wait_for_away,
      wholeSwarm: row.whole_swarm,
      remainingMs: row.remaining_ms,
      deliveries: row.deliveries.map(([id, nodeId, attempt]) => ({ id, nodeId, attempt })),
    };
  }

  /** Ids of the deliveries whose outcome was taken; the others belong to a newer claim. */
  async complete(token: string, outcomes: string): Promise<Set<string>> {
    const { rows } = await this.#pool.query<{ delivery: string }>({
      name: 'complete',
      text: 'select delivery from swarmplane.complete($1, $2::jsonb)',
      values: [token, outcomes],
    });
    return new Set(rows.map((row) => row.delivery));
  }

  /** `active` is false when the hub's own row is gone or ended; `kept` are the leases still held. */
  async heartbeat(
    hubId: string,
    tokens: readonly string[],
  ): Promise<{ active: boolean; kept: Set<string> }> {
    const sql = 'select active, kept from swarmplane.heartbeat($1, $2)';
    const row = await this.#one<{ active: boolean; kept: string[] }>(sql, [hubId, tokens]);
    return { active: row.active, kept: new Set(row.kept) };
  }

  /** Unfinished deliveries go back to the queue, no attempt burnt. */
  async giveBack(token: string): Promise<void> {
    await this.#pool.query('select swarmplane.give_back($1)', [token]);
  }

  /** Tokens among these whose request somebody cancelled. */
  async cancelled(tokens: readonly string[]): Promise<string[]> {
    const sql = 'select t as token from swarmplane.cancelled_leases($1) t';
    const { rows } = await this.#pool.query<{ token: string }>(sql, [tokens]);
    return rows.map((row) => row.token);
  }

  /** Does one thing that is due (a lease that ran out, a request past its time); false when none was. */
  async sweep(reap: boolean): Promise<boolean> {
    const sql = 'select swarmplane.sweep($1) as did';
    return (await this.#one<{ did: string | null }>(sql, [reap])).did !== null;
  }

  /** Milliseconds until something is due, negative when it is overdue; undefined when nothing waits. */
  async nextDueMs(): Promise<number | undefined> {
    const { due } = await this.#one<{ due: number | null }>('select swarmplane.next_due() as due');
    return due ?? undefined;
  }

  /** Ticks of interval schedules that are due are turned into requests; true when there were any. */
  async tickIntervals(): Promise<boolean> {
    return (
      (await this.#one<{ made: number }>('select swarmplane.tick_intervals() as made')).made > 0
    );
  }

  async dueCrons(): Promise<DueCron[]> {
    const { rows } = await this.#pool.query<DueCron>(
      `select id, cron, zone, next_at as "nextAt", catch_up as "catchUp" from swarmplane.due_crons()`,
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

  async makePartitions(): Promise<void> {
    await this.#pool.query('select swarmplane.make_partitions()');
  }

  /** Resolves alerts that went quiet and compares addresses with networks. */
  async lookAfterAlerts(): Promise<void> {
    await this.#pool.query('select swarmplane.look_after_alerts()');
  }

  async raiseAlert(kind: string, key: string, message: string, times = 1): Promise<void> {
    const sql = 'select swarmplane.raise_alert($1, $2, $3, times => $4)';
    await this.#pool.query(sql, [kind, key, message, times]);
  }

  async resolveAlert(kind: string, key: string): Promise<void> {
    await this.#pool.query('select swarmplane.resolve_alerts(array[$1], array[$2])', [kind, key]);
  }

  /** `members` is a JSON array, see sql/45-node.sql. */
  async reportNodes(members: string): Promise<void> {
    await this.#pool.query('select swarmplane.report_nodes($1::jsonb)', [members]);
  }

  /** `entries` is a JSON array, see sql/46-node-key.sql. */
  async reportKeys(entries: string): Promise<void> {
    await this.#pool.query('select swarmplane.report_keys($1::jsonb)', [entries]);
  }

  async reportHostTables(tables: string): Promise<void> {
    await this.#pool.query('select swarmplane.report_host_tables($1::jsonb)', [tables]);
  }

  async #one<T extends pg.QueryResultRow>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<T> {
    const { rows } = await this.#pool.query<T>(sql, [...values]);
    return rows[0]!;
  }
}
