import { existsSync, readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { findTable, notOffered } from '../../src/tables/index.ts';

test('a table is either offered or said not to be, never both', () => {
  for (const [name, reason] of Object.entries(notOffered)) {
    expect(findTable(name), name).toBeUndefined();
    expect(reason, name).toMatch(/^[a-z]/);
  }
});

test('evented tables are named', () => {
  for (const name of ['process_events', 'file_events', 'socket_events', 'user_events']) {
    expect(notOffered[name]).toContain('events');
  }
});

/** osquery's schema, which is not part of this repository. */
const SPECS = '/work/shared/corpus/osquery_specs.json';
/** Still to be decided by who writes the tables of hardware. */
const HARDWARE = /^(memory_|secureboot_)/;

test.runIf(existsSync(SPECS))("each of osquery's tables is served, or the reason is known", () => {
  const specs = JSON.parse(readFileSync(SPECS, 'utf8')) as { table: string }[];
  const silent = specs
    .map((spec) => spec.table)
    .filter((name) => findTable(name) === undefined && notOffered[name] === undefined)
    .filter((name) => !HARDWARE.test(name));
  expect(silent).toEqual([]);
});
