/** The rows of a snapshot table, taken once for a statement, with indexes built on first use. */
import type { Column, HostTable, Row, Value } from '../tables/types.ts';
import { isVersionOrder, versionKey, type VersionOrder } from '../tables/version-order.ts';
import type { Collation } from './collation.ts';
import { looseKey, withAffinity } from './values.ts';

type Key = string | number;

export class Snapshot {
  /** Values in the order of the table's columns, with the columns' affinities. */
  readonly rows: readonly (readonly Value[])[];
  private readonly table: HostTable;
  /** By column, and by the order of versions that texts are equal under, if any. */
  private readonly indexes = new Map<Column, Map<VersionOrder | undefined, Map<Key, number[]>>>();
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
  matching(column: Column, collation: Collation, value: Value): readonly number[] {
    if (!isVersionOrder(collation)) return this.find(column, undefined, looseKey(value));
    // A number is compared by value, or as the text that it becomes, by where it comes from.
    if (typeof value !== 'string') return this.all();
    const found = this.find(column, collation, versionKey(collation, value));
    const loose = looseKey(value);
    if (typeof loose === 'string') return found;
    // "1.0" may be compared as the number 1.
    return [...new Set([...found, ...this.find(column, undefined, loose)])];
  }

  private find(column: Column, order: VersionOrder | undefined, key: Key): readonly number[] {
    let indexes = this.indexes.get(column);
    if (indexes === undefined) this.indexes.set(column, (indexes = new Map()));
    let index = indexes.get(order);
    if (index === undefined) indexes.set(order, (index = this.buildIndex(column, order)));
    return index.get(key) ?? [];
  }

  private buildIndex(column: Column, order: VersionOrder | undefined): Map<Key, number[]> {
    const at = this.table.columns.indexOf(column);
    const index = new Map<Key, number[]>();
    this.rows.forEach((row, number) => {
      const value = row[at] ?? null;
      if (value === null) return;
      const key = order === undefined ? looseKey(value) : versionIndexKey(order, value);
      const bucket = index.get(key);
      if (bucket === undefined) index.set(key, [number]);
      else bucket.push(number);
    });
    return index;
  }
}

function versionIndexKey(order: VersionOrder, value: Value): Key {
  return typeof value === 'string' ? versionKey(order, value) : looseKey(value);
}

/** A collector's row as a list of values; what is missing is NULL or '', as osquery has it. */
export function rowValues(table: HostTable, row: Row): readonly Value[] {
  return table.columns.map((column) => {
    const value = row[column.name] ?? column.always ?? missingOf(table, column);
    return withAffinity(value, column.type);
  });
}

function missingOf(table: HostTable, column: Column): Value {
  const isSet = column.type === 'TEXT' && column.unset !== true && column.always === undefined;
  return isSet && table.beyondOsquery !== true ? '' : null;
}
