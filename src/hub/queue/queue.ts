/** The functions of the queue in the database (sql/30-claim.sql and on), typed. Nothing here retries. */
import type pg from 'pg';
import { HubCounters } from '../figures.ts';

/** One request's due deliveries under one lease. */
export interface Claim {
  /** The lease and the fence: only its holder can write outcomes. */
  readonly token: string;
  readonly requestId: number;
  readonly work: Work;
  /** Session user who inserted the request. */
  readonly askedBy: string;
  /** False: a host that is away ends as unreachable at once. */
  readonly waitForAway: boolean;
  /** The request names every host. */
  readonly wholeSwarm: boolean;
  /** Milliseconds until the request expires, when it was claimed. */
  readonly remainingMs: number;
  readonly deliveries: readonly ClaimedDelivery[];
  /** Something else may be due. */
  readonly more: boolean;
  /** The asker may have rows of sensitive tables. */
  readonly sensitive: boolean;
}

/** What hosts are asked. */
export type Work =
  | { readonly kind: 'query'; readonly sql: string }
  | {
      readonly kind: 'action';
      readonly action: string;
      readonly args: Readonly<Record<string, string>>;
    };

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

export interface Tended {
  /** Something was done: there may be more to do. */
  readonly did: boolean;
  readonly cancelled: readonly string[];
  /** Milliseconds until something is due, negative when it is overdue; null when nothing waits. */
  readonly dueMs: number | null;
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

/** What sql/62-fact.sql counts: by state, in whole numbers, ages in seconds. */
export interface QueueFacts {
  readonly deliveries: Readonly<Record<string, number>>;
  readonly oldest_due_seconds: number;
  readonly open_requests: number;
  readonly leases: number;
  readonly hosts: Readonly<Record<string, number>>;
  readonly alerts: Readonly<Record<string, number>>;
  /** How long the oldest opening or resolution waits to be told to a webhook. */
  readonly untold_seconds: number;
  /** Names of the hubs that are at work. */
  readonly hubs: readonly string[];
}

interface ClaimRow {
  token: string;
  request_id: number;
  sql: string | null;
  action: string | null;
  args: Record<string, string> | null;
  asked_by: string;
  wait_for_away: boolean;
  whole_swarm: boolean;
  remaining_ms: number;
  deliveries: [string, string, number][];
  more: boolean;
  sensitive: boolean;
}

/** Every method rejects with the error of pg. */
export class Queue {
  readonly #pool: pg.Pool;

  /** What went through here, for metrics. */
  readonly counters = new HubCounters();

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

  /**
   * At most `most` deliveries of the most urgent request; undefined when nothing is due. Of actions only
   * those that `actions` names.
   */
  async claim(
    hubId: string,
    most: number,
    actions: readonly string[] = [],
  ): Promise<Claim | undefined> {
    const { rows } = await this.#pool.query<ClaimRow>({
      name: 'claim',
      text: 'select * from swarmplane.claim($1, $2, $3)',
      values: [hubId, most, actions],
    });
    const row = rows[0];
    if (row === undefined) return undefined;
    const claim = {
      token: row.token,
      requestId: row.request_id,
      work: workOf(row),
      askedBy: row.asked_by,
      waitForAway: row.wait_for_away,
      wholeSwarm: row.whole_swarm,
      remainingMs: row.remaining_ms,
      deliveries: row.deliveries.map(([id, nodeId, attempt]) => ({ id, nodeId, attempt })),
      more: row.more,
      sensitive: row.sensitive,
    };
    this.counters.claimed(claim);
    return claim;
  }

  /** Ids of the deliveries whose outcome was taken; the others belong to a newer claim. */
  async complete(token: string, outcomes: string): Promise<Set<string>> {
    const { rows } = await this.#pool.query<{ delivery: string; became: string }>({
      name: 'complete',
      text: 'select delivery, became from swarmplane.complete($1, $2::jsonb)',
      values: [token, outcomes],
    });
    for (const { became } of rows) this.counters.became(became);
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

  /**
   * Looks after what is due, in one round trip: does one thing (a lease that ran out, a request past
   * its time), and tells which of these tokens somebody cancelled and when more is due, of actions
   * only of those that `actions` names.
   */
  async tend(
    tokens: readonly string[],
    reap: boolean,
    actions: readonly string[] = [],
  ): Promise<Tended> {
    const { rows } = await this.#pool.query<Tended>({
      name: 'tend',
      text: `select swarmplane.sweep($1) is not null as did,
                    array(select swarmplane.cancelled_leases($2)) as cancelled,
                    swarmplane.next_due($3) as "dueMs"`,
      values: [reap, tokens, actions],
    });
    return rows[0]!;
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

  async resolveAlerts(kinds: readonly string[], keys: readonly string[]): Promise<void> {
    await this.#pool.query('select swarmplane.resolve_alerts($1, $2)', [kinds, keys]);
  }

  /** The next event to tell a webhook, put off for others by `leaseMs`; undefined when none is due. */
  async claimAlertEvent(leaseMs: number): Promise<AlertEvent | undefined> {
    const sql = `select swarmplane.claim_alert_event($1 * interval '1 ms') as event`;
    return (await this.#one<{ event: AlertEvent | null }>(sql, [leaseMs])).event ?? undefined;
  }

  /** `trouble` undefined: the webhook took it. */
  async endAlertEvent(id: number, trouble: string | undefined): Promise<void> {
    await this.#pool.query('select swarmplane.end_alert_event($1, $2)', [id, trouble]);
  }

  async facts(): Promise<QueueFacts> {
    return (await this.#one<{ facts: QueueFacts }>('select swarmplane.queue_facts() as facts'))
      .facts;
  }

  /** What this hub may command; alerts about actions that none may are opened and resolved. */
  async reportActions(hubId: string, actions: readonly string[]): Promise<void> {
    await this.#pool.query('select swarmplane.report_actions($1, $2)', [hubId, actions]);
  }

  /** `members` is a JSON array, see sql/45-node.sql. */
  async reportNodes(members: string): Promise<void> {
    await this.#pool.query('select swarmplane.report_nodes($1::jsonb)', [members]);
  }

  /** Whom people forgot or retired; `incarnation` null: whatever it has said of itself since. */
  async departed(): Promise<{ identity: string; incarnation: number | null }[]> {
    const sql = 'select identity, incarnation from swarmplane.departed()';
    return (await this.#pool.query<{ identity: string; incarnation: number | null }>(sql)).rows;
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

function workOf({ sql, action, args }: ClaimRow): Work {
  return action === null ? { kind: 'query', sql: sql! } : { kind: 'action', action, args: args! };
}
