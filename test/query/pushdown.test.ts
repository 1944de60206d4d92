import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Fixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(() => void (fixture = new Fixture()));
afterEach(() => void fixture.calls());
afterAll(() => fixture.close());

test('a join feeds the required column: five rows, five calls', async () => {
  const rows = await fixture.rows(
    'select name, digest from people join digests on digests.path = people.path',
  );
  expect(rows).toHaveLength(5);
  expect(rows[0]).toEqual(['Ada', 'd/p/1']);
  expect(fixture.calls()).toEqual([
    'people [name,path]',
    ...[1, 2, 3, 4, 5].map((n) => `digests path eq /p/${n}`),
  ]);
});

test('the same value is looked up once however often a join asks', async () => {
  const rows = await fixture.rows(
    "select p.id, d.digest from people p join digests d on d.path = '/p/' || (p.id % 2)",
  );
  expect(rows).toHaveLength(5);
  expect(fixture.calls().filter((call) => call.startsWith('digests'))).toHaveLength(2);
});

test('a constant reaches the collector of a snapshot, typed as the column', async () => {
  expect(await fixture.values("select name from people where id = '3'")).toEqual(['Edsger']);
  expect(fixture.calls()).toEqual(['people [id,name] id eq 3']);
});

test('a constant that holds for one use of a table and not the other is not told', async () => {
  const rows = await fixture.rows(
    'select a.name, b.name from people a, people b where a.id = 1 and b.id > 3',
  );
  expect(rows).toEqual([
    ['Ada', 'Barbara'],
    ['Ada', 'Alan'],
  ]);
  expect(fixture.calls()).toEqual(['people [id,name]']);
});

test('constants under OR are not told, and no row comes twice', async () => {
  const names = await fixture.values(
    "select name from people where id = 1 or path = '/p/1' or id = 2",
  );
  expect(names).toEqual(['Ada', 'Grace']);
  expect(fixture.calls()).toEqual(['people [id,name,path]']);
});

test('IN lists look each value up once', async () => {
  const sql = "select digest from digests where path in ('/p/2', '/p/1', '/p/2') order by 1";
  expect(await fixture.values(sql)).toEqual(['d/p/1', 'd/p/2']);
  expect(fixture.calls().toSorted()).toEqual(['digests path eq /p/1', 'digests path eq /p/2']);
});

test('a value that a list and an equality both name is one row', async () => {
  for (const both of ["= '/p/1' and path in", "in ('/p/1', '/p/3') and path in"]) {
    const sql = `select digest from digests where path ${both} ('/p/2', '/p/1')`;
    expect(await fixture.values(sql)).toEqual(['d/p/1']);
  }
});

test('one file found by name and by pattern is one row', async () => {
  const sql = "select digest from digests where path = '/p/1' or path like '/p/%' order by 1";
  expect(await fixture.values(sql)).toEqual(['d/p/1', 'd/p/2', 'd/p/3']);
});

test('LIKE and GLOB reach the collector as they were written', async () => {
  await fixture.rows("select path from digests where path like '/etc/%%'");
  await fixture.rows("select path from digests where path glob '/etc/*'");
  expect(fixture.calls()).toEqual([
    'digests path like /etc/%%',
    'digests path ge /etc/, path lt /etc0, path glob /etc/*',
  ]);
});

test('a table that needs a path says so, names the columns and shows an example', async () => {
  expect(await fixture.error('select * from digests')).toBe(
    'constraint_required: table "digests" is not read without its column "path" or "directory" ' +
      "given by =, in, like or a join, for example: select * from digests where path = '/etc/hosts'",
  );
  expect(await fixture.error("select * from digests where digest = 'x'")).toMatch(
    /^constraint_required/,
  );
  expect(await fixture.error("select * from digests where path > '/a'")).toMatch(
    /^constraint_required/,
  );
});

test('a left join to a table that needs a path keeps rows without a match', async () => {
  const rows = await fixture.rows(
    "select p.id, d.digest from people p left join digests d on d.path = nullif(p.path, '/p/2')",
  );
  expect(rows).toContainEqual([2, null]);
  expect(rows).toHaveLength(5);
});

test('text compares without case where the column is declared so, and with case elsewhere', async () => {
  expect(await fixture.values("select name from people where city = 'LONDON'")).toEqual([
    'Ada',
    'Alan',
  ]);
  expect(await fixture.values("select name from people where name = 'ADA'")).toEqual([]);
  expect(await fixture.values("select name from people where name = 'ADA' collate nocase")).toEqual(
    ['Ada'],
  );
});

test('only columns that are read are asked for, and hidden ones are not part of *', async () => {
  const { columns } = await fixture.runner.run('select * from people');
  expect(columns).toEqual(['id', 'name', 'city', 'path']);
  expect(await fixture.values('select secret_note from people where id = 1')).toEqual(['engine']);
  expect(await fixture.values('select count(*) from people')).toEqual([5]);
  expect(fixture.calls()).toEqual([
    'people [city,id,name,path]',
    'people [id,secret_note] id eq 1',
    'people []',
  ]);
});

test('USING and NATURAL ask for the columns they name, and give the rows that ON gives', async () => {
  const on = 'select p.name, d.digest from people p join digests d on d.path = p.path';
  const wanted = await fixture.rows(on);
  fixture.calls();
  for (const join of ['join digests d using (path)', 'natural join digests d']) {
    expect(await fixture.rows(`select p.name, d.digest from people p ${join}`)).toEqual(wanted);
    expect(fixture.calls()[0]).toBe('people [name,path]');
  }
  expect(await fixture.values('select count(*) from people join digests using (path)')).toEqual([
    5,
  ]);
  expect(fixture.calls()[0]).toBe('people [path]');
  const { tables } = await fixture.runner.explain('select 1 from people join digests using (path)');
  expect(tables.map(({ table, columns }) => [table, columns])).toEqual([
    ['people', ['path']],
    ['digests', ['path']],
  ]);
});

test('a column that only an inner select names, and nobody reads, is not asked for', async () => {
  expect(await fixture.values('select count(*) from (select * from people)')).toEqual([5]);
  expect(fixture.calls()).toEqual(['people []']);
});

test('LIMIT stops a long table early and lets go of what it holds', async () => {
  expect(await fixture.values('select n from numbers limit 3')).toEqual([0, 1, 2]);
  expect(fixture.calls()).toEqual(['numbers closed']);
});

test('an alias is the table', async () => {
  expect(await fixture.values('select name from persons where id = 2')).toEqual(['Grace']);
  expect((await fixture.runner.prepare('select name from persons')).tables).toEqual(['people']);
});

test('--explain tells tables, columns and constraints without reading anything', async () => {
  const told = await fixture.runner.explain(
    'select name, digest from people p join digests d on d.path = p.path where p.id = 3',
  );
  expect(told.tables).toEqual([
    { table: 'people', kind: 'snapshot', columns: ['id', 'name', 'path'], constraints: ['id = 3'] },
    { table: 'digests', kind: 'lookup', columns: ['digest', 'path'], constraints: ['path = ?'] },
  ]);
  expect(fixture.calls()).toEqual([]);
});

test('warnings of collectors come with the rows', async () => {
  const { warnings } = await fixture.runner.run('select 1 from people');
  expect(warnings).toEqual(['people: one of them may be imaginary']);
});
