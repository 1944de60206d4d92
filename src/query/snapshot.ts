/** The rows of a snapshot table, taken once for a statement, with indexes built on first use. */
import type { Column, HostTable, Row, Value } from '../tables/types.ts';
import { looseKey, withAffinity } from './values.ts';

export class Snapshot {
  /** Values in the order of the table's columns, with the columns' affinities. */
  readonly rows: readonly (readonly Value[])[];
  private readonly table: HostTable;
  private readonly indexes = new Map<Column, Map<string | number, number[]>>();
  private everything: readonly number[] | undefined;

  constructor(table: HostTable, rows: readonly Row[]) {
    this.table = table;
    this.rows = rows.map((row) => rowValues(table, row));
  }

  /** Numbers of all rows. */
  all(): readonly number[] {
    return (this.everything ??= Array.from(this.rows.keys()));
  }

  /** Numbers of rows whose column may equal the value; SQLite compares again. */
  matching(column: Column, value: Value): readonly number[] {
    let index = this.indexes.get(column);
    if (index === undefined) this.indexes.set(column, (index = this.buildIndex(column)));
    return index.get(looseKey(value)) ?? [];
  }

  private buildIndex(column: Column): Map<string | number, number[]> {
    const at = this.table.columns.indexOf(column);
    const index = new Map<string | number, number[]>();
    this.rows.forEach((row, number) => {
      const value = row[at] ?? null;
      if (value === null) return;
      const key = looseKey(value);
      const bucket = index.get(key);
      if (bucket === undefined) index.set(key, [number]);
      else bucket.push(number);
    });
    return index;
  }
}

/** A collector's row as a list of values, with NULL for what is missing. */
export function rowValues(table: HostTable, row: Row): readonly Value[] {
  return table.columns.map((column) => withAffinity(row[column.name], column.type));
}
