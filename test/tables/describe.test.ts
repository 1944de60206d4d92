import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { allTables, describeTables, findTable, tableSummary } from '../../src/tables/index.ts';
import { comparedWith } from '../../src/tables/compared-with.ts';
import { describeTable } from '../../src/tables/describe.ts';
import type { HostTable } from '../../src/tables/types.ts';

describe('tables in words', () => {
  it('docs/tables.md is what the declarations say (else run scripts/tables-doc.ts)', () => {
    const written = readFileSync(new URL('../../docs/tables.md', import.meta.url), 'utf8');
    expect(written).toBe(describeTables(allTables));
  });

  it('every table says what its test compares it with, and a program that it names is in a test', () => {
    expect(Object.keys(comparedWith).sort()).toEqual(allTables.map(({ name }) => name).sort());
    const folder = new URL('.', import.meta.url);
    const tests = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => readFileSync(new URL(file, folder), 'utf8'))
      .join('\n');
    for (const [table, source] of Object.entries(comparedWith))
      for (const [, program] of source.matchAll(/`([\w-]+)[^`]*`/g))
        expect(new RegExp(`\\b${program}\\b`).test(tests), `${table}: ${program}`).toBe(true);
  });

  it('names what sets a table and its columns apart', () => {
    const page = describeTable(PLANTS);
    expect(page).toContain('## plants');
    expect(page).toContain('Key: name; cost: cheap; needs a constraint on name; sensitive');
    expect(page).toContain('also called flora; not in osquery.');
    expect(page).toContain('| name | TEXT | required, collates nocase | A \\| B. |');
    expect(page).toContain('| age | INTEGER | hidden | Years. |');
    expect(page).toContain('| height | INTEGER | load | Centimetres. |');
  });

  it('sums a table up for lists', () => {
    expect(tableSummary(PLANTS)).toEqual({
      name: 'plants',
      description: 'What grows.',
      cost: 'cheap',
      columns: 2,
      sensitive: true,
      beyondOsquery: true,
      aliases: ['flora'],
      required: ['name'],
    });
    expect(tableSummary(findTable('hosts')!).name).toBe('etc_hosts');
  });
});

const PLANTS: HostTable = {
  kind: 'snapshot',
  name: 'plants',
  aliases: ['flora'],
  description: 'What grows.',
  cost: 'cheap',
  key: ['name'],
  sensitive: true,
  beyondOsquery: true,
  columns: [
    { name: 'name', type: 'TEXT', doc: 'A | B.', required: true, collate: 'nocase' },
    { name: 'age', type: 'INTEGER', doc: 'Years.', hidden: true },
    { name: 'height', type: 'INTEGER', doc: 'Centimetres.', load: true },
  ],
  collect: () => [],
};
