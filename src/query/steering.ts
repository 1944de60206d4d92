/**
 * Tables with a column that says where to look (Column.steers): the rows of a place exist only for a
 * query that names it, so each place has a snapshot of its own, besides that of the default places.
 *
 * Which places a join, a subselect or a list names only shows as the statement runs, and SQLite does
 * not wait for a collector. So the statement is run to its end once with nothing at the places that
 * are not known yet, those are collected, and so on until a run has asked for none.
 */
import type { Constraint, HostTable, SnapshotTable, Value } from '../tables/types.ts';
import { collationKey } from './collation.ts';
import type { LookupMemory, Argument, Scan } from './cursor.ts';
import type { Plan, PlannedConstraint, Session } from './session.ts';
import type { Snapshot } from './snapshot.ts';
import { QueryError } from './types.ts';
import { asCompared, looseKey } from './values.ts';

/** A place: a value for each steering column that the query names. */
export interface Place {
  readonly table: SnapshotTable;
  readonly key: string;
  readonly constraints: readonly Constraint[];
}

const PLACES_MAX = 1_000;

/** What is known of places in one statement. */
export class Places {
  /** While true, a place that is not known is noted and empty. */
  exploring = false;
  readonly #known = new Map<HostTable, Map<string, Snapshot>>();
  readonly #wanted = new Map<string, Place>();

  set({ table, key }: Place, snapshot: Snapshot): void {
    const places = this.#known.get(table) ?? new Map<string, Snapshot>();
    this.#known.set(table, places.set(key, snapshot));
  }

  /** Places that were asked for and are not known; none of them afterwards. @throws QueryError */
  takeWanted(): Place[] {
    const wanted = [...this.#wanted.values()];
    this.#wanted.clear();
    const known = [...this.#known.values()].reduce((sum, places) => sum + places.size, 0);
    if (known + wanted.length <= PLACES_MAX) return wanted;
    const { table, constraints } = wanted[0]!;
    throw new QueryError(
      'failed',
      `the query names more than ${PLACES_MAX} values for "${constraints[0]!.column}" of table ` +
        `"${table.name}", each of which is looked at by itself; narrow what gives them`,
    );
  }

  /** @throws QueryError for a place that no run before has asked for */
  find(place: Place): Snapshot | undefined {
    const known = this.#known.get(place.table)?.get(place.key);
    if (known !== undefined) return known;
    if (!this.exploring)
      throw new QueryError(
        'failed',
        `the values for "${place.constraints[0]!.column}" of table "${place.table.name}" changed as the query ran; ask again`,
      );
    this.#wanted.set(`${place.table.name} ${place.key}`, place);
    return undefined;
  }
}

/** The constraints of a plan by which it is steered: one a column, SQLite checks the others. */
export function steeringOf({ constraints }: Plan): readonly PlannedConstraint[] {
  const steering = constraints.filter(({ column, op, arg }) => {
    return column.steers === true && op === 'eq' && arg !== undefined;
  });
  return steering.filter(
    ({ column }, at) => steering.findIndex((other) => other.column === column) === at,
  );
}

/** The place that constants name; undefined where a value only shows as the statement runs. */
export function constantPlace(plan: Plan): Place | undefined {
  const steering = steeringOf(plan);
  if (steering.some(({ list, constant }) => list || constant === undefined)) return undefined;
  return placeOf(
    plan,
    steering.map((planned) => [planned, planned.constant!]),
  );
}

/** Rows of the places that the arguments of a cursor name, one place after the other. */
export class SteeredScan implements Scan {
  readonly #rows: readonly (readonly Value[])[];
  readonly #memory: LookupMemory;
  readonly #equals = new Map<string, number>();
  #at = 0;
  #rowid = -1;

  constructor(session: Session, memory: LookupMemory, plan: Plan, args: readonly Argument[]) {
    this.#memory = memory;
    const snapshots = [...placesOf(plan, args)].map((place) => session.places.find(place));
    this.#rows = snapshots.flatMap((snapshot) => snapshot?.rows ?? []);
  }

  get row(): readonly Value[] | undefined {
    return this.#rows[this.#at];
  }

  next(): void {
    this.#at++;
    this.#rowid = -1;
  }

  rowid(): number {
    if (this.#rowid >= 0 || this.row === undefined) return this.#rowid;
    return (this.#rowid = rowidByContent(this.#memory, this.#equals, this.row));
  }

  close(): void {}
}

/** The same for a row of a named place and of the default ones, as SQLite's OR finds both. */
export function rowidByContent(
  memory: LookupMemory,
  equals: Map<string, number>,
  row: readonly Value[],
): number {
  const values = JSON.stringify(row.map((value) => (value === null ? null : looseKey(value))));
  const nth = equals.get(values) ?? 0;
  equals.set(values, nth + 1);
  return memory.rowid(`${nth} ${values}`);
}

/** Each combination of the values given, once. */
function* placesOf(plan: Plan, args: readonly Argument[]): Generator<Place> {
  const seen = new Set<string>();
  const steering = steeringOf(plan);
  for (const values of combinations(steering.map(({ arg }) => args[arg!] ?? null))) {
    if (values.some((value) => value === null)) continue;
    const place = placeOf(
      plan,
      steering.map((planned, at) => [planned, values[at]!]),
    );
    if (seen.has(place.key)) continue;
    seen.add(place.key);
    yield place;
  }
}

function* combinations(given: readonly Argument[], at = 0): Generator<readonly Value[]> {
  if (at === given.length) return yield [];
  const argument = given[at]!;
  const values = Array.isArray(argument) ? (argument as readonly Value[]) : [argument as Value];
  for (const value of values)
    for (const rest of combinations(given, at + 1)) yield [value, ...rest];
}

function placeOf(plan: Plan, given: readonly (readonly [PlannedConstraint, Value])[]): Place {
  const values = given.map(([{ column, collation }, value]) => {
    const compared = asCompared(value, column.type);
    const key = typeof compared === 'string' ? collationKey(collation, compared) : compared;
    return { column: column.name, value: compared, key: [collation, looseKey(key)] };
  });
  return {
    table: plan.table as SnapshotTable,
    key: JSON.stringify(values.map(({ column, key }) => [column, key])),
    constraints: values.map(({ column, value }) => ({ column, op: 'eq', value })),
  };
}
