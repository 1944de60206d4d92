/**
 * The functions of the reduce step with SQL's meanings. alasql's own MAX and MIN pass over text, its
 * SUM joins text, and NULL becomes "undefined" in its string functions; so none of them is used.
 */
import type { Value } from '../tables/types.ts';
import { versionCompare } from './version-compare.ts';

type Scalar = (...args: Value[]) => Value;

/** alasql calls it with stage 1 for the first value of a group, 2 for others, 3 at the end. */
export type Aggregate = (value: Value, state: Value[] | undefined, stage?: number) => unknown;

/** SQL name to function; alasql knows each by its name with a prefix that no name of a person has. */
export const SCALARS: Readonly<Record<string, Scalar>> = {
  ABS: strict((x) => Math.abs(number(x))),
  ROUND: strict((x, digits = 0) => round(number(x), number(digits))),
  FLOOR: strict((x) => Math.floor(number(x))),
  CEIL: strict((x) => Math.ceil(number(x))),
  CEILING: strict((x) => Math.ceil(number(x))),
  SQRT: strict((x) => Math.sqrt(number(x))),
  POWER: strict((x, y) => number(x) ** number(y)),
  UPPER: strict((x) => text(x).replace(/[a-z]+/g, (part) => part.toUpperCase())),
  LOWER: strict((x) => text(x).replace(/[A-Z]+/g, (part) => part.toLowerCase())),
  LENGTH: strict((x) => (x instanceof Uint8Array ? x.length : [...text(x)].length)),
  TRIM: strict((x) => text(x).replace(/^ +| +$/g, '')),
  LTRIM: strict((x) => text(x).replace(/^ +/, '')),
  RTRIM: strict((x) => text(x).replace(/ +$/, '')),
  SUBSTR: strict(substring),
  SUBSTRING: strict(substring),
  REPLACE: strict((x, from, to) =>
    text(from) === '' ? text(x) : text(x).replaceAll(text(from), () => text(to)),
  ),
  INSTR: strict((x, part) => text(x).indexOf(text(part)) + 1),
  COALESCE: (...args) => args.find((it) => !isNull(it)) ?? null,
  IFNULL: (x, y) => (isNull(x) ? (y ?? null) : x!),
  NULLIF: (x, y) => (x === y ? null : (x ?? null)),
  IIF: (condition, yes, no) => (truth(condition) ? (yes ?? null) : (no ?? null)),
  VERSION_COMPARE: strict((a, b, flavour) => versionCompare(text(a), text(b), flavour)),
  CONCAT: (...args) => args.map((it) => (isNull(it) ? '' : text(it))).join(''),
};

export const AGGREGATES: Readonly<Record<string, Aggregate>> = {
  COUNT: gathered((values) => values.length),
  SUM: gathered((values) => (values.length === 0 ? null : total(values))),
  AVG: gathered((values) => (values.length === 0 ? null : total(values) / values.length)),
  TOTAL: gathered(total),
  MIN: greatest(-1),
  MAX: greatest(1),
  GROUP_CONCAT: gathered((values) => (values.length === 0 ? null : values.map(text).join(','))),
  MEDIAN: gathered((values) => median(values.map(number))),
  VAR: gathered((values) => variance(values.map(number))),
  STDEV: gathered((values) => {
    const found = variance(values.map(number));
    return found === null ? null : Math.sqrt(found);
  }),
};

/** NULL in, NULL out. */
function strict(body: Scalar): Scalar {
  return (...args) => {
    if (args.some(isNull)) return null;
    const result = body(...args);
    return typeof result === 'number' && Number.isNaN(result) ? null : result;
  };
}

/** An aggregate over the values that are not NULL. */
function gathered(finish: (values: readonly Value[]) => Value): Aggregate {
  return (value, state, stage) => {
    if (stage === 1) return isNull(value) ? [] : [value];
    if (stage === 2) {
      if (!isNull(value)) state?.push(value);
      return state;
    }
    return finish(state ?? []);
  };
}

function isNull(value: Value | undefined): boolean {
  return value === null || value === undefined;
}

/** As SQLite's arithmetic takes a value: the number a text begins with, or 0. */
function number(value: Value | undefined): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  const found = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?/.exec(text(value ?? ''));
  return found === null ? 0 : Number(found[0]);
}

function text(value: Value | undefined): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value);
}

/** alasql's conditions are booleans already; a text is true when its number is not 0. */
function truth(value: Value | boolean | undefined): boolean {
  if (value === null || value === undefined) return false;
  return typeof value === 'boolean' ? value : number(value) !== 0;
}

function round(value: number, digits: number): number {
  const shift = 10 ** Math.min(15, Math.max(0, Math.trunc(digits)));
  const rounded = Math.round(Math.abs(value) * shift) / shift;
  return value < 0 ? -rounded : rounded;
}

/** substr(text, start from 1 or from the end if negative, length before start if negative). */
function substring(value: Value | undefined, from?: Value, count?: Value): Value {
  const characters = [...text(value)];
  let start = Math.trunc(number(from));
  let length = count === undefined ? Infinity : Math.trunc(number(count));
  if (start < 0) {
    start += characters.length + 1;
    if (start < 1 && length >= 0) [length, start] = [length + start - 1, 1];
  } else if (start === 0 && length > 0) [length, start] = [length - 1, 1];
  if (length < 0) [start, length] = [start + length, -length];
  if (start < 1) [length, start] = [length + start - 1, 1];
  return characters.slice(start - 1, Math.max(start - 1, start - 1 + length)).join('');
}

function total(values: readonly Value[]): number {
  return values.reduce((sum: number, value) => sum + number(value), 0);
}

/**
 * The greatest value, or the least: numbers come before text, text before blobs, as in SQLite.
 * Texts compare byte by byte unless it is said otherwise.
 */
export function greatest(direction: 1 | -1, compareTexts = compareBytes): Aggregate {
  return gathered((values) => {
    let best: Value = null;
    for (const value of values)
      if (best === null || compare(value, best, compareTexts) * direction > 0) best = value;
    return best;
  });
}

function compare(a: Value, b: Value, compareTexts: (a: string, b: string) => number): number {
  const [left, right] = [rank(a), rank(b)];
  if (left !== right) return left - right;
  if (left === 0) return Number(a) - Number(b);
  if (left === 1) return compareTexts(a as string, b as string);
  return Buffer.compare(a as Uint8Array, b as Uint8Array);
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function rank(value: Value): number {
  return typeof value === 'string' ? 1 : value instanceof Uint8Array ? 2 : 0;
}

function median(values: number[]): number | null {
  if (values.length === 0) return null;
  values.sort((a, b) => a - b);
  const middle = values.length >> 1;
  return values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
}

/** Sample variance (n - 1). */
function variance(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}
