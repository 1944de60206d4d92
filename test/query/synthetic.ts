/**
 * The same query over the same made-up rows, here and in plain SQLite: whatever the virtual tables,
 * pushdown and prefetching do must not show in the rows.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { registerFunctions } from '../../src/query/functions.ts';
import { createQueryRunner, QueryError, type QueryRunner } from '../../src/query/index.ts';
import { loadSqlite, type Pointer, type Sqlite } from '../../src/query/sqlite.ts';
import { readColumn } from '../../src/query/values.ts';
import type { Column, ColumnType, Row, Value } from '../../src/tables/types.ts';

export interface SyntheticTable {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly kind: 'snapshot' | 'lookup';
  readonly columns: readonly Column[];
}

export interface Comparison {
  readonly same: boolean;
  readonly rows: number;
  /** What differs, or the error both sides agree or disagree on. */
  readonly detail: string;
  /** Our error's code, where we gave one. */
  readonly code?: string;
}

const ROWS_PER_TABLE = 6;

/** Compares queries over one set of tables. Call `close` at the end. */
export class Comparer {
  private readonly tables: readonly SyntheticTable[];
  private readonly folder = mkdtempSync(join(tmpdir(), 'swarmplane-synthetic-'));
  private readonly runner: QueryRunner;
  private readonly sqlite: Promise<Sqlite> = loadSqlite();

  constructor(tables: readonly SyntheticTable[]) {
    this.tables = tables;
    const specs = join(this.folder, 'specs.json');
    writeFileSync(specs, JSON.stringify(tables));
    const registry = new URL('./fixtures/synthetic-tables.mjs', import.meta.url);
    registry.searchParams.set('specs', pathToFileURL(specs).href);
    this.runner = createQueryRunner({
      facts: () => ({ members: [], links: [], alarms: [], agent: {} }),
      root: this.folder,
      registry: registry.href,
      limits: { timeMs: 20_000, rowsMax: 1_000_000, answerBytesMax: 64 * 1024 * 1024 },
    });
  }

  /** Rows that hold the query's own constants, so that its conditions meet something. */
  async compare(sql: string, seed: number): Promise<Comparison> {
    const rows: Record<string, Row[]> = {};
    const random = generator(seed);
    const pool = literals(sql);
    const words = new Set(sql.toLowerCase().match(/\w+/g) ?? []);
    for (const table of this.tables)
      if ([table.name, ...(table.aliases ?? [])].some((name) => words.has(name)))
        rows[table.name] = makeRows(table, pool, random);
    return this.compareWith(sql, rows);
  }

  async compareWith(sql: string, rows: Record<string, Row[]>): Promise<Comparison> {
    writeFileSync(join(this.folder, 'rows.json'), JSON.stringify(rows));
    const ours = await this.ours(sql);
    const sqlite = await this.sqlite;
    const plain = this.plain(sqlite, sql, rows);
    const found = judge(sql, ours, plain);
    if (found.same || 'error' in ours || 'error' in plain) return found;
    // Columns beside GROUP BY, the order within group_concat: SQL leaves them to the plan. Plain
    // SQLite shows that it does when it answers otherwise over the same rows in another order.
    const same = ours.rows.length === plain.rows.length;
    if (!same || !this.dependsOnOrder(sqlite, sql, rows, plain)) return found;
    return { ...found, same: true, detail: 'undetermined' };
  }

  async close(): Promise<void> {
    await this.runner.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async ours(sql: string): Promise<Side> {
    try {
      const { columns, rows } = await this.runner.run(sql, { allowSensitive: true });
      return { columns, rows };
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      return { error: error.message, code: error.code };
    }
  }

  private dependsOnOrder(
    sqlite: Sqlite,
    sql: string,
    rows: Record<string, Row[]>,
    plain: Side,
  ): boolean {
    const random = generator(1);
    return [1, 2, 3, 4, 5, 6].some((attempt) => {
      const mixed = Object.entries(rows).map(
        ([name, list]) => [name, shuffled(list, random)] as const,
      );
      const again = this.plain(sqlite, sql, Object.fromEntries(mixed), attempt % 2 === 0);
      return !judge(sql, plain, again).same;
    });
  }

  private plain(sqlite: Sqlite, sql: string, rows: Record<string, Row[]>, reversed = false): Side {
    const database = open(sqlite);
    if (reversed) execute(sqlite, database, 'pragma reverse_unordered_selects = 1');
    try {
      registerFunctions(sqlite, database, '/');
      for (const table of this.tables)
        if (rows[table.name] !== undefined) fill(sqlite, database, table, rows[table.name]!, sql);
      return select(sqlite, database, sql);
    } catch (error) {
      return { error: (error as Error).message };
    } finally {
      sqlite.capi.sqlite3_close_v2(database as never);
    }
  }
}

type Side =
  | { readonly columns: readonly string[]; readonly rows: readonly (readonly Value[])[] }
  | { readonly error: string; readonly code?: string };

function judge(sql: string, ours: Side, plain: Side): Comparison {
  if ('error' in ours) {
    const code = ours.code ?? 'failed';
    const detail = `${code}: ${ours.error}`;
    return { same: 'error' in plain || code === 'constraint_required', rows: 0, detail, code };
  }
  const { rows } = ours;
  if ('error' in plain)
    return { same: false, rows: rows.length, detail: `plain SQLite says: ${plain.error}` };
  const loose = /group_concat|json_group|string_agg/i.test(sql);
  const [a, b] = [listing(rows, loose), listing(withoutHidden(ours.columns, plain), loose)];
  // Which rows a LIMIT without a whole order keeps, or a truncated answer, is nobody's promise.
  const partial = /\blimit\b/i.test(sql);
  const same = partial ? a.length === b.length : a.join('\n') === b.join('\n');
  const [inA, inB] = [new Set(a), new Set(b)];
  const missing = b.filter((row) => !inA.has(row)).slice(0, 2);
  const extra = a.filter((row) => !inB.has(row)).slice(0, 2);
  const detail = same
    ? ''
    : `${a.length} rows against ${b.length}; missing ${missing.join(' ')}; extra ${extra.join(' ')}`;
  return { same, rows: rows.length, detail };
}

/** Leaves out what only the ordinary table shows under `*`. */
function withoutHidden(
  columns: readonly string[],
  plain: { readonly columns: readonly string[]; readonly rows: readonly (readonly Value[])[] },
): readonly (readonly Value[])[] {
  if (columns.length === plain.columns.length) return plain.rows;
  let at = 0;
  const kept = plain.columns.map((name) => name === columns[at] && ++at > 0);
  return plain.rows.map((row) => row.filter((_, i) => kept[i]));
}

/** `loose`: the order within group_concat is arbitrary, says SQLite's documentation. */
function listing(rows: readonly (readonly Value[])[], loose: boolean): string[] {
  return rows
    .map((row) =>
      JSON.stringify(
        row.map((value) => {
          if (typeof value === 'bigint') return `${value}n`;
          return loose && typeof value === 'string'
            ? value
                .split(/[,[\]]/)
                .sort()
                .join()
            : value;
        }),
      ),
    )
    .sort();
}

function open({ capi, wasm }: Sqlite): Pointer {
  const out = wasm.alloc(4);
  capi.sqlite3_open_v2(':memory:', out as never, 6 as never, 0 as never);
  const database = wasm.peekPtr(out as never) as unknown as number;
  wasm.dealloc(out as never);
  capi.sqlite3_db_config(database as never, capi.SQLITE_DBCONFIG_DQS_DML, 1, 0 as never);
  return database;
}

/** An ordinary table has no hidden columns: one that the query does not name is left out. */
function fill(
  sqlite: Sqlite,
  database: Pointer,
  table: SyntheticTable,
  rows: readonly Row[],
  sql: string,
): void {
  const named = new Set(sql.toLowerCase().match(/\w+/g) ?? []);
  const columns = table.columns.filter(({ hidden, name }) => !hidden || named.has(name));
  const declared = columns
    .map(({ name, type, collate }) => `"${name}" ${type} ${collate ? `COLLATE ${collate}` : ''}`)
    .join(', ');
  for (const name of [table.name, ...(table.aliases ?? [])]) {
    execute(sqlite, database, `create table "${name}" (${declared})`);
    for (const row of rows) {
      const values = columns.map((column) => literal(row[column.name]));
      execute(sqlite, database, `insert into "${name}" values (${values.join(', ')})`);
    }
  }
}

function execute({ capi }: Sqlite, database: Pointer, sql: string): void {
  const rc = capi.sqlite3_exec(database as never, sql, 0 as never, 0 as never, 0 as never);
  if (rc !== 0) throw new Error(`${capi.sqlite3_errmsg(database as never)} in ${sql}`);
}

function select(sqlite: Sqlite, database: Pointer, sql: string): Side {
  const { capi, wasm, raw } = sqlite;
  const out = wasm.alloc(4);
  const rc = capi.sqlite3_prepare_v2(database as never, sql, -1, out as never, 0 as never);
  const statement = wasm.peekPtr(out as never) as unknown as number;
  wasm.dealloc(out as never);
  if (rc !== 0) return { error: capi.sqlite3_errmsg(database as never) };
  const count = capi.sqlite3_column_count(statement as never);
  const columns = Array.from({ length: count }, (_, i) =>
    capi.sqlite3_column_name(statement as never, i),
  );
  const rows: Value[][] = [];
  try {
    for (;;) {
      const step = raw.sqlite3_step(statement);
      if (step === 101) return { columns, rows };
      if (step !== 100) return { error: capi.sqlite3_errmsg(database as never) };
      rows.push(columns.map((_, i) => readColumn(sqlite, statement, i)));
    }
  } finally {
    raw.sqlite3_finalize(statement);
  }
}

function literal(value: Value | undefined): string {
  if (value === undefined || value === null) return 'null';
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);
}

/** Strings and numbers of a query, patterns also with their wildcards filled in. */
function literals(sql: string): readonly string[] {
  const texts = [...sql.matchAll(/'((?:[^']|'')*)'|"([^"]*)"/g)].map(
    ([, single, double]) => single?.replaceAll("''", "'") ?? double ?? '',
  );
  const filled = texts.filter((it) => /[%*]/.test(it)).map((it) => it.replaceAll(/[%*]+/g, 'x'));
  return [...texts, ...filled, ...(sql.match(/\b\d+(\.\d+)?\b/g) ?? [])];
}

function makeRows(table: SyntheticTable, pool: readonly string[], random: () => number): Row[] {
  return Array.from({ length: ROWS_PER_TABLE }, () => {
    const row: Row = {};
    for (const { name, type } of table.columns) row[name] = makeValue(type, pool, random);
    return row;
  });
}

/** Small numbers, so that joins meet; now and then NULL, text for a number, a number for text. */
function makeValue(type: ColumnType, pool: readonly string[], random: () => number): Value {
  const dice = random();
  const small = Math.floor(random() * 4);
  const own = pool[Math.floor(random() * pool.length)];
  if (dice < 0.08) return null;
  if (own !== undefined && dice < 0.6) return type === 'TEXT' ? own : number(own);
  if (dice < 0.65) return type === 'TEXT' ? small : String(small);
  if (type === 'TEXT') return dice < 0.8 ? String(small) : `Text ${small}`;
  return type === 'DOUBLE' ? small / 2 : small;
}

function number(text: string): Value {
  const value = Number(text);
  return Number.isFinite(value) ? value : 0;
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** mulberry32: the same seed gives the same rows. */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
