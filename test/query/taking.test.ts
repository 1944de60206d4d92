/** A table taken whole: visible columns, each row once, with the hashes that history compares. */
import { afterEach, expect, test } from 'vitest';
import { QueryError } from '../../src/query/index.ts';
import { decodeRow, documentHash, keyHash, rowHash } from '../../src/tables/canonical.ts';
import { Fixture } from './fixture.ts';

let fixture: Fixture;
afterEach(() => fixture.close());

test('gives the rows of a query for all visible columns, with their hashes', async () => {
  fixture = new Fixture();
  const { shape, rows, hash, truncated } = await fixture.runner.take('people');
  expect(truncated).toBe(false);
  expect(shape.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'id BIGINT',
    'name TEXT',
    'city TEXT',
    'path TEXT',
  ]);
  const values = rows.map(({ bytes }) => decodeRow(shape, bytes));
  expect(values).toEqual(await fixture.rows('select id, name, city, path from people'));
  expect(rows.map(({ row }) => row)).toEqual(values.map((row) => rowHash(shape, row)));
  expect(rows.map(({ key }) => key)).toEqual(values.map((row) => keyHash(shape, row)));
  expect(hash).toEqual(documentHash(rows.map(({ row }) => row)));
});

test('takes no load, and not what shows nothing else', async () => {
  fixture = new Fixture();
  const { shape, rows } = await fixture.runner.take('disks');
  expect(shape).toEqual({ columns: [{ name: 'path', type: 'TEXT' }], key: ['path'] });
  // two disks of different free space at one place are the same state
  expect(rows).toHaveLength(1);
  expect(await fixture.rows('select path, free from disks')).toEqual([
    ['/', 10],
    ['/', 20],
  ]);
  await expect(fixture.runner.take('busy')).rejects.toMatchObject({ code: 'load_only' });
  await expect(fixture.runner.take('nowhere')).rejects.toMatchObject({ code: 'table_absent' });
});

test('says that rows were left out, and takes no more of them than a query gives', async () => {
  fixture = new Fixture({ rowsMax: 3 });
  const { rows, truncated } = await fixture.runner.take('people');
  expect([rows.length, truncated]).toEqual([3, true]);
});

test('refuses what a query is refused, and goes on', async () => {
  fixture = new Fixture();
  for (const [table, code] of [
    ['nonesuch', 'no_such_table'],
    ['people; drop table people', 'no_such_table'],
    ['secrets', 'not_authorized'],
    ['digests', 'constraint_required'],
  ] as const) {
    const error: unknown = await fixture.runner.take(table).catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(QueryError);
    expect((error as QueryError).code).toBe(code);
  }
  expect((await fixture.runner.take('secrets', { allowSensitive: true })).rows).toHaveLength(1);
});
