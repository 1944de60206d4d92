/**
 * The canonical form of rows, for history: one encoding, and so one hash, of a row, of its key and
 * of a table's whole state, the same at the host, at the hub and in SQL (docs/protocol.md section
 * 10, vectors in test/tables/canonical.json).
 */
import { createHash } from 'node:crypto';
import type { ColumnType, HostTable, Shape, ShapeRow, Value } from './types.ts';

/**
 * Hidden columns are no part of a row's history, nor is load. A table that shows nothing else has no
 * columns here: it cannot be tracked.
 */
export function shapeOf(table: Pick<HostTable, 'columns' | 'key'>): Shape {
  const columns = table.columns
    .filter((column) => column.hidden !== true && column.load !== true)
    .map(({ name, type }) => ({ name, type }));
  return { columns, key: table.key.filter((name) => columns.some((it) => it.name === name)) };
}

/**
 * SHA-256 of a line `column NAME TYPE` for each column and `key NAME` for each key column, and of a query
 * a line `query HASH` with that of its text: another text is another shape.
 */
export function shapeHash({ columns, key, query }: Shape): Uint8Array {
  const lines = [
    ...columns.map(({ name, type }) => `column ${name} ${type}\n`),
    ...key.map((name) => `key ${name}\n`),
    ...(query === undefined ? [] : [`query ${createHash('sha256').update(query).digest('hex')}\n`]),
  ];
  return sha256(Buffer.from(lines.join('')));
}

/**
 * The row as it is encoded, stored and compared: what does not fit a column's type is NULL, whole
 * numbers are signed 64-bit ones, text is well-formed and holds no U+0000.
 */
export function canonicalRow({ columns }: Shape, row: ShapeRow): ShapeRow {
  return columns.map(({ type }, at) => canonicalValue(row[at] ?? null, type));
}

/** `row` is canonical. */
export function encodeRow({ columns }: Shape, row: ShapeRow): Uint8Array {
  return joined(columns.map(({ type }, at) => encodeValue(row[at] ?? null, type)));
}

/**
 * Reads what `encodeRow` made.
 * @throws RangeError when it is no row of this shape, or not in its canonical form
 */
export function decodeRow({ columns }: Shape, bytes: Uint8Array): ShapeRow {
  const reader = new Reader(bytes);
  const row = columns.map(({ type }) => reader.value(type));
  reader.end();
  return row;
}

/** SHA-256 of the encoded row. `row` is canonical. */
export function rowHash(shape: Shape, row: ShapeRow): Uint8Array {
  return sha256(encodeRow(shape, row));
}

/** SHA-256 of the key columns, encoded in the order of `key`. `row` is canonical. */
export function keyHash({ columns, key }: Shape, row: ShapeRow): Uint8Array {
  const parts = key.map((name) => {
    const at = columns.findIndex((column) => column.name === name);
    return encodeValue(row[at] ?? null, columns[at]!.type);
  });
  return sha256(joined(parts));
}

/** SHA-256 of the row hashes, sorted bytewise, each once. */
export function documentHash(rowHashes: Iterable<Uint8Array>): Uint8Array {
  const sorted = [...rowHashes].sort((a, b) => Buffer.compare(a, b));
  const hash = createHash('sha256');
  sorted.forEach((one, at) => {
    if (at === 0 || Buffer.compare(one, sorted[at - 1]!) !== 0) hash.update(one);
  });
  return plain(hash.digest());
}

export function canonicalValue(value: Value, type: ColumnType): Value {
  if (value === null) return null;
  switch (type) {
    case 'TEXT':
      return canonicalText(value);
    case 'BLOB':
      return value instanceof Uint8Array ? value : plain(Buffer.from(String(value)));
    case 'DOUBLE': {
      const number = value instanceof Uint8Array ? undefined : numberOf(value);
      if (number === undefined || !Number.isFinite(Number(number))) return null;
      return Number(number) + 0;
    }
    default:
      return value instanceof Uint8Array ? null : canonicalInteger(value, type);
  }
}

const TAG = { null: 0, integer: 1, double: 2, text: 3, blob: 4 } as const;
const NULL = Uint8Array.of(TAG.null);

function encodeValue(value: Value, type: ColumnType): Uint8Array {
  if (value === null) return NULL;
  if (type === 'TEXT') return withLength(TAG.text, Buffer.from(value as string));
  if (type === 'BLOB') return withLength(TAG.blob, value as Uint8Array);
  const bytes = Buffer.alloc(9);
  bytes[0] = TAG_OF[type];
  if (type === 'DOUBLE') bytes.writeDoubleBE(Number(value), 1);
  else bytes.writeBigInt64BE(BigInt(value as number | bigint), 1);
  return bytes;
}

function withLength(tag: number, bytes: Uint8Array): Uint8Array {
  const head = Buffer.alloc(5);
  head[0] = tag;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  value(type: ColumnType): Value {
    const tag = this.#take(1)[0];
    if (tag === TAG.null) return null;
    if (tag !== TAG_OF[type]) throw new RangeError(`tag ${tag} in a column of type ${type}`);
    const value = this.#content(type);
    if (typeof value !== 'string' || !value.includes('\0')) return value;
    throw new RangeError('text that is not canonical');
  }

  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw new RangeError(`${left} bytes behind the last column`);
  }

  #content(type: ColumnType): NonNullable<Value> {
    if (type === 'DOUBLE') {
      const number = this.#take(8).readDoubleBE();
      if (Number.isFinite(number) && !Object.is(number, -0)) return number;
      throw new RangeError('a double that is not canonical');
    }
    if (type !== 'TEXT' && type !== 'BLOB') return narrow(this.#take(8).readBigInt64BE());
    const bytes = this.#take(this.#take(4).readUInt32BE());
    return type === 'BLOB' ? plain(bytes) : textOf(bytes);
  }

  #take(count: number): Buffer {
    if (this.#at + count > this.#bytes.length) throw new RangeError('the row breaks off');
    return this.#bytes.subarray(this.#at, (this.#at += count));
  }
}

const TAG_OF: Readonly<Record<ColumnType, number>> = {
  INTEGER: TAG.integer,
  BIGINT: TAG.integer,
  UNSIGNED_BIGINT: TAG.integer,
  DOUBLE: TAG.double,
  TEXT: TAG.text,
  BLOB: TAG.blob,
};

/** The compiler keeps the list whole: it is TAG_OF's. PostgreSQL's types are in sql/63-shape.sql, column_type. */
export const COLUMN_TYPES = Object.keys(TAG_OF) as readonly ColumnType[];

export function isColumnType(text: string): text is ColumnType {
  return Object.hasOwn(TAG_OF, text);
}

/** A byte order mark is text like any other. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws TypeError when it is no UTF-8 */
function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  // What stands for ill-formed bytes may be meant as it is: the slower decoder knows.
  return text.includes('\ufffd') ? utf8.decode(bytes) : text;
}

function narrow(whole: bigint): number | bigint {
  return Number.isSafeInteger(Number(whole)) ? Number(whole) : whole;
}

function canonicalText(value: NonNullable<Value>): string {
  // Through bytes: that is what replaces lone surrogates and ill-formed UTF-8.
  const bytes = value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value));
  return bytes.toString('utf8').replaceAll('\0', '\ufffd');
}

/** Fractions are cut off; beyond 64 bits there is no value. Unsigned ones wrap. */
function canonicalInteger(value: string | number | bigint, type: ColumnType): Value {
  const number = numberOf(value);
  if (number === undefined || !Number.isFinite(Number(number))) return null;
  const whole = typeof number === 'bigint' ? number : BigInt(Math.trunc(number));
  const most = type === 'UNSIGNED_BIGINT' ? 2n ** 64n : 2n ** 63n;
  if (whole >= most || whole < -(2n ** 63n)) return null;
  return narrow(BigInt.asIntN(64, whole));
}

/** Undefined for text that stands for no number. */
function numberOf(value: string | number | bigint): number | bigint | undefined {
  if (typeof value !== 'string') return value;
  if (/^[+-]?\d{1,20}$/.test(value)) return BigInt(value.replace('+', ''));
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value) ? Number(value) : undefined;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return plain(Buffer.concat(parts));
}

function sha256(bytes: Uint8Array): Uint8Array {
  return plain(createHash('sha256').update(bytes).digest());
}

/** Buffer's methods differ from Uint8Array's, so they stay inside. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
