/** SQLite's WebAssembly build, loaded once per query process, and the little of its C API that we call raw. */
import sqlite3Init from '@sqlite.org/sqlite-wasm';

type Sqlite3 = Awaited<ReturnType<typeof sqlite3Init>>;

type Module = InstanceType<Sqlite3['capi']['sqlite3_module']>;

/** Addresses are 32-bit numbers in this build. */
export type Pointer = number;

/** The exported C functions used on hot paths, past the package's converting wrappers. */
interface RawFunctions {
  sqlite3_malloc(bytes: number): Pointer;
  sqlite3_free(pointer: Pointer): void;
  sqlite3_step(statement: Pointer): number;
  sqlite3_finalize(statement: Pointer): number;
  sqlite3_column_type(statement: Pointer, column: number): number;
  sqlite3_column_int64(statement: Pointer, column: number): bigint;
  sqlite3_column_double(statement: Pointer, column: number): number;
  sqlite3_column_text(statement: Pointer, column: number): Pointer;
  sqlite3_column_blob(statement: Pointer, column: number): Pointer;
  sqlite3_column_bytes(statement: Pointer, column: number): number;
  sqlite3_value_type(value: Pointer): number;
  sqlite3_value_int64(value: Pointer): bigint;
  sqlite3_value_double(value: Pointer): number;
  sqlite3_value_text(value: Pointer): Pointer;
  sqlite3_value_blob(value: Pointer): Pointer;
  sqlite3_value_bytes(value: Pointer): number;
  sqlite3_result_null(context: Pointer): void;
  sqlite3_result_int(context: Pointer, value: number): void;
  sqlite3_result_int64(context: Pointer, value: bigint): void;
  sqlite3_result_double(context: Pointer, value: number): void;
  sqlite3_result_text(context: Pointer, text: Pointer, bytes: number, destructor: number): void;
  sqlite3_result_blob(context: Pointer, blob: Pointer, bytes: number, destructor: number): void;
  sqlite3_result_error_nomem(context: Pointer): void;
}

export interface Sqlite {
  readonly capi: Sqlite3['capi'];
  readonly wasm: Sqlite3['wasm'];
  readonly raw: RawFunctions;
  /** Makes a sqlite3_module of methods. */
  setupModule(options: { methods: object }): Module;
}

/** Tells SQLite to copy the text or blob at once: SQLITE_TRANSIENT. */
export const TRANSIENT = -1;

export async function loadSqlite(): Promise<Sqlite> {
  const { capi, wasm, vtab } = await sqlite3Init();
  const { setupModule } = vtab as unknown as Pick<Sqlite, 'setupModule'>;
  return { capi, wasm, raw: wasm.exports as RawFunctions, setupModule };
}
