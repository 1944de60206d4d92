/** Prints answers as they come: a table whose widths the first answers set, CSV, or one JSON array. */
import type { Value } from '../tables/index.ts';
import { csvLine, json, TableWriter } from './text.ts';

export type Format = 'table' | 'csv' | 'json';

type Rows = readonly (readonly (Value | undefined)[])[];

export class RowPrinter {
  readonly #format: Format;
  readonly #write: (text: string) => void;
  #columns: readonly string[] | undefined;
  #writer: TableWriter | undefined;
  /** Answers held back so that the table's widths fit most of them. */
  #held: (readonly (Value | undefined)[])[] = [];
  #heldSince = 0;
  #count = 0;

  constructor(format: Format, write: (text: string) => void) {
    this.#format = format;
    this.#write = write;
  }

  /** One host's rows. Hosts of another version may have other columns: those are matched by name. */
  add(columns: readonly string[], rows: Rows): void {
    if (columns.length === 0) return;
    this.#columns ??= columns;
    const aligned = this.#align(columns, rows);
    this.#count += aligned.length;
    if (this.#format === 'json') this.#addJson(columns, rows);
    else if (this.#format === 'csv') this.#addCsv(aligned);
    else this.#addTable(aligned);
  }

  end(): void {
    if (this.#format === 'json') this.#write(this.#started ? '\n]\n' : '[]\n');
    else if (this.#format === 'table' && this.#columns !== undefined) {
      this.#flush();
      this.#write(`(${this.#count} ${this.#count === 1 ? 'row' : 'rows'})\n`);
    }
  }

  #started = false;

  #addJson(columns: readonly string[], rows: Rows): void {
    for (const row of rows) {
      const object = Object.fromEntries(columns.map((column, i) => [column, row[i] ?? null]));
      this.#write(`${this.#started ? ',\n' : '[\n'} ${json(object)}`);
      this.#started = true;
    }
  }

  #addCsv(rows: Rows): void {
    if (!this.#started) this.#write(csvLine(this.#columns!));
    this.#started = true;
    for (const row of rows) this.#write(csvLine(row));
  }

  #addTable(rows: Rows): void {
    if (this.#writer !== undefined) {
      this.#write(this.#writer.rows(rows));
      return;
    }
    if (this.#held.length === 0) this.#heldSince = performance.now();
    this.#held.push(...rows);
    const heldMs = performance.now() - this.#heldSince;
    if (this.#held.length > HELD_ROWS_MAX || heldMs > HELD_MS_MAX) this.#flush();
  }

  #flush(): void {
    if (this.#writer !== undefined) return;
    this.#held.sort((a, b) =>
      String(a[0]) < String(b[0]) ? -1 : String(a[0]) > String(b[0]) ? 1 : 0,
    );
    this.#writer = new TableWriter(this.#columns!);
    const lines = this.#writer.rows(this.#held);
    this.#write(this.#writer.header() + lines);
    this.#held = [];
  }

  #align(columns: readonly string[], rows: Rows): Rows {
    const wanted = this.#columns!;
    if (wanted.length === columns.length && wanted.every((name, i) => columns[i] === name))
      return rows;
    const at = wanted.map((name) => columns.indexOf(name));
    return rows.map((row) => at.map((i) => (i < 0 ? null : row[i])));
  }
}

const HELD_ROWS_MAX = 1_000;
/** People see the first rows within this time of the first answer, also when other hosts are slow. */
const HELD_MS_MAX = 300;
