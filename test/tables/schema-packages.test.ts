import { existsSync, readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { packagesTables } from '../../src/tables/registry-packages.ts';

/** osquery's schema, which is not part of this repository. */
const SPECS = '/work/shared/corpus/osquery_specs.json';

interface Spec {
  readonly table: string;
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
    readonly platforms?: readonly string[] | null;
    readonly options: Readonly<Record<string, unknown>>;
  }[];
}

describe.skipIf(!existsSync(SPECS))("tables have osquery's columns, types and options", () => {
  const specs = new Map(
    (existsSync(SPECS) ? (JSON.parse(readFileSync(SPECS, 'utf8')) as Spec[]) : []).map((spec) => [
      spec.table,
      spec,
    ]),
  );
  for (const table of packagesTables) {
    test(table.name, () => {
      const spec = specs.get(table.name);
      expect(spec !== undefined, 'is either in osquery or said to be beyond it').toBe(
        table.beyondOsquery !== true,
      );
      if (spec === undefined) return;
      expect(
        table.columns.map(({ doc, ...declared }) => ({ ...declared, doc: doc !== '' })),
      ).toEqual(
        spec.columns.map((column) => ({
          name: column.name,
          // SQLite knows no DATETIME; osquery gives seconds since 1970 in text form.
          type: column.type === 'DATETIME' ? 'TEXT' : column.type,
          doc: true,
          ...pick(column.options, ['index', 'additional', 'required', 'collate']),
          ...(isHidden(column) ? { hidden: true } : {}),
        })),
      );
    });
  }
});

test('keys name columns', () => {
  for (const table of packagesTables) {
    const names = new Set(table.columns.map((column) => column.name));
    expect(table.key.length, table.name).toBeGreaterThan(0);
    for (const name of table.key) expect(names, table.name).toContain(name);
  }
});

/** Columns of other platforms are there, so that queries prepare, and hidden, as in osquery. */
function isHidden(column: Spec['columns'][number]): boolean {
  const platforms = column.platforms ?? [];
  return column.options.hidden === true || (platforms.length > 0 && !platforms.includes('linux'));
}

function pick(options: Readonly<Record<string, unknown>>, names: readonly string[]): object {
  return Object.fromEntries(
    names.flatMap((name) => (options[name] ? [[name, options[name]]] : [])),
  );
}
