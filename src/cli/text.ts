/** Values and rows as text: aligned tables, CSV and JSON. */
import { printable } from '../agent/client.ts';
import type { Value } from '../tables/index.ts';

export { printable } from '../agent/client.ts';

/**
 * A value as one line of a terminal. Rows come from other machines: control characters could move
 * the cursor or recolour the screen, so they are shown as escapes.
 */
export function cell(value: Value | undefined | boolean): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  return printable(String(value));
}

/** UTC, to the second. */
export function timeText(at: Date): string {
  return at.toISOString().slice(0, 19).replace('T', ' ');
}

/** RFC 4180, with a line feed at the ends of lines. On a terminal nothing unprintable goes out raw. */
export function csvLine(values: readonly (Value | undefined)[]): string {
  const fields = values.map((value) => {
    const text =
      value instanceof Uint8Array
        ? cell(value)
        : value === null || value === undefined
          ? ''
          : shown(String(value));
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${fields.join(',')}\n`;
}

function shown(text: string): string {
  return process.stdout.isTTY ? printable(text) : text;
}

/** JSON with 64-bit integers as digits, bytes as hex text and what is unprintable as escapes. */
export function json(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return JSON.stringify(cell(value));
  if (Array.isArray(value)) return `[${value.map(json).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => `${printable(JSON.stringify(key))}:${json(item)}`);
    return `{${fields.join(',')}}`;
  }
  return printable(JSON.stringify(value ?? null));
}

/** A whole table, columns as wide as their widest value. */
export function table(
  columns: readonly string[],
  rows: readonly (readonly (Value | undefined)[])[],
): string {
  const writer = new TableWriter(columns);
  const lines = writer.rows(rows);
  return writer.header() + lines;
}

/** Writes a table in parts: widths come from the first part and only grow. */
export class TableWriter {
  readonly #columns: readonly string[];
  readonly #widths: number[];

  constructor(columns: readonly string[]) {
    this.#columns = columns.map(printable);
    this.#widths = this.#columns.map(width);
  }

  /** Call after the first `rows`, whose widths it has then. */
  header(): string {
    const rule = this.#widths.map((size) => '-'.repeat(size + 2)).join('+');
    return `${this.#line(this.#columns)}${rule}\n`;
  }

  rows(rows: readonly (readonly (Value | undefined)[])[]): string {
    const texts = rows.map((row) => this.#columns.map((_, i) => cell(row[i])));
    for (const text of texts) {
      for (const [i, value] of text.entries()) {
        this.#widths[i] = Math.max(this.#widths[i]!, Math.min(width(value), WIDTH_MAX));
      }
    }
    return texts.map((text) => this.#line(text)).join('');
  }

  #line(values: readonly string[]): string {
    const padded = values.map(
      (value, i) => ` ${value}${' '.repeat(Math.max(0, this.#widths[i]! - width(value)))} `,
    );
    return `${padded.join('|').trimEnd()}\n`;
  }
}

/** One very long value must not push all others off the screen. */
const WIDTH_MAX = 60;

function width(text: string): number {
  return [...text].length;
}
