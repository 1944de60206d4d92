/**
 * xBestIndex: which of a statement's constraints a table uses, and what that would cost.
 * https://sqlite.org/vtab.html section 2.3
 */
import type { Column, ConstraintOp, HostTable, Value } from '../tables/types.ts';
import { collationNamed, type Collation } from './collation.ts';
import type { Plan, PlannedConstraint, Session } from './session.ts';
import type { Pointer, Sqlite } from './sqlite.ts';
import { asCompared, readValue } from './values.ts';

const SQLITE_OK = 0;
const SQLITE_CONSTRAINT = 19;

/** SQLITE_INDEX_CONSTRAINT_* that are pushed down; IN arrives as repeated EQ. */
const OPS: ReadonlyMap<number, ConstraintOp> = new Map([
  [2, 'eq'],
  [4, 'gt'],
  [8, 'le'],
  [16, 'lt'],
  [32, 'ge'],
  [65, 'like'],
  [66, 'glob'],
  [68, 'ne'],
]);

/** Offsets into sqlite3_index_info and its arrays, from sqlite3.h with 32-bit addresses. */
const INFO = {
  nConstraint: 0,
  aConstraint: 4,
  aConstraintUsage: 16,
  idxNum: 20,
  idxStr: 24,
  needToFreeIdxStr: 28,
  estimatedCost: 40,
  estimatedRows: 48,
};
const CONSTRAINT = { size: 12, iColumn: 0, op: 4, usable: 5 };
const USAGE = { size: 8, argvIndex: 0 };

/** IS NOT NULL, IS NULL. */
const IS_NOT_NULL = 70;
const IS_NULL = 71;
/** LIMIT and OFFSET. */
const LIMITS = new Set([73, 74]);

/** Chooses the plan, writes it into the sqlite3_index_info and into the session. */
export function bestIndex(
  sqlite: Sqlite,
  session: Session,
  table: HostTable,
  info: Pointer,
): number {
  const given = givenConstraints(sqlite, table, info);
  const unserved = given.find((one) => asksForMore(sqlite, info, one));
  if (unserved !== undefined) {
    session.unserved.set(table, unserved.column);
    return SQLITE_CONSTRAINT;
  }
  const planned = planConstraints(sqlite, table, info, given);
  if (!requirementMet(table, planned)) {
    session.unconstrained.add(table);
    return SQLITE_CONSTRAINT;
  }
  const unsteered = unsteeredColumn(given, planned);
  if (unsteered !== undefined) {
    session.unsteered.set(table, unsteered);
    return SQLITE_CONSTRAINT;
  }
  const plan: Plan = { table, constraints: planned };
  writePlan(sqlite, info, session.plans.push(plan) - 1, estimate(table, planned));
  return SQLITE_OK;
}

/** One constraint that SQLite tells of, usable in this plan or not. */
interface GivenConstraint {
  /** Its place in aConstraint. */
  readonly i: number;
  readonly column: Column;
  /** SQLITE_INDEX_CONSTRAINT_*. */
  readonly op: number;
  readonly usable: boolean;
}

function givenConstraints(sqlite: Sqlite, table: HostTable, info: Pointer): GivenConstraint[] {
  const heap = heap32(sqlite);
  const count = heap.getInt32(info + INFO.nConstraint, true);
  const at = heap.getUint32(info + INFO.aConstraint, true);
  return Array.from({ length: count }, (_, i) => i).flatMap((i) => {
    const entry = at + i * CONSTRAINT.size;
    const column = table.columns[heap.getInt32(entry + CONSTRAINT.iColumn, true)];
    const op = heap.getUint8(entry + CONSTRAINT.op);
    const usable = heap.getUint8(entry + CONSTRAINT.usable) !== 0;
    return column === undefined ? [] : [{ i, column, op, usable }];
  });
}

/** Whether a column that has one value here is compared with anything but that value. */
function asksForMore(sqlite: Sqlite, info: Pointer, { i, column, op }: GivenConstraint): boolean {
  if (column.always === undefined || LIMITS.has(op)) return false;
  if (op === (column.always === null ? IS_NULL : IS_NOT_NULL)) return false;
  if (OPS.get(op) !== 'eq' || column.always === null || isInList(sqlite, info, i)) return true;
  return constantOf(sqlite, column, info, i) !== column.always;
}

/** True unless the table has required columns of which none is constrained well enough. */
function requirementMet(table: HostTable, planned: readonly PlannedConstraint[]): boolean {
  if (!table.columns.some((column) => column.required)) return true;
  return planned.some(
    ({ column, op, arg, constant }) =>
      column.required === true &&
      (op === 'eq' || op === 'like' || op === 'glob') &&
      // A snapshot is taken before the statement runs, so no join can feed it, unless it is steered.
      (table.kind === 'lookup' ||
        constant !== undefined ||
        (column.steers === true && op === 'eq' && arg !== undefined)),
  );
}

/** Operators that only leave out rows of the places looked at, and LIMIT and OFFSET. */
const HARMLESS = new Set([68, 69, 70, 73, 74]);

/**
 * A column that says where to look, that the query constrains, and that this plan is not given: it
 * would look at the default places and find nothing of what is asked for.
 */
function unsteeredColumn(
  given: readonly GivenConstraint[],
  planned: readonly PlannedConstraint[],
): Column | undefined {
  const fed = new Set(
    planned.filter(({ op, arg }) => op === 'eq' && arg !== undefined).map(({ column }) => column),
  );
  return given.find(({ column, op }) => column.steers && !HARMLESS.has(op) && !fed.has(column))
    ?.column;
}

function planConstraints(
  sqlite: Sqlite,
  table: HostTable,
  info: Pointer,
  given: readonly GivenConstraint[],
): PlannedConstraint[] {
  const usage = heap32(sqlite).getUint32(info + INFO.aConstraintUsage, true);
  const planned: PlannedConstraint[] = [];
  let args = 0;
  for (const { i, column, op: number, usable } of given) {
    const op = OPS.get(number);
    if (op === undefined || !usable) continue;
    const collation = collationFor(sqlite, op, info, i);
    if (collation === undefined || !findable(table, column, collation)) continue;
    // A place is named in one way: under another collation several might be meant.
    const oneWay = collation === 'binary' || collation === column.collate;
    if (column.steers && op === 'eq' && !oneWay) continue;
    const constant = constantFor(sqlite, column, op, collation, info, i);
    // A snapshot's cursor has use for equality only; the rest is told to the collector if constant.
    const list = op === 'eq' && isInList(sqlite, info, i);
    const asArgument = table.kind === 'lookup' ? !list || feeds(column) : op === 'eq';
    if (!asArgument && constant === undefined) continue;
    if (asArgument) heap32(sqlite).setInt32(usage + i * USAGE.size + USAGE.argvIndex, ++args, true);
    if (asArgument && list) sqlite.capi.sqlite3_vtab_in(info as never, i, 1);
    planned.push({
      column,
      op,
      collation,
      list,
      ...(asArgument ? { arg: args - 1 } : {}),
      ...(constant === undefined ? {} : { constant }),
    });
  }
  return planned;
}

/** Asks without changing anything whether a constraint is an IN operator. */
function isInList(sqlite: Sqlite, info: Pointer, i: number): boolean {
  return (sqlite.capi.sqlite3_vtab_in(info as never, i, -1) as unknown as number) !== 0;
}

/** True for columns whose value a collector uses to find rows. */
function feeds(column: Column): boolean {
  return Boolean(column.required || column.index || column.additional || column.steers);
}

/** The collation a constraint compares under; LIKE and GLOB know none. */
function collationFor(
  { capi }: Sqlite,
  op: ConstraintOp,
  info: Pointer,
  i: number,
): Collation | undefined {
  if (op === 'like' || op === 'glob') return 'binary';
  return collationNamed(capi.sqlite3_vtab_collation(info as never, i) ?? undefined);
}

/**
 * A snapshot's indexes find equal texts under any collation. A lookup's collector compares byte by
 * byte, or without regard to case where its column is declared so; more stays with SQLite.
 */
function findable(table: HostTable, column: Column, collation: Collation): boolean {
  if (table.kind === 'snapshot' || collation === 'binary') return true;
  return collation === 'nocase' && column.collate === 'nocase';
}

/**
 * The constraint's value if it is a constant and a collector that compares plainly would drop no
 * row that SQLite keeps: the type fits the column and the collation is the column's own.
 */
function constantFor(
  sqlite: Sqlite,
  column: Column,
  op: ConstraintOp,
  collation: Collation,
  info: Pointer,
  i: number,
): Value | undefined {
  // No collector knows the orders of versions: it may compare byte by byte.
  const plain = column.collate === 'nocase' ? 'nocase' : 'binary';
  if (op !== 'like' && op !== 'glob' && column.type === 'TEXT' && collation !== plain)
    return undefined;
  return constantOf(sqlite, column, info, i);
}

/** The value of a constraint as its column would hold it; undefined unless it is a constant. */
function constantOf(sqlite: Sqlite, column: Column, info: Pointer, i: number): Value | undefined {
  const { capi, wasm } = sqlite;
  const out = wasm.alloc(4) as unknown as number;
  try {
    if (capi.sqlite3_vtab_rhs_value(info as never, i, out as never) !== SQLITE_OK) return undefined;
    return plainConstant(
      readValue(sqlite, wasm.peekPtr(out as never) as unknown as number),
      column,
    );
  } finally {
    wasm.dealloc(out as never);
  }
}

/** The value as the column would hold it, or undefined where comparing is not plain. */
export function plainConstant(value: Value, column: Column): Value | undefined {
  if (value === null) return undefined;
  if (column.type === 'TEXT') return typeof value === 'string' ? value : undefined;
  if (column.type === 'BLOB') return value instanceof Uint8Array ? value : undefined;
  const number = asCompared(value, column.type);
  return typeof number === 'number' || typeof number === 'bigint' ? number : undefined;
}

interface Estimate {
  readonly cost: number;
  readonly rows: number;
}

const SCAN_COST = { cheap: 1_000, moderate: 5_000, expensive: 50_000 };

/**
 * Equality is always much better than a scan, so that a join feeds a table's constrained columns
 * rather than scan it; a column that changes what the collector returns counts most.
 */
function estimate(table: HostTable, planned: readonly PlannedConstraint[]): Estimate {
  const equal = planned.filter(({ op }) => op === 'eq');
  // Two plans of an OR that are told more of where to look are better than one that is told less.
  const untold = table.columns.filter(
    (column) => column.steers && !equal.some((it) => it.column === column),
  );
  const plenty = 10 ** untold.length;
  if (table.kind === 'snapshot') {
    return equal.length > 0
      ? { cost: 10 * plenty, rows: 5 }
      : { cost: SCAN_COST[table.cost], rows: 1_000 };
  }
  if (equal.some(({ column, arg }) => arg !== undefined && feeds(column))) {
    return { cost: 20 * plenty, rows: 5 };
  }
  const fed = planned.some(({ column, op }) => column.required && (op === 'like' || op === 'glob'));
  if (fed) return { cost: 10_000, rows: 1_000 };
  const feedable = table.columns.some((column) => column.index || column.additional);
  return { cost: feedable ? 10_000_000 : SCAN_COST[table.cost], rows: 10_000 };
}

function writePlan(sqlite: Sqlite, info: Pointer, number: number, { cost, rows }: Estimate): void {
  const text = Buffer.from(`${number}\0`);
  // The number again as text, since EXPLAIN shows idxStr and not idxNum.
  const at = sqlite.raw.sqlite3_malloc(text.length);
  if (at !== 0) sqlite.wasm.heap8u().set(text, at);
  const heap = heap32(sqlite);
  heap.setInt32(info + INFO.idxNum, number, true);
  heap.setUint32(info + INFO.idxStr, at, true);
  heap.setInt32(info + INFO.needToFreeIdxStr, 1, true);
  heap.setFloat64(info + INFO.estimatedCost, cost, true);
  heap.setBigInt64(info + INFO.estimatedRows, BigInt(rows), true);
}

/** A fresh view each time: the memory may have grown. */
function heap32(sqlite: Sqlite): DataView {
  return new DataView(sqlite.wasm.heap8u().buffer);
}
