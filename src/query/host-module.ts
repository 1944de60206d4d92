/** The virtual table module: one for all host tables, told apart by the number given as pAux. */
import type { HostTable, Value } from '../tables/types.ts';
import { bestIndex } from './best-index.ts';
import {
  LookupMemory,
  LookupScan,
  snapshotOf,
  SnapshotScan,
  type Argument,
  type Scan,
} from './cursor.ts';
import { requirePermission } from './permission.ts';
import type { Session } from './session.ts';
import { SteeredScan, steeringOf } from './steering.ts';
import type { Pointer, Sqlite } from './sqlite.ts';
import { readValue, setResult } from './values.ts';

const SQLITE_OK = 0;
const SQLITE_ERROR = 1;
const SQLITE_NOMEM = 7;
/** sizeof(sqlite3_vtab), sizeof(sqlite3_vtab_cursor) with room to spare. */
const VTAB_BYTES = 16;
const CURSOR_BYTES = 16;

interface Cursor {
  readonly table: HostTable;
  scan: Scan | undefined;
}

/** Serves every table in `tables` (by name and alias) to a database; `session` is set per statement. */
export class HostModule {
  session: Session | undefined;
  private readonly sqlite: Sqlite;
  private readonly root: string;
  private readonly served: { readonly name: string; readonly table: HostTable }[] = [];
  private readonly vtabs = new Map<Pointer, HostTable>();
  private readonly cursors = new Map<Pointer, Cursor>();
  private memories = new WeakMap<Session, Map<HostTable, LookupMemory>>();

  constructor(sqlite: Sqlite, tables: readonly HostTable[], root: string) {
    this.sqlite = sqlite;
    this.root = root;
    for (const table of tables)
      for (const name of [table.name, ...(table.aliases ?? [])]) this.served.push({ name, table });
  }

  /** Makes the tables known to the database, without creating anything in its schema. */
  register(database: Pointer): void {
    const { capi, setupModule } = this.sqlite;
    // Without xCreate a module's table exists under the module's name and CREATE cannot use it.
    const module = setupModule({ methods: this.methods() });
    this.served.forEach(({ name }, number) => {
      const rc = capi.sqlite3_create_module(database as never, name, module, (number + 1) as never);
      if (rc !== SQLITE_OK) throw new Error(`registering table "${name}" failed: ${rc}`);
    });
  }

  private methods(): Record<string, (...args: number[]) => number> {
    return {
      xConnect: this.guard((database, aux, _argc, _argv, out) =>
        this.connect(database!, aux!, out!),
      ),
      xBestIndex: this.guard((vtab, info) =>
        bestIndex(this.sqlite, this.current(), this.vtabs.get(vtab!)!, info!),
      ),
      xDisconnect: this.guard((vtab) => this.release(this.vtabs, vtab!)),
      xOpen: this.guard((vtab, out) => this.open(vtab!, out!)),
      xClose: this.guard((cursor) => {
        this.cursors.get(cursor!)?.scan?.close();
        return this.release(this.cursors, cursor!);
      }),
      xFilter: this.guard((cursor, idxNum, _idxStr, argc, argv) =>
        this.filter(cursor!, idxNum!, argc!, argv!),
      ),
      xNext: this.guard((cursor) => {
        this.cursors.get(cursor!)!.scan!.next();
        return SQLITE_OK;
      }),
      xEof: (cursor) => (this.cursors.get(cursor!)?.scan?.row === undefined ? 1 : 0),
      xColumn: this.guard((cursor, context, number) => this.column(cursor!, context!, number!)),
      xRowid: this.guard((cursor, out) => {
        const rowid = this.cursors.get(cursor!)!.scan!.rowid();
        this.sqlite.wasm.poke64(out as never, BigInt(rowid));
        return SQLITE_OK;
      }),
    };
  }

  /** No exception may pass through SQLite's frames; it is kept and thrown after the step. */
  private guard(method: (...args: number[]) => number): (...args: number[]) => number {
    return (...args) => {
      try {
        return method(...args);
      } catch (error) {
        if (this.session !== undefined) this.session.failure ??= error;
        return SQLITE_ERROR;
      }
    };
  }

  private current(): Session {
    if (this.session === undefined) throw new Error('no statement is being prepared or run');
    return this.session;
  }

  private connect(database: Pointer, aux: Pointer, out: Pointer): number {
    const { name, table } = this.served[aux - 1]!;
    const rc = this.sqlite.capi.sqlite3_declare_vtab(database as never, declaration(name, table));
    if (rc !== SQLITE_OK) {
      const said = this.sqlite.capi.sqlite3_errmsg(database as never);
      throw new Error(`its declaration is not accepted: ${said}`);
    }
    return this.allocate(this.vtabs, VTAB_BYTES, out, table);
  }

  private open(vtab: Pointer, out: Pointer): number {
    const table = this.vtabs.get(vtab)!;
    return this.allocate(this.cursors, CURSOR_BYTES, out, { table, scan: undefined });
  }

  private filter(pointer: Pointer, idxNum: number, argc: number, argv: Pointer): number {
    const cursor = this.cursors.get(pointer)!;
    const session = this.current();
    session.checkTime();
    const plan = session.plans[idxNum]!;
    const args: Argument[] = [];
    for (let i = 0; i < argc; i++) {
      const at = this.sqlite.wasm.peekPtr((argv + 4 * i) as never) as unknown as number;
      const isList = plan.constraints.some(({ arg, list }) => arg === i && list);
      args.push(isList ? this.readList(at) : readValue(this.sqlite, at));
    }
    const { table } = cursor;
    // The second wall: whatever the statement was judged by, no row of it is found.
    if (table.sensitive === true) requirePermission([table.name], session.allowSensitive);
    cursor.scan?.close();
    const memory = this.memory(session, table);
    if (table.kind === 'snapshot') {
      cursor.scan =
        steeringOf(plan).length > 0
          ? new SteeredScan(session, memory, plan, args)
          : new SnapshotScan(snapshotOf(session, plan), plan, args, memory);
      return SQLITE_OK;
    }
    cursor.scan = new LookupScan(session, memory, plan, this.root, args);
    return SQLITE_OK;
  }

  /** The values of an IN list that xFilter is given whole. */
  private readList(list: Pointer): readonly Value[] {
    const { capi, wasm } = this.sqlite;
    const out = wasm.alloc(4);
    const values: Value[] = [];
    try {
      let rc = capi.sqlite3_vtab_in_first(list as never, out as never);
      while (rc === SQLITE_OK) {
        values.push(readValue(this.sqlite, wasm.peekPtr(out as never) as unknown as number));
        rc = capi.sqlite3_vtab_in_next(list as never, out as never);
      }
    } finally {
      wasm.dealloc(out);
    }
    return values;
  }

  private column(pointer: Pointer, context: Pointer, number: number): number {
    const { table, scan } = this.cursors.get(pointer)!;
    const column = table.columns[number];
    // A collector that was not told of a column may have left it out: no answer is better than NULL.
    if (column !== undefined && !this.current().columnsOf(table).has(column.name))
      throw new Error(`its column "${column.name}" is read and was not collected`);
    setResult(this.sqlite, context, scan?.row?.[number], column?.type);
    return SQLITE_OK;
  }

  private memory(session: Session, table: HostTable): LookupMemory {
    let memories = this.memories.get(session);
    if (memories === undefined) this.memories.set(session, (memories = new Map()));
    let memory = memories.get(table);
    if (memory === undefined) memories.set(table, (memory = new LookupMemory()));
    return memory;
  }

  private allocate<T>(known: Map<Pointer, T>, bytes: number, out: Pointer, value: T): number {
    const at = this.sqlite.raw.sqlite3_malloc(bytes);
    if (at === 0) return SQLITE_NOMEM;
    this.sqlite.wasm.heap8u().fill(0, at, at + bytes);
    known.set(at, value);
    this.sqlite.wasm.pokePtr(out as never, at as never);
    return SQLITE_OK;
  }

  private release(known: Map<Pointer, unknown>, pointer: Pointer): number {
    known.delete(pointer);
    this.sqlite.raw.sqlite3_free(pointer);
    return SQLITE_OK;
  }
}

/** The CREATE TABLE statement that tells SQLite a table's columns. */
export function declaration(name: string, table: HostTable): string {
  const columns = table.columns.map(({ name, type, collate, hidden }) =>
    [quoted(name), type, hidden ? 'HIDDEN' : '', collate ? `COLLATE ${collate}` : '']
      .filter((part) => part !== '')
      .join(' '),
  );
  return `CREATE TABLE ${quoted(name)} (${columns.join(', ')})`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
