import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { allTables, findTable, notOffered, otherSystems } from '../../src/tables/index.ts';
import { hasCorpus, OSQUERY_SPECS } from '../helpers/corpus.ts';
import { only } from '../helpers/needs.ts';

test('a table is either offered or said not to be, never both', () => {
  for (const [name, reason] of Object.entries(notOffered)) {
    expect(findTable(name), name).toBeUndefined();
    expect(reason, name).toMatch(/^[a-z]/);
  }
});

test('tables of other systems say so, and name only tables that are here', () => {
  expect(otherSystems['launchd']).toBe(
    'it is a table of macOS, and hosts here run Linux; see systemd_units',
  );
  expect(otherSystems['registry']).toBe('it is a table of Windows, and hosts here run Linux');
  const served = new Set(allTables.map(({ name }) => name));
  for (const [name, reason] of Object.entries(otherSystems)) {
    expect(notOffered[name], name).toBeUndefined();
    for (const instead of /; see (.*)$/.exec(reason)?.[1]?.split(' and ') ?? [])
      expect(served).toContain(instead);
  }
});

test('evented tables are named', () => {
  for (const name of ['process_file_events', 'hardware_events', 'user_events']) {
    expect(notOffered[name]).toContain('events');
  }
});

only(hasCorpus, 'beside ../shared/corpus')(
  "each of osquery's tables is served, or the reason is known",
  () => {
    const specs = JSON.parse(readFileSync(OSQUERY_SPECS, 'utf8')) as { table: string }[];
    const silent = specs
      .map((spec) => spec.table)
      .filter((name) => findTable(name) === undefined && notOffered[name] === undefined);
    expect(silent).toEqual([]);
  },
);
