/**
 * JSON text for jsonb columns, written here because JSON.stringify knows neither bigint nor bytes and
 * because PostgreSQL stores neither U+0000 nor lone surrogates.
 */
import type { Value } from '../../tables/types.ts';

export interface RowsText {
  /** A JSON array of objects. */
  readonly text: string;
  /** Ordinals, from 1, of rows in which a character was replaced. */
  readonly altered: readonly number[];
}

const UNSTORABLE = /[\0\p{Surrogate}]/gu;

/**
 * Rows as objects by column name. A 64-bit integer stays a number with all its digits, bytes become
 * text in PostgreSQL's hex form (`\x00ff`), an infinite number becomes text, what PostgreSQL cannot
 * store becomes U+FFFD. Of columns with one name the second is called `name:1`, as SQLite does.
 */
export function rowsToJson(
  columns: readonly string[],
  rows: readonly (readonly Value[])[],
): RowsText {
  const keys = uniqueNames(columns).map((name) => `${jsonText(name)}:`);
  const altered: number[] = [];
  const objects = rows.map((row, index) => {
    let replaced = false;
    const fields = keys.map((key, at) => {
      const value = row[at] ?? null;
      if (typeof value === 'string' && isUnstorable(value)) replaced = true;
      return key + jsonValue(value);
    });
    if (replaced) altered.push(index + 1);
    return `{${fields.join(',')}}`;
  });
  return { text: `[${objects.join(',')}]`, altered };
}

/** A text as JSON, with characters that PostgreSQL cannot store replaced. */
export function jsonText(text: string): string {
  return JSON.stringify(storable(text));
}

/** The text with U+FFFD for what PostgreSQL cannot store. */
export function storable(text: string): string {
  return isUnstorable(text) ? text.replace(UNSTORABLE, '\ufffd') : text;
}

/** One row as a JSON array; values as in `rowsToJson`. */
export function valuesToJson(row: readonly Value[]): string {
  return `[${row.map(jsonValue).join(',')}]`;
}

/** Plain data as JSON, every text in it made storable. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'string') return storable(inner);
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    const entries = Object.entries(inner);
    if (!entries.some(([key]) => isUnstorable(key))) return inner;
    return Object.fromEntries(entries.map(([key, field]) => [storable(key), field]));
  });
}

function isUnstorable(text: string): boolean {
  UNSTORABLE.lastIndex = 0;
  return UNSTORABLE.test(text);
}

function jsonValue(value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return jsonText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : `"${value}"`;
  return `"\\\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}"`;
}

export function uniqueNames(columns: readonly string[]): string[] {
  const seen = new Set<string>();
  return columns.map((column) => {
    const base = storable(column);
    let name = base;
    for (let n = 1; seen.has(name); n++) name = `${base}:${n}`;
    seen.add(name);
    return name;
  });
}
