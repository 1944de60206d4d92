/** Taking values out of JSON whose shape is not to be trusted. */
import { TableError, type Row, type Value } from '../types.ts';

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

/** The value that a file of JSON holds, with a byte order mark or not. @throws SyntaxError */
export function parseJson(content: string): Json {
  return JSON.parse(content.replace(/^\ufeff/, '')) as Json;
}

/**
 * The object that a program printed, with a list at `list` where that is said.
 * @throws TableError that quotes what it printed instead
 */
export function printedObject(program: string, output: string, list?: string): JsonObject {
  let value: Json | undefined;
  try {
    value = parseJson(output);
  } catch {
    // As what is no object.
  }
  if (isObject(value) && (list === undefined || Array.isArray(value[list]))) return value;
  const shown = JSON.stringify(output.slice(0, 100));
  throw new TableError(`${program} printed ${shown}, which is not the JSON that it should be`);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of member names, undefined where it is broken off. */
export function at(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let current = value;
  for (const name of path) {
    if (!isObject(current) || !Object.hasOwn(current, name)) return undefined;
    current = current[name];
  }
  return current;
}

export function textAt(value: Json | undefined, ...path: readonly string[]): string | null {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : null;
}

/** An integer; NULL for anything else. */
export function integerAt(value: Json | undefined, ...path: readonly string[]): number | null {
  const found = at(value, ...path);
  // JSON.parse rounds counters past 2^53; near enough, and still an integer.
  return typeof found === 'number' && Number.isFinite(found) ? clampInteger(found) : null;
}

/** 1, 0 or NULL. */
export function flagAt(value: Json | undefined, ...path: readonly string[]): number | null {
  const found = at(value, ...path);
  return typeof found === 'boolean' ? Number(found) : null;
}

export function objectsAt(value: Json | undefined, ...path: readonly string[]): JsonObject[] {
  const found = path.length === 0 ? value : at(value, ...path);
  return Array.isArray(found) ? found.filter(isObject) : [];
}

export function textsAt(value: Json | undefined, ...path: readonly string[]): string[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found.filter((item) => typeof item === 'string') : [];
}

export function entriesAt(value: Json | undefined, ...path: readonly string[]): [string, Json][] {
  const found = path.length === 0 ? value : at(value, ...path);
  return isObject(found) ? Object.entries(found) : [];
}

/** Seconds since 1970 of an RFC 3339 time, NULL for none. */
export function secondsOf(time: string | null): number | null {
  const ms = time === null ? NaN : Date.parse(time);
  return Number.isNaN(ms) ? null : Math.floor(ms / 1000);
}

/** Rows of a map of labels, for a thing with an id. */
export function labelRows(idColumn: string, id: Value, labels: Json | undefined): Row[] {
  return entriesAt(labels).map(([key, value]) => ({
    [idColumn]: id,
    key,
    value: typeof value === 'string' ? value : JSON.stringify(value),
  }));
}

function clampInteger(value: number): number {
  const cut = Math.trunc(value);
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, cut));
}
