/** Cursors over host tables: a snapshot's rows by index, a lookup table's rows as they come. */
import type { Column, Constraint, LookupTable, Value } from '../tables/types.ts';
import { collationKey } from './collation.ts';
import type { Plan, PlannedConstraint, Session } from './session.ts';
import { rowValues, type Snapshot } from './snapshot.ts';
import { rowidByContent } from './steering.ts';
import { QueryError } from './types.ts';
import { asCompared, looseKey } from './values.ts';

/** What xFilter is given for a constraint: a value, or all values of an IN list. */
export type Argument = Value | readonly Value[];

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
  /** Where rows of other places may be the same rows. */
  private readonly memory: LookupMemory | undefined;
  private readonly equals = new Map<string, number>();
  private current = -1;

  constructor(snapshot: Snapshot, plan: Plan, args: readonly Argument[], memory: LookupMemory) {
    this.snapshot = snapshot;
    this.memory = plan.table.columns.some(({ steers }) => steers) ? memory : undefined;
    const given = plan.constraints.filter(({ arg }) => arg !== undefined);
    // SQLite checks the others; one value finds fewer rows than a list.
    const equal = given.find(({ list }) => !list) ?? given[0];
    this.numbers =
      equal === undefined ? snapshot.all() : matching(snapshot, equal, args[equal.arg!]);
  }

  get row(): readonly Value[] | undefined {
    const number = this.numbers[this.at];
    return number === undefined ? undefined : this.snapshot.rows[number];
  }

  next(): void {
    this.at++;
    this.current = -1;
  }

  rowid(): number {
    if (this.memory === undefined || this.row === undefined) return this.numbers[this.at] ?? -1;
    if (this.current < 0) this.current = rowidByContent(this.memory, this.equals, this.row);
    return this.current;
  }

  close(): void {}
}

function matching(
  snapshot: Snapshot,
  { column, collation }: PlannedConstraint,
  argument: Argument | undefined,
): readonly number[] {
  if (!Array.isArray(argument))
    return argument === undefined || argument === null
      ? []
      : snapshot.matching(column, collation, argument as Value);
  const numbers = new Set<number>();
  for (const value of argument as readonly Value[])
    if (value !== null)
      for (const number of snapshot.matching(column, collation, value)) numbers.add(number);
  return [...numbers];
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
  private readonly session: Session;
  private readonly memory: LookupMemory;
  private readonly source: Iterator<readonly Value[]>;
  private readonly equals = new Map<string, number>();
  private current = -1;

  constructor(
    session: Session,
    memory: LookupMemory,
    plan: Plan,
    root: string,
    args: readonly Argument[],
  ) {
    this.session = session;
    this.memory = memory;
    this.source = lookUpAll(session, memory, plan, root, args);
    this.next();
  }

  next(): void {
    this.session.checkTime();
    this.current = -1;
    const { value, done } = this.source.next();
    this.row = done === true ? undefined : value;
  }

  rowid(): number {
    if (this.current >= 0 || this.row === undefined) return this.current;
    return (this.current = rowidByContent(this.memory, this.equals, this.row));
  }

  close(): void {
    this.source.return?.();
  }
}

/** Rows for one combination: from memory, or from the collector and then into memory. */
function* remembered(
  session: Session,
  memory: LookupMemory,
  table: LookupTable,
  root: string,
  constraints: readonly Constraint[],
): Generator<readonly Value[]> {
  const key = constraints
    .map(({ column, op, value }) => JSON.stringify([column, op, typeof value, memoKey(value)]))
    .join();
  const known = memory.scans.get(key);
  if (known !== undefined) return yield* known;
  const taken: (readonly Value[])[] = [];
  for (const row of lookUp(session, table, root, constraints)) {
    if (taken.length <= REMEMBERED_ROWS_MAX) taken.push(row);
    yield row;
  }
  if (taken.length <= REMEMBERED_ROWS_MAX) memory.remember(key, taken);
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
    load: (body) => session.load(body),
    warn: (message) => session.warn(`${table.name}: ${message}`),
  });
  for (const row of rows) yield rowValues(table, row);
}

/** One value for one constraint of a plan, as the column would hold it. */
interface Given {
  readonly planned: PlannedConstraint;
  readonly value: Value;
  /** The collector is told of it; what it is not told SQLite checks. */
  readonly told: boolean;
}

/**
 * The cursor's arguments on the columns' own types, one list for each combination of values of IN
 * lists. None when no row can match, as with NULL or with text that is no number for a column of
 * numbers.
 */
function* combinations(plan: Plan, args: readonly Argument[], at = 0): Generator<readonly Given[]> {
  const planned = plan.constraints[at];
  if (planned === undefined) return yield [];
  const { column, op, arg } = planned;
  const given = arg === undefined ? undefined : (args[arg] ?? null);
  if (given === undefined || (planned.list && mixesTypes(column, given as readonly Value[])))
    return yield* combinations(plan, args, at + 1);
  const values = planned.list ? distinct(planned, given as readonly Value[]) : [given as Value];
  for (const one of values) {
    if (one === null) continue;
    const value = op === 'like' || op === 'glob' ? String(one) : asCompared(one, column.type);
    const numeric = column.type !== 'TEXT' && column.type !== 'BLOB';
    if (numeric && op === 'eq' && typeof value === 'string') continue;
    const told = planned.list || isPlain(planned, one, value);
    for (const rest of combinations(plan, args, at + 1)) yield [{ planned, value, told }, ...rest];
  }
}

/** A list with numbers for a column of texts: SQLite may compare by number, where "01" is 1. */
function mixesTypes(column: Column, list: readonly Value[]): boolean {
  if (column.type !== 'TEXT' || column.required) return false;
  return list.some((value) => value !== null && typeof value !== 'string');
}

/** Each value once, as the constraint compares. */
function distinct(planned: PlannedConstraint, values: readonly Value[]): readonly Value[] {
  return [...new Map(values.map((value) => [comparable(planned, value), value] as const)).values()];
}

function comparable({ column, collation }: PlannedConstraint, value: Value): string | number {
  const stored = asCompared(value, column.type);
  return typeof stored === 'string' ? `t${collationKey(collation, stored)}` : looseKey(stored);
}

/** Each constraint once: a collector may give a row for each that it is told. */
function toldOf(combination: readonly Given[]): readonly Constraint[] {
  const told: Constraint[] = [];
  for (const { planned, value, told: isTold } of combination) {
    const { name: column } = planned.column;
    const known = told.some(
      (it) => it.column === column && it.op === planned.op && it.value === value,
    );
    if (isTold && !known) told.push({ column, op: planned.op, value });
  }
  return told;
}

/** One combination after the other; a row is kept only if it has the values of its combination. */
function* lookUpAll(
  session: Session,
  memory: LookupMemory,
  plan: Plan,
  root: string,
  args: readonly Argument[],
): Generator<readonly Value[]> {
  const table = plan.table as LookupTable;
  for (const combination of combinations(plan, args)) {
    const wanted = combination
      .filter(({ planned }) => planned.list)
      .map(({ planned, value }) => ({
        planned,
        at: table.columns.indexOf(planned.column),
        key: comparable(planned, value),
      }));
    const constraints = toldOf(combination);
    for (const row of remembered(session, memory, table, root, constraints))
      if (wanted.every(({ planned, at, key }) => comparable(planned, row[at] ?? null) === key))
        yield row;
  }
}

/**
 * Comparing across types is SQLite's business, and by number where the other side is one: then the
 * collector is told only what it cannot do without.
 */
function isPlain({ column, op }: PlannedConstraint, given: Value, value: Value): boolean {
  if (op === 'like' || op === 'glob') return true;
  if (column.type === 'TEXT')
    return typeof given === 'string' || (op === 'eq' && !!column.required);
  return typeof value !== 'string';
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
