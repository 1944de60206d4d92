/** A table taken whole: visible columns, each row once, with the hashes that history compares. */
import { afterEach, expect, test } from 'vitest';
import { QueryError } from '../../src/query/index.ts';
import {
  decodeRow,
  documentHash,
  keyHash,
  rowHash,
  shapeHash,
} from '../../src/tables/canonical.ts';
import { toHex } from '../../src/wire/index.ts';
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

const BY_CITY = {
  query: 'select city, count(*) as n, max(name) as last from people group by city',
  columns: [
    { name: 'city', type: 'TEXT' },
    { name: 'n', type: 'BIGINT' },
    { name: 'last', type: 'TEXT' },
  ],
  key: ['city'],
} as const;

test('takes the rows of a query by the shape that it is declared to have', async () => {
  fixture = new Fixture();
  const { shape, rows, hash } = await fixture.runner.take(BY_CITY);
  expect(shape).toEqual(BY_CITY);
  const values = rows.map(({ bytes }) => decodeRow(shape, bytes));
  expect(values).toEqual(await fixture.rows(BY_CITY.query));
  expect(rows.map(({ key }) => key)).toEqual(values.map((row) => keyHash(shape, row)));
  expect(hash).toEqual(documentHash(rows.map(({ row }) => row)));
});

test('another text is another shape, and another host than declared is an error', async () => {
  fixture = new Fixture();
  const table = { columns: BY_CITY.columns, key: BY_CITY.key };
  const other = { ...BY_CITY, query: `${BY_CITY.query} order by 1` };
  expect(new Set([table, BY_CITY, other].map((one) => toHex(shapeHash(one)))).size).toBe(3);
  const wrong = { ...BY_CITY, query: 'select city, count(*) as m, max(name) as last from people' };
  await expect(fixture.runner.take(wrong)).rejects.toMatchObject({
    code: 'no_such_column',
    message:
      'the query gives the columns city, m, last here, and is declared to give city, n, last',
  });
  const secret = { query: 'select count(*) as n from secrets', columns: [], key: [] };
  await expect(
    fixture.runner.take({ ...secret, columns: [{ name: 'n', type: 'BIGINT' }] }),
  ).rejects.toMatchObject({ code: 'not_authorized' });
});

test('describes the columns of a query with types that hold every value', async () => {
  fixture = new Fixture();
  const typesOf = async (sql: string): Promise<string> => {
    const { columns } = await fixture.runner.describe(sql);
    return columns.map(({ name, type }) => `${name} ${type}`).join(', ');
  };
  expect(await typesOf(BY_CITY.query)).toBe('city TEXT, n BIGINT, last TEXT');
  expect(await typesOf(`${BY_CITY.query} order by n desc limit 2`)).toBe(
    'city TEXT, n BIGINT, last TEXT',
  );
  expect(
    await typesOf('select p.id as a, q.id + 1 as b, avg(p.id) as c from people p, people q'),
  ).toBe('a BIGINT, b BIGINT, c DOUBLE');
  expect(await typesOf('select id as x from people union select name from people')).toBe('x TEXT');
  expect(await typesOf(`select case when id = 1 then 'one' else id end as x from people`)).toBe(
    'x TEXT',
  );
  expect(await typesOf('select coalesce(id, 0) as x, cast(name as double) as y from people')).toBe(
    'x BIGINT, y DOUBLE',
  );
  expect(
    await typesOf('select s.n as n from (select count(*) as n from people group by city) s'),
  ).toBe('n BIGINT');
  expect(
    await typesOf('select null as x, upper(name) as y, 1.5 as z, name || id as w from people'),
  ).toBe('x TEXT, y TEXT, z DOUBLE, w TEXT');
  expect(await typesOf('with t as (select id, name from people) select distinct * from t')).toBe(
    'id BIGINT, name TEXT',
  );
  await expect(fixture.runner.describe('select nope from people')).rejects.toMatchObject({
    code: 'no_such_column',
  });
  const { tables, sensitive } = await fixture.runner.describe('select * from secrets, people');
  expect({ tables, sensitive }).toEqual({ tables: ['people', 'secrets'], sensitive: ['secrets'] });
});
