/** Cursors over host tables: a snapshot's rows by index, a lookup table's rows as they come. */
import type { Constraint, LookupTable, Value } from '../tables/types.ts';
import type { Plan, Session } from './session.ts';
import { rowValues, type Snapshot } from './snapshot.ts';
import { QueryError } from './types.ts';
import { looseKey, withAffinity } from './values.ts';

/** The rows one xFilter gives. */
export interface Scan {
  /** The current row, or undefined after the last. */
  readonly row: readonly Value[] | undefined;
  next(): void;
  /** The same number for the same row in whatever scan of the statement: SQLite's OR needs it. */
  rowid(): number;
  /** Lets go of what the source holds open; the rows are not read to their end under LIMIT. */
  close(): void;
}

export class SnapshotScan implements Scan {
  private at = 0;
  private readonly snapshot: Snapshot;
  private readonly numbers: readonly number[];

  constructor(snapshot: Snapshot, plan: Plan, args: readonly Value[]) {
    this.snapshot = snapshot;
    const equal = plan.constraints.find(({ arg }) => arg !== undefined);
    this.numbers =
      equal === undefined ? snapshot.all() : matching(snapshot, equal.column, args[equal.arg!]);
  }

  get row(): readonly Value[] | undefined {
    const number = this.numbers[this.at];
    return number === undefined ? undefined : this.snapshot.rows[number];
  }

  next(): void {
    this.at++;
  }

  rowid(): number {
    return this.numbers[this.at] ?? -1;
  }

  close(): void {}
}

function matching(
  snapshot: Snapshot,
  column: Plan['constraints'][number]['column'],
  value: Value | undefined,
): readonly number[] {
  return value === undefined || value === null ? [] : snapshot.matching(column, value);
}

/** Rows remembered per combination of constrained values, so that a join asks once for each. */
const REMEMBERED_ROWS_MAX = 1_000;
const REMEMBERED_SCANS_MAX = 5_000;

type Rows = readonly (readonly Value[])[];

/** What a statement has learned from one lookup table. */
export class LookupMemory {
  readonly scans = new Map<string, Rows>();
  private readonly numbers = new Map<string, number>();

  remember(key: string, rows: Rows): void {
    if (this.scans.size >= REMEMBERED_SCANS_MAX) this.scans.clear();
    this.scans.set(key, rows);
  }

  /** Rows that agree in every value and in their order among equals are one row. */
  rowid(identity: string): number {
    let number = this.numbers.get(identity);
    if (number === undefined) this.numbers.set(identity, (number = this.numbers.size + 1));
    return number;
  }
}

export class LookupScan implements Scan {
  row: readonly Value[] | undefined;
  private readonly source: Iterator<readonly Value[]>;
  private readonly memory: LookupMemory;
  private readonly key: string;
  private readonly session: Session;
  private taken: (readonly Value[])[] | undefined = [];
  private readonly equals = new Map<string, number>();
  private current = -1;

  constructor(
    session: Session,
    memory: LookupMemory,
    table: LookupTable,
    root: string,
    constraints: readonly Constraint[],
  ) {
    this.session = session;
    this.memory = memory;
    this.key = constraints
      .map(({ column, op, value }) => JSON.stringify([column, op, typeof value, memoKey(value)]))
      .join();
    const known = memory.scans.get(this.key);
    if (known !== undefined) this.taken = undefined;
    this.source = known?.values() ?? lookUp(session, table, root, constraints);
    this.next();
  }

  next(): void {
    this.session.checkTime();
    this.current = -1;
    const { value, done } = this.source.next();
    if (done === true) {
      this.row = undefined;
      if (this.taken !== undefined) this.memory.remember(this.key, this.taken);
      this.taken = undefined;
      return;
    }
    this.row = value;
    this.taken?.push(value);
    if ((this.taken?.length ?? 0) > REMEMBERED_ROWS_MAX) this.taken = undefined;
  }

  rowid(): number {
    if (this.current >= 0 || this.row === undefined) return this.current;
    const values = JSON.stringify(this.row.map(memoKey));
    const nth = this.equals.get(values) ?? 0;
    this.equals.set(values, nth + 1);
    return (this.current = this.memory.rowid(`${nth} ${values}`));
  }

  close(): void {
    this.source.return?.();
  }
}

function* lookUp(
  session: Session,
  table: LookupTable,
  root: string,
  constraints: readonly Constraint[],
): Generator<readonly Value[]> {
  session.beginReading(table);
  const rows = table.lookup({
    facts: session.facts,
    root,
    signal: session.abort.signal,
    columns: session.columnsOf(table),
    constraints,
    warn: (message) => session.warn(`${table.name}: ${message}`),
  });
  for (const row of rows) yield rowValues(table, row);
}

/**
 * The cursor's arguments as constraints on the columns' own types. Undefined when no row can
 * match, as with NULL or with text that is no number for a column of numbers.
 */
export function constraintsOf(plan: Plan, args: readonly Value[]): Constraint[] | undefined {
  const constraints: Constraint[] = [];
  for (const { column, op, arg } of plan.constraints) {
    const given = arg === undefined ? null : (args[arg] ?? null);
    if (given === null) return undefined;
    const value = op === 'like' || op === 'glob' ? String(given) : withAffinity(given, column.type);
    const numeric = column.type !== 'TEXT' && column.type !== 'BLOB';
    if (numeric && op === 'eq' && typeof value === 'string') return undefined;
    // Comparing across types is SQLite's business: the collector is not told.
    if (isOrder(op) && typeof value === 'string' && (numeric || typeof given !== 'string'))
      continue;
    constraints.push({ column: column.name, op, value });
  }
  return constraints;
}

function isOrder(op: Constraint['op']): boolean {
  return op !== 'eq' && op !== 'like' && op !== 'glob';
}

function memoKey(value: Value): string | number | null {
  if (value instanceof Uint8Array) return looseKey(value);
  return typeof value === 'bigint' ? `${value}n` : value;
}

/** The snapshot that was taken before the statement ran. */
export function snapshotOf(session: Session, plan: Plan): Snapshot {
  const snapshot = session.snapshots.get(plan.table);
  if (snapshot === undefined)
    throw new QueryError('failed', `no snapshot of "${plan.table.name}" was taken`);
  return snapshot;
}
