/** The functions of the queue in the database (sql/30-claim.sql to 40-sweep.sql), typed. Nothing here retries. */
import type pg from 'pg';
import { QueueCounters } from './counters.ts';

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

export interface Tended {
  /** Something was done: there may be more to do. */
  readonly did: boolean;
  readonly cancelled: readonly string[];
  /** Milliseconds until something is due, negative when it is overdue; null when nothing waits. */
  readonly dueMs: number | null;
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

  readonly counters = new QueueCounters();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /**
   * At most `most` deliveries of the most urgent request; undefined when nothing is due. Of actions only
   * those that `actions` names. `asksOnly`: only of requests that somebody waits for.
   */
  async claim(
    hubId: string,
    most: number,
    actions: readonly string[] = [],
    asksOnly = false,
  ): Promise<Claim | undefined> {
    const { rows } = await this.#pool.query<ClaimRow>({
      name: 'claim',
      text: 'select * from swarmplane.claim($1, $2, $3, $4)',
      values: [hubId, most, actions, asksOnly],
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
    this.counters.claimed(claim.deliveries);
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

  /** Where logical replication brought the rows: ids go on behind them. */
  async raiseSequences(): Promise<void> {
    await this.#pool.query('select swarmplane.raise_sequences()');
  }

  /** Of outcomes, rows, audit and history: this week's and the next ones. */
  async makePartitions(): Promise<void> {
    await this.#pool.query('select swarmplane.make_partitions()');
  }
}

function workOf({ sql, action, args }: ClaimRow): Work {
  return action === null ? { kind: 'query', sql: sql! } : { kind: 'action', action, args: args! };
}
