/** What belongs to one statement in the query process: reads, plans, snapshots, clock, failure. */
import type { Column, Constraint, HostFacts, HostTable } from '../tables/types.ts';
import type { Collation } from './collation.ts';
import type { Snapshot } from './snapshot.ts';
import { Places } from './steering.ts';
import { howToGoOn, QueryError } from './types.ts';

/** One constraint of a plan: SQLite hands its value to the cursor as argument `arg`. */
export interface PlannedConstraint {
  readonly column: Column;
  readonly op: Constraint['op'];
  /** How SQLite compares texts for it: the column's collation, or that of COLLATE in the query. */
  readonly collation: Collation;
  /** Index into the cursor's arguments; undefined when SQLite keeps the value to itself. */
  readonly arg?: number;
  /** The argument is an IN list, all values at once: in a loop, values that are equal under the
   * column's affinity would give a row twice. */
  readonly list: boolean;
  /** The value, where it is a constant that the collector may take as it stands. */
  readonly constant?: Constraint['value'];
}

/** One answer of xBestIndex; its number in the session is the idxNum. */
export interface Plan {
  readonly table: HostTable;
  readonly constraints: readonly PlannedConstraint[];
}

const WARNINGS_MAX = 50;

export class Session {
  readonly plans: Plan[] = [];
  /** Tables the statement names, by name or alias, as the authorizer saw them: not all of them. */
  readonly named = new Set<string>();
  /** Columns of each table that the program reads; collectors skip costly others. */
  readonly used = new Map<HostTable, Set<string>>();
  readonly snapshots = new Map<HostTable, Snapshot>();
  readonly places = new Places();
  readonly warnings = new Set<string>();
  /** Tables for which a plan was refused because no required column was constrained. */
  readonly unconstrained = new Set<HostTable>();
  /** Columns for which a plan was refused because it would look elsewhere than the query says. */
  readonly unsteered = new Map<HostTable, Column>();
  /** Columns for which a plan was refused because it asks for more than they have here. */
  readonly unserved = new Map<HostTable, Column>();
  /** The table being read, for errors. */
  reading: string | undefined;
  /** A collector was left at work in the background. */
  abandoned = false;
  /** Why the authorizer said no. */
  denied: QueryError | undefined;
  /** What a collector or callback threw; SQLite itself only says "error". */
  failure: unknown;
  /** Why not all rows were given. */
  outOfTime: string | undefined;
  startedAt = performance.now();
  readonly sql: string;
  readonly facts: HostFacts;
  readonly timeMs: number;
  readonly timeMsMax: number;
  readonly allowSensitive: boolean;
  readonly abort = new AbortController();
  private readonly announced = new Set<string>();
  private readonly announce: (table: string) => void;
  private readonly onLoading: (isLoading: boolean) => void;
  private loadingSince: number | undefined;

  constructor(options: {
    sql: string;
    facts: HostFacts;
    timeMs: number;
    timeMsMax: number;
    allowSensitive: boolean;
    announce: (table: string) => void;
    loading: (isLoading: boolean) => void;
  }) {
    this.sql = options.sql;
    this.facts = options.facts;
    this.timeMs = options.timeMs;
    this.timeMsMax = options.timeMsMax;
    this.allowSensitive = options.allowSensitive;
    this.announce = options.announce;
    this.onLoading = options.loading;
  }

  get remainingMs(): number {
    return this.startedAt + this.timeMs - (this.loadingSince ?? performance.now());
  }

  /** The clock stands while a collector loads a library: a cold start is not the query's fault. */
  async load<T>(body: () => Promise<T>): Promise<T> {
    if (this.loadingSince !== undefined) return body();
    this.loadingSince = performance.now();
    this.onLoading(true);
    try {
      return await body();
    } finally {
      this.startedAt += performance.now() - this.loadingSince;
      this.loadingSince = undefined;
      this.onLoading(false);
    }
  }

  get timeIsOver(): boolean {
    if (this.remainingMs > 0) return false;
    this.abort.abort();
    return true;
  }

  /** @throws QueryError time_limit */
  checkTime(): void {
    if (this.timeIsOver) throw timeLimit(this);
  }

  noteUse(table: HostTable, column: string): void {
    const columns = this.used.get(table);
    if (columns === undefined) this.used.set(table, new Set([column]));
    else columns.add(column);
  }

  columnsOf(table: HostTable): ReadonlySet<string> {
    return this.used.get(table) ?? new Set();
  }

  /** Tells the agent which table is about to be read, once each. */
  beginReading(table: HostTable): void {
    this.reading = table.name;
    if (this.announced.has(table.name)) return;
    this.announced.add(table.name);
    this.announce(table.name);
  }

  warn(message: string): void {
    if (this.warnings.size < WARNINGS_MAX) this.warnings.add(message);
  }
}

export function timeLimit(
  given: Pick<Session, 'timeMs' | 'timeMsMax'>,
  reading?: string,
): QueryError {
  const where = reading === undefined ? '' : ` while reading table "${reading}"`;
  return new QueryError(
    'time_limit',
    `the limit of ${given.timeMs} ms was over${where}; ${howToGoOn(given)}`,
  );
}
