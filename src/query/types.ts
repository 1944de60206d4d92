/** The contract between the agent and the confined query process. */
import { CodedError } from '../base/index.ts';
import type { HostFacts, Shape, ShapeColumn, Value } from '../tables/types.ts';
import type { VersionOrder } from '../tables/version-order.ts';

/** Limits on one query at one host (docs/query-language.md), all from configuration. */
export interface QueryLimits {
  readonly sqlBytesMax: number;
  /** From when a process is ready for the query; waiting is not part of it. */
  readonly timeMs: number;
  /** How long a query may run that asks for more than timeMs; no more than that without it. */
  readonly timeMsMax?: number;
  /** How long a query waits for its turn and for a process that is ready. */
  readonly waitMs: number;
  /** How long a query process may take to start, and a collector to load its library. */
  readonly startMs: number;
  readonly heapBytes: number;
  readonly rowsMax: number;
  readonly answerBytesMax: number;
  /** Of one asker at once. */
  readonly runningMax: number;
  /** Of one asker. */
  readonly queuedMax: number;
  /** The query process is let go after this long without a query. */
  readonly idleMs: number;
}

export const DEFAULT_QUERY_LIMITS: QueryLimits = {
  sqlBytesMax: 64 * 1024,
  timeMs: 5_000,
  waitMs: 30_000,
  startMs: 60_000,
  heapBytes: 64 * 1024 * 1024,
  rowsMax: 10_000,
  answerBytesMax: 4 * 1024 * 1024,
  runningMax: 2,
  queuedMax: 32,
  idleMs: 60_000,
};

/** What preparing tells, without running. */
export interface PreparedInfo {
  readonly columns: readonly string[];
  /** Host tables the statement reads, by name or through USING and NATURAL. */
  readonly tables: readonly string[];
  /** Those of them that are sensitive. */
  readonly sensitive: readonly string[];
}

/** What the rows of a statement are, without running it. */
export interface Description {
  readonly columns: readonly ShapeColumn[];
  readonly tables: readonly string[];
  readonly sensitive: readonly string[];
}

/** One use of a host table in a statement, as SQLite planned it. */
export interface TableUse {
  readonly table: string;
  readonly kind: 'snapshot' | 'lookup';
  /** Columns the statement reads; collectors skip costly others. */
  readonly columns: readonly string[];
  /**
   * What is pushed down to the table, as SQL: `name = 'bash'` for a constant, `path = ?` where a
   * join, an IN list or a subquery gives the value.
   */
  readonly constraints: readonly string[];
}

/** How the versions of a result column compare: `mixed` where they are of several orders, as by UNION. */
export type AnswerOrder = VersionOrder | 'mixed';

/** What a host will do for a statement, without doing it. */
export interface Explanation {
  readonly columns: readonly string[];
  /** In the order in which the program uses them. */
  readonly tables: readonly TableUse[];
  readonly sensitive: readonly string[];
  /** Lines of SQLite's EXPLAIN QUERY PLAN. */
  readonly plan: readonly string[];
  /** Result columns whose values are versions of a host table as they are, and the order of each. */
  readonly versions: Readonly<Record<string, AnswerOrder>>;
}

export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
  /** Rows were left out because of rowsMax or answerBytesMax. */
  readonly truncated: boolean;
  /** What collectors warned of. */
  readonly warnings: readonly string[];
  readonly tookMs: number;
}

/** One row of a whole table: its hashes, 32 bytes each, and its canonical encoding. */
export interface TakenRow {
  readonly key: Uint8Array;
  readonly row: Uint8Array;
  readonly bytes: Uint8Array;
}

/** A whole table, for history (docs/protocol.md section 11). */
export interface TakenTable {
  readonly shape: Shape;
  /** No two of them are equal. */
  readonly rows: readonly TakenRow[];
  /** Document hash. */
  readonly hash: Uint8Array;
  readonly truncated: boolean;
}

/** A query that did not give rows. `refused` ones were never run. */
export class QueryError extends CodedError<QueryErrorCode> {
  /** True when the host would not run it, as against it having failed. */
  get refused(): boolean {
    return this.code === 'busy' || this.code === 'not_authorized' || this.code === 'sql_too_long';
  }
}

export function cancelled(): QueryError {
  return new QueryError('cancelled', 'the query was cancelled');
}

/** What somebody can do whose query took too long: it had timeMs, and may have timeMsMax. */
export function howToGoOn(time: { readonly timeMs: number; readonly timeMsMax: number }): string {
  return time.timeMs < time.timeMsMax
    ? `narrow the query, or ask with a longer --timeout: this host gives up to ${time.timeMsMax} ms`
    : 'narrow the query, or give it more time by limits.time_ms_max in config.yaml of the host ' +
        'and a --timeout as long';
}

export function memoryLimit(): QueryError {
  return new QueryError(
    'memory_limit',
    'the query needs more memory than a host gives; select fewer columns or rows',
  );
}

export type QueryErrorCode =
  | 'syntax'
  | 'no_such_table'
  | 'no_such_column'
  | 'not_authorized'
  | 'sql_too_long'
  | 'busy'
  | 'time_limit'
  | 'memory_limit'
  | 'constraint_required'
  | 'not_served'
  | 'table_unavailable'
  | 'table_absent'
  | 'load_only'
  | 'failed'
  | 'cancelled';

export interface WaitOptions {
  /** How long it waits for its turn and a process that is ready; at most the limit. */
  readonly waitMs?: number;
  /** Milliseconds that the asker's queries may hold a process each minute; not counted without it. */
  readonly msPerMinute?: number | undefined;
  /** How long it may run then; at most timeMsMax. */
  readonly timeMs?: number;
  readonly signal?: AbortSignal;
}

export interface RunOptions extends WaitOptions {
  /** Whose turn it takes, e.g. a node id: askers are served one after the other. */
  readonly asker?: string;
  readonly allowSensitive?: boolean;
}

/** Runs SQL over this host's tables in child processes. `busy`: nothing was run. */
export interface QueryRunner {
  /** Without an asker it is this host's own, which has a place kept for it. @throws QueryError */
  prepare(sql: string, options?: WaitOptions & Pick<RunOptions, 'asker'>): Promise<PreparedInfo>;
  /** Which tables and constraints this host would use; always its own. @throws QueryError */
  explain(sql: string, options?: WaitOptions): Promise<Explanation>;
  /** Columns with types, and the tables that are read; always its own. @throws QueryError */
  describe(sql: string, options?: WaitOptions): Promise<Description>;
  /** Sensitive tables are refused unless `allowSensitive`. @throws QueryError */
  run(sql: string, options?: RunOptions): Promise<QueryResult>;
  /**
   * Takes a table whole, or with a shape the rows of the query that it names, under the limits of a query;
   * always this host's own.
   * @throws QueryError; `no_such_column` where the query gives other columns than the shape has
   */
  take(wanted: string | Required<Shape>, options?: Omit<RunOptions, 'asker'>): Promise<TakenTable>;
  /** Ends the processes. */
  stop(): Promise<void>;
}

export interface QueryRunnerOptions {
  readonly limits?: Partial<QueryLimits>;
  /** Asked for each query. */
  readonly facts: (sql: string) => HostFacts;
  /** Tables this host does not serve at all. */
  readonly denyTables?: readonly string[];
  /** Root of the file system the tables read: '/' but in tests. */
  readonly root?: string;
  /** URL of a module that exports `allTables`, in place of this host's; only tests give one. */
  readonly registry?: string;
}
