/** Values between JavaScript and SQLite, with the affinities of declared columns. */
import type { ColumnType, Value } from '../tables/types.ts';
import { TRANSIENT, type Pointer, type Sqlite } from './sqlite.ts';

const SQLITE_INTEGER = 1;
const SQLITE_FLOAT = 2;
const SQLITE_TEXT = 3;
const SQLITE_BLOB = 4;

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** Text that SQLite's numeric affinity turns into a number. */
const NUMERIC = /^[ \t\n\v\f\r]*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[ \t\n\v\f\r]*$/;

/**
 * What an ordinary column of this type would hold after the value was inserted:
 * https://sqlite.org/datatype3.html section 3.
 */
export function withAffinity(value: Value | boolean | undefined, type: ColumnType): Value {
  if (value === undefined || value === null || Number.isNaN(value)) return null;
  const plain = typeof value === 'boolean' ? Number(value) : value;
  if (type === 'BLOB' || plain instanceof Uint8Array) return plain;
  if (type === 'TEXT') return typeof plain === 'string' ? plain : numberToText(plain);
  if (type === 'UNSIGNED_BIGINT' && isBeyondSigned(plain)) return BigInt.asIntN(64, BigInt(plain));
  const number = typeof plain === 'string' ? textToNumber(plain) : plain;
  return typeof number === 'bigint' && (number > INT64_MAX || number < INT64_MIN)
    ? Number(number)
    : number;
}

/** What SQLite makes of a value that it compares with a column of this type. */
export function asCompared(value: Value, type: ColumnType): Value {
  // What wraps around when it is stored is a number of its own when it is compared with.
  return withAffinity(value, type === 'UNSIGNED_BIGINT' ? 'BIGINT' : type);
}

/**
 * Whole numbers from 2^63 to 2^64, which SQLite does not have: an unsigned column holds the negative
 * ones with the same bits, so that none is lost. osquery gives NULL.
 */
function isBeyondSigned(value: number | bigint | string): boolean {
  if (typeof value === 'string' && !/^\d{19,20}$/.test(value)) return false;
  if (typeof value === 'number' && !Number.isInteger(value)) return false;
  const whole = BigInt(value);
  return whole > INT64_MAX && whole < 2n ** 64n;
}

/** The number a text stands for, or the text itself when it stands for none. */
export function textToNumber(text: string): number | bigint | string {
  if (!NUMERIC.test(text)) return text;
  const number = Number(text);
  if (Number.isSafeInteger(number) || !/^\s*[+-]?\d+\s*$/.test(text)) return number;
  const whole = BigInt(text.trim().replace(/^\+/, ''));
  return whole > INT64_MAX || whole < INT64_MIN ? number : whole;
}

/**
 * A key such that values which are equal under any affinity and any of SQLite's own collations
 * (not those of versions) have the same key. The converse need not hold: SQLite compares again.
 */
export function looseKey(value: Value): string | number {
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString('hex')}`;
  if (typeof value !== 'string') return Number(value);
  if (NUMERIC.test(value)) return Number(value);
  return `t${value.replace(/ +$/, '').replace(/[A-Z]+/g, (upper) => upper.toLowerCase())}`;
}

/** Sets the result of a column or function. `type` decides whether a whole number is a real. */
export function setResult(
  { wasm, raw }: Sqlite,
  context: Pointer,
  value: Value | undefined,
  type?: ColumnType,
): void {
  switch (typeof value) {
    case 'number':
      if (type === 'DOUBLE' || !Number.isInteger(value) || Math.abs(value) >= 2 ** 63)
        raw.sqlite3_result_double(context, value);
      else if (value === (value | 0)) raw.sqlite3_result_int(context, value);
      else raw.sqlite3_result_int64(context, BigInt(value));
      return;
    case 'bigint':
      raw.sqlite3_result_int64(context, BigInt.asIntN(64, value));
      return;
    case 'string':
    case 'object': {
      if (value === null) return raw.sqlite3_result_null(context);
      const bytes = typeof value === 'string' ? Buffer.from(value) : value;
      const at = raw.sqlite3_malloc(bytes.length + 1);
      if (at === 0) return raw.sqlite3_result_error_nomem(context);
      wasm.heap8u().set(bytes, at);
      const set = typeof value === 'string' ? raw.sqlite3_result_text : raw.sqlite3_result_blob;
      set(context, at, bytes.length, TRANSIENT);
      raw.sqlite3_free(at);
      return;
    }
    default:
      raw.sqlite3_result_null(context);
  }
}

/** A sqlite3_value as a function or a cursor is given it. */
export function readValue({ wasm, raw }: Sqlite, value: Pointer): Value {
  switch (raw.sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      return fromInt64(raw.sqlite3_value_int64(value));
    case SQLITE_FLOAT:
      return raw.sqlite3_value_double(value);
    case SQLITE_TEXT: {
      const at = raw.sqlite3_value_text(value);
      return decode(wasm.heap8u(), at, raw.sqlite3_value_bytes(value));
    }
    case SQLITE_BLOB: {
      const at = raw.sqlite3_value_blob(value);
      return wasm.heap8u().slice(at, at + raw.sqlite3_value_bytes(value));
    }
    default:
      return null;
  }
}

/** A column of the statement's current row. */
export function readColumn({ wasm, raw }: Sqlite, statement: Pointer, column: number): Value {
  switch (raw.sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return fromInt64(raw.sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
      return raw.sqlite3_column_double(statement, column);
    case SQLITE_TEXT: {
      const at = raw.sqlite3_column_text(statement, column);
      return decode(wasm.heap8u(), at, raw.sqlite3_column_bytes(statement, column));
    }
    case SQLITE_BLOB: {
      const at = raw.sqlite3_column_blob(statement, column);
      return wasm.heap8u().slice(at, at + raw.sqlite3_column_bytes(statement, column));
    }
    default:
      return null;
  }
}

function fromInt64(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function decode(heap: Uint8Array, at: Pointer, bytes: number): string {
  return Buffer.from(heap.buffer, heap.byteOffset + at, bytes).toString('utf8');
}

function numberToText(value: number | bigint): string {
  return typeof value === 'number' && Object.is(value, -0) ? '0' : String(value);
}
