/** Every table against osquery's schema, and every row it gives here against its own columns. */
import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { allTables, findTable, TableError } from '../../src/tables/index.ts';
import type { Column, HostTable, Row, Value } from '../../src/tables/types.ts';
import { hasCorpus, OSQUERY_SPECS } from '../helpers/corpus.ts';
import { rowsOf } from './lib/context.ts';
import { only } from '../helpers/needs.ts';

interface SpecColumn {
  readonly name: string;
  readonly type: string;
  readonly options: Record<string, unknown>;
  readonly platforms?: readonly string[];
  readonly aliases?: readonly string[];
}

interface Spec {
  readonly table: string;
  readonly aliases: readonly string[];
  readonly columns: readonly SpecColumn[];
}

describe('the declarations', () => {
  it('have names and aliases that are all different', () => {
    const names = allTables.flatMap((table) => [table.name, ...(table.aliases ?? [])]);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(findTable(name.toUpperCase())).toBeDefined();
    expect(findTable('no_such_table')).toBeUndefined();
  });

  it.each(allTables.map((table) => [table.name, table] as const))('%s is whole', (_, table) => {
    expect(table.description).toMatch(/^[A-Z/].*\.$/s);
    const names = table.columns.map((column) => column.name);
    expect(new Set(names).size).toBe(names.length);
    for (const column of table.columns) expect(column.doc, column.name).toMatch(/^\S.*\.$/s);
    for (const key of table.key) expect(names).toContain(key);
  });
});

only(
  hasCorpus,
  'beside ../shared/corpus',
  describe,
)("columns are those of osquery's schema", () => {
  const specs = hasCorpus
    ? new Map((JSON.parse(readFileSync(OSQUERY_SPECS, 'utf8')) as Spec[]).map((s) => [s.table, s]))
    : new Map<string, Spec>();
  const osqueryTables = allTables.filter((table) => table.beyondOsquery !== true);

  it.each(osqueryTables.map((table) => [table.name, table] as const))('%s', (name, table) => {
    const spec = specs.get(name);
    if (spec === undefined) throw new Error(`${name} is not osquery's: say beyondOsquery`);
    expect([...(table.aliases ?? [])].sort()).toEqual([...spec.aliases].sort());
    expect(table.columns.map(shapeOf)).toEqual(spec.columns.flatMap(shapesOf));
  });

  it('beyondOsquery is said only of tables that osquery has not', () => {
    for (const table of allTables) {
      if (table.beyondOsquery) expect(specs.has(table.name), table.name).toBe(false);
    }
  });
});

describe('rows hold what their columns say and differ in their key', () => {
  const scannable = allTables.filter((table) => !table.columns.some((column) => column.required));

  it.each(scannable.map((table) => [table.name, table] as const))('%s', async (_, table) => {
    const keys = new Set<string>();
    const problems = new Set<string>();
    // An `expect` for each value would take a minute for the files of all packages.
    const columns = new Map(table.columns.map((column) => [column.name, column]));
    for (const row of await rowsOrReason(table)) {
      const key = table.key.map((column) => String(row[column] ?? '')).join('\0');
      if (keys.has(key) && !MAY_REPEAT.has(table.name))
        problems.add(`two rows have the key ${key}`);
      keys.add(key);
      for (const [name, value] of Object.entries(row)) {
        const column = columns.get(name);
        if (column === undefined) problems.add(`a value for ${name}, which it has not`);
        else if (!fits(column, value)) problems.add(`${name} = ${String(value)}`);
      }
    }
    expect([...problems]).toEqual([]);
  });
});

/** Where a host may truly hold the same thing twice, e.g. one mount over another at one place. */
const MAY_REPEAT = new Set([
  'mounts',
  'etc_hosts',
  'process_envs',
  'process_events',
  'socket_events',
  'ip6tables',
  'iptables',
  'failed_logins',
  'last',
  'logged_in_users',
  // Its addresses are all zero for ordinary users.
  'memory_map',
]);

/** A table this machine cannot serve must say so as it should. */
async function rowsOrReason(table: HostTable): Promise<Row[]> {
  try {
    return await rowsOf(table);
  } catch (error) {
    if (!(error instanceof TableError)) throw error;
    expect(['table_unavailable', 'table_absent']).toContain(error.code);
    expect(error.message.length).toBeGreaterThan(15);
    return [];
  }
}

function shapeOf(column: Column): object {
  const { name, type, hidden, required, index, additional, collate } = column;
  return { name, type, hidden, required, index, additional, collate };
}

/** A column of the schema, and after it its other names, which are hidden. */
function shapesOf(column: SpecColumn): object[] {
  const { hidden, required, index, additional, collate } = column.options;
  const foreign = column.platforms !== undefined && !column.platforms.includes('linux');
  const shape = {
    name: column.name,
    type: column.type === 'DATETIME' ? 'TEXT' : column.type,
    hidden: hidden === true || foreign ? true : undefined,
    required,
    index,
    additional,
    collate,
  };
  const aliases = (column.aliases ?? []).map((name) => ({ ...shape, name, hidden: true }));
  return [shape, ...aliases];
}

function fits(column: Column, value: Value | undefined): boolean {
  if (value === null || value === undefined) return true;
  switch (column.type) {
    case 'TEXT':
      return typeof value === 'string';
    case 'DOUBLE':
      return typeof value === 'number' && Number.isFinite(value);
    case 'BLOB':
      return value instanceof Uint8Array;
    case 'INTEGER':
    case 'BIGINT':
      return isWide(value) || Number.isSafeInteger(value);
    case 'UNSIGNED_BIGINT':
      return (isWide(value) || Number.isSafeInteger(value)) && Number(value) >= 0;
  }
}

/** A bigint is for what a number cannot hold. */
function isWide(value: Value): boolean {
  return typeof value === 'bigint' && !Number.isSafeInteger(Number(value));
}

it('versions of our own tables compare as versions', () => {
  const own = allTables.filter(({ beyondOsquery }) => beyondOsquery);
  const versions = own.flatMap(({ name, columns }) =>
    columns
      .filter((it) => it.type === 'TEXT' && /version$/.test(it.name))
      .map((it) => ({ name, it })),
  );
  expect(versions.length).toBeGreaterThan(0);
  for (const { name, it: column } of versions)
    expect(column.collate, `${name}.${column.name}`).toMatch(/^version/);
});
