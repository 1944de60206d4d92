/** One prepared statement: checked, explained, fed with snapshots, stepped, always finalized. */
import type {
  Constraint,
  HostTable,
  Row,
  ShapeColumn,
  SnapshotTable,
  Value,
} from '../tables/types.ts';
import { isVersionOrder } from '../tables/version-order.ts';
import { collectorError } from './collector-error.ts';
import type { Database } from './database.ts';
import { readProgram } from './program.ts';
import { resultTypes } from './result-types.ts';
import { notGiven, prepareError, stepError } from './sqlite-errors.ts';
import { Snapshot } from './snapshot.ts';
import { timeLimit, type Plan, type Session } from './session.ts';
import { unsteeredComparison } from './steering-flow.ts';
import { constantPlace, steeringOf, type Place } from './steering.ts';
import type { Pointer } from './sqlite.ts';
import { QueryError, type AnswerOrder, type PreparedInfo, type TableUse } from './types.ts';
import { readColumn } from './values.ts';
import { commonOrder, versionOrders } from './version-flow.ts';

const SQLITE_ROW = 100;
const SQLITE_DONE = 101;
const SQL_OPS: Readonly<Record<Constraint['op'], string>> = {
  eq: '=',
  ne: '<>',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
  like: 'like',
  glob: 'glob',
};
const PLACES_AT_ONCE = 16;
const EXPLAIN = 1;
const EXPLAIN_QUERY_PLAN = 2;

export class Statement {
  readonly columns: readonly string[];
  private readonly database: Database;
  private readonly session: Session;
  private readonly pointer: Pointer;
  private readonly planned: readonly Plan[];
  private orders: readonly (AnswerOrder | undefined)[] = [];

  /** @throws QueryError when it is not one SELECT over host tables */
  constructor(database: Database, session: Session, sql: string) {
    this.database = database;
    this.session = session;
    this.pointer = database.within(session, () => prepareOne(database, session, sql));
    try {
      const { capi } = database.sqlite;
      const count = capi.sqlite3_column_count(this.pointer as never);
      if (capi.sqlite3_stmt_isexplain(this.pointer as never) !== 0) throw noExplain();
      if (count === 0 || !capi.sqlite3_stmt_readonly(this.pointer as never)) throw noSelect();
      this.columns = Array.from({ length: count }, (_, i) =>
        capi.sqlite3_column_name(this.pointer as never, i),
      );
      this.planned = this.readProgram();
    } catch (error) {
      this.finalize();
      throw error;
    }
  }

  get info(): PreparedInfo {
    // Both what is named and what is planned: the authorizer is not called for USING and NATURAL.
    const tables = new Set<HostTable>(this.session.plans.map(({ table }) => table));
    for (const name of this.session.named) {
      const table = this.database.table(name);
      if (table !== undefined) tables.add(table);
    }
    const sorted = [...tables].sort((a, b) => (a.name < b.name ? -1 : 1));
    return {
      columns: this.columns,
      tables: sorted.map(({ name }) => name),
      sensitive: sorted.filter(({ sensitive }) => sensitive === true).map(({ name }) => name),
    };
  }

  /** Every use of a host table, as SQLite will make it. */
  get uses(): readonly TableUse[] {
    return this.planned.map(({ table, constraints }) => ({
      table: table.name,
      kind: table.kind,
      columns: [...this.session.columnsOf(table)].sort(),
      constraints: constraints.map(
        ({ column, op, constant }) => `${column.name} ${SQL_OPS[op]} ${literal(constant)}`,
      ),
    }));
  }

  /** Result columns that are versions as a table has them, the greatest of them too, and the order of each. */
  get versions(): Readonly<Record<string, AnswerOrder>> {
    const { capi } = this.database.sqlite;
    const known = this.columns.flatMap((name, at) => {
      const table = capi.sqlite3_column_table_name(this.pointer as never, at) ?? '';
      const origin = capi.sqlite3_column_origin_name(this.pointer as never, at);
      const columns = this.database.table(table)?.columns ?? [];
      const { collate = '' } = columns.find((column) => column.name === origin) ?? {};
      // Of a UNION that is of its first SELECT only.
      const first = isVersionOrder(collate) ? collate : undefined;
      const order = commonOrder(first, this.orders[at]);
      return order === undefined ? [] : [[name, order] as const];
    });
    return Object.fromEntries(known);
  }

  /** The columns with the types that their values have. */
  get types(): readonly ShapeColumn[] {
    const program = readProgram(this.explained(EXPLAIN), this.session.plans);
    const types = resultTypes(program);
    return this.columns.map((name, at) => ({ name, type: types[at] ?? 'TEXT' }));
  }

  /** Lines of EXPLAIN QUERY PLAN, indented by depth. */
  queryPlan(): readonly string[] {
    const depth = new Map<Value, number>([[0, -1]]);
    return this.explained(EXPLAIN_QUERY_PLAN).map(([id, parent, , detail]) => {
      const level = (depth.get(parent ?? 0) ?? -1) + 1;
      depth.set(id ?? 0, level);
      // The plan's number means nothing to a reader.
      const text = String(detail).replace(/ VIRTUAL TABLE INDEX \d+:\d*$/, '');
      return '  '.repeat(level) + text;
    });
  }

  /** Takes the snapshots the statement reads, one after the other. @throws QueryError */
  async collectSnapshots(root: string): Promise<void> {
    const tables = new Set(this.planned.map(({ table }) => table));
    for (const table of tables) {
      if (table.kind !== 'snapshot') continue;
      const plans = this.planned.filter((plan) => plan.table === table);
      const unsteered = plans.filter((plan) => steeringOf(plan).length === 0);
      if (unsteered.length > 0) {
        const snapshot = await this.collect(table, sharedConstraints(unsteered), root);
        this.session.snapshots.set(table, snapshot);
      }
    }
    await this.collectPlaces(root);
  }

  /** Snapshots of all places that steered tables are asked for; steering.ts says how. */
  private async collectPlaces(root: string): Promise<void> {
    const steered = this.planned.filter((plan) => {
      return plan.table.kind === 'snapshot' && steeringOf(plan).length > 0;
    });
    if (steered.length === 0) return;
    const named = steered.flatMap((plan) => constantPlace(plan) ?? []);
    await this.collectAll([...new Map(named.map((place) => [place.key, place])).values()], root);
    if (named.length === steered.length) return;
    const { places } = this.session;
    places.exploring = true;
    for (;;) {
      this.explore();
      const wanted = places.takeWanted();
      if (wanted.length === 0) break;
      await this.collectAll(wanted, root);
    }
    places.exploring = false;
  }

  /** A few at a time: some collectors wait for another program. */
  private async collectAll(wanted: readonly Place[], root: string): Promise<void> {
    for (let at = 0; at < wanted.length; at += PLACES_AT_ONCE)
      await Promise.all(
        wanted.slice(at, at + PLACES_AT_ONCE).map(async (place) => {
          const plans = this.planned.filter((plan) => {
            return plan.table === place.table && steeringOf(plan).length > 0;
          });
          const constraints = [...place.constraints, ...sharedConstraints(plans)];
          const snapshot = await this.collect(place.table, constraints, root);
          this.session.places.set(place, snapshot);
        }),
      );
  }

  /** One run whose rows nobody sees. What fails in it fails again in the run that counts. */
  private explore(): void {
    const { database, session, pointer } = this;
    database.within(session, () => {
      while (database.sqlite.raw.sqlite3_step(pointer) === SQLITE_ROW) continue;
      database.sqlite.capi.sqlite3_reset(pointer as never);
    });
    session.failure = undefined;
    session.checkTime();
  }

  /** The rows, one by one. @throws QueryError */
  *rows(): Generator<readonly Value[]> {
    const { sqlite } = this.database;
    const count = this.columns.length;
    for (;;) {
      const rc = this.database.within(this.session, () => sqlite.raw.sqlite3_step(this.pointer));
      if (rc === SQLITE_DONE) return;
      if (rc !== SQLITE_ROW) throw stepError(this.session, rc, this.database.message());
      const row: Value[] = [];
      for (let i = 0; i < count; i++) row.push(readColumn(sqlite, this.pointer, i));
      yield row;
    }
  }

  finalize(): void {
    this.database.within(this.session, () =>
      this.database.sqlite.raw.sqlite3_finalize(this.pointer),
    );
  }

  private async collect(
    table: SnapshotTable,
    constraints: readonly Constraint[],
    root: string,
  ): Promise<Snapshot> {
    this.session.checkTime();
    this.session.beginReading(table);
    const rows = await this.inTime(table, async () =>
      table.collect({
        facts: this.session.facts,
        root,
        signal: this.session.abort.signal,
        columns: this.session.columnsOf(table),
        constraints,
        load: (body) => this.session.load(body),
        warn: (message) => this.session.warn(`${table.name}: ${message}`),
      }),
    );
    return new Snapshot(table, rows);
  }

  private async inTime(table: SnapshotTable, body: () => Promise<Row[]>): Promise<Row[]> {
    const { session } = this;
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<never>((_, reject) => {
      const look = (): void => {
        // The clock may have stood for a while.
        if (session.remainingMs > 0) return arm();
        session.abandoned = true;
        session.abort.abort();
        reject(timeLimit(session, table.name));
      };
      const arm = (): void => {
        timer = setTimeout(look, Math.max(0, Math.ceil(session.remainingMs)));
      };
      arm();
    });
    try {
      return await Promise.race([body(), over]);
    } catch (error) {
      throw collectorError(table.name, error);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * The plans the program will use, one for each VFilter instruction in it: every access to a
   * virtual table is one, and its P4 is the plan's number as bestIndex wrote it. Its VColumn
   * instructions are all the columns it reads.
   */
  private readProgram(): readonly Plan[] {
    const { session } = this;
    if (session.plans.length === 0) return [];
    const program = readProgram(this.explained(EXPLAIN), session.plans);
    for (const { table, column } of program.columns) session.noteUse(table, column.name);
    for (const { table, constraints } of program.plans)
      for (const { column } of constraints) session.noteUse(table, column.name);
    this.orders = versionOrders(program);
    const compared = unsteeredComparison(program);
    if (compared !== undefined) throw notGiven(compared.table, compared.column);
    return program.plans;
  }

  private explained(mode: number): readonly (readonly Value[])[] {
    const { database, session, pointer } = this;
    return database.within(session, () => {
      const { capi, raw } = database.sqlite;
      const rc = capi.sqlite3_stmt_explain(pointer as never, mode);
      if (rc !== 0) throw prepareError(database, session, rc);
      const rows: Value[][] = [];
      const count = capi.sqlite3_column_count(pointer as never);
      while (raw.sqlite3_step(pointer) === SQLITE_ROW)
        rows.push(Array.from({ length: count }, (_, i) => readColumn(database.sqlite, pointer, i)));
      capi.sqlite3_reset(pointer as never);
      capi.sqlite3_stmt_explain(pointer as never, 0);
      return rows;
    });
  }
}

function literal(value: Value | undefined): string {
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`;
  return value === undefined ? '?' : String(value);
}

/** Constraints with constants that hold in every use of a table: a row outside them is never read. */
function sharedConstraints(plans: readonly Plan[]): readonly Constraint[] {
  const [first, ...others] = plans.map(({ constraints }) =>
    constraints.flatMap(({ column, op, constant }) =>
      constant === undefined || column.steers === true
        ? []
        : [{ column: column.name, op, value: constant }],
    ),
  );
  const same = (a: Constraint, b: Constraint): boolean =>
    a.column === b.column && a.op === b.op && a.value === b.value;
  return (first ?? []).filter((one) => others.every((other) => other.some((it) => same(one, it))));
}

/** Prepares the statement and sees that nothing but white space and comments follows it. */
function prepareOne(database: Database, session: Session, sql: string): Pointer {
  const { capi, wasm, raw } = database.sqlite;
  const bytes = Buffer.from(`${sql}\0`);
  const text = wasm.alloc(bytes.length) as unknown as number;
  const out = wasm.alloc(4) as unknown as number;
  const tail = wasm.alloc(4) as unknown as number;
  const prepare = (at: Pointer): Pointer => {
    const rc = capi.sqlite3_prepare_v3(
      database.pointer as never,
      at as never,
      -1,
      0,
      out as never,
      tail as never,
    );
    if (rc !== 0) throw prepareError(database, session, rc);
    return wasm.peekPtr(out as never) as unknown as number;
  };
  let statement: Pointer = 0;
  try {
    wasm.heap8u().set(bytes, text);
    statement = prepare(text);
    // SQLite asks nobody while it plans: what took too long is found when it is done.
    session.checkTime();
    if (statement === 0) throw new QueryError('syntax', 'the query is empty; write one SELECT');
    requireNothingAfter(bytes, (wasm.peekPtr(tail as never) as unknown as number) - text);
    return statement;
  } catch (error) {
    if (statement !== 0) raw.sqlite3_finalize(statement);
    throw error;
  } finally {
    for (const at of [text, out, tail]) wasm.dealloc(at as never);
  }
}

function requireNothingAfter(bytes: Buffer, used: number): void {
  const after = bytes.subarray(used, -1).toString('utf8');
  const rest = after
    .replace(/\/\*[^]*?(\*\/|$)|--[^\n]*/g, '')
    .replace(/[\s;]+/g, ' ')
    .trim();
  if (rest === '') return;
  const shown = rest.length > 40 ? `${rest.slice(0, 40)}...` : rest;
  throw new QueryError(
    'not_authorized',
    `a query is one statement, and "${shown}" follows the first; ask it as another query`,
  );
}

function noExplain(): QueryError {
  return new QueryError(
    'not_authorized',
    'EXPLAIN is not allowed; `swarmplane query --explain` shows what a host will do',
  );
}

function noSelect(): QueryError {
  return new QueryError('not_authorized', 'a query is one SELECT over host tables');
}
