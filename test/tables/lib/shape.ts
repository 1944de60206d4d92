/** What every row of every table must be: known columns, values of the column's type. */
import { expect } from 'vitest';

import type { Column, HostTable, Row, Value } from '../../../src/tables/types.ts';

/** Fails naming every value that is not of its column's type, or has no column. */
export function expectShape(table: HostTable, rows: readonly Row[]): void {
  const columns = new Map(table.columns.map((column) => [column.name, column]));
  const problems = new Set<string>();
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      const column = columns.get(name);
      if (column === undefined) problems.add(`${table.name} has no column ${name}`);
      else if (value !== null && value !== undefined && !fits(column, value))
        problems.add(
          `${table.name}.${name} is ${column.type}, got ${typeof value} ${String(value)}`,
        );
    }
  }
  expect([...problems]).toEqual([]);
}

function fits(column: Column, value: Value): boolean {
  switch (column.type) {
    case 'TEXT':
      return typeof value === 'string';
    case 'DOUBLE':
      return typeof value === 'number' && !Number.isNaN(value);
    case 'BLOB':
      return value instanceof Uint8Array;
    case 'INTEGER':
    case 'BIGINT':
    case 'UNSIGNED_BIGINT':
      return typeof value === 'bigint' || Number.isSafeInteger(value);
  }
}
