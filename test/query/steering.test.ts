/**
 * Columns that say where to look: every query that SQLite can plan with them as an index gives the rows
 * of the places it names, as over a table of all places; any other is refused.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(() => {
  const registry = new URL('./fixtures/steered-tables.mjs', import.meta.url).href;
  fixture = new Fixture({}, { registry });
});
afterAll(() => fixture.close());

const lines = async (sql: string): Promise<string[]> =>
  (await fixture.rows(sql)).map((row) => row.map(String).join(' ')).sort();

describe('a place is looked at', () => {
  it.each([
    ["folder = '/c'", ['/c x', '/c z']],
    ["'/c' = folder", ['/c x', '/c z']],
    ["folder = '/' || 'c'", ['/c x', '/c z']],
    ["folder in ('/c', '/a', '/c')", ['/a x', '/a y', '/c x', '/c z']],
    ["folder = '/c' or folder = '/b'", ['/b y', '/c x', '/c z']],
    ["folder in (select folder from ids where id = 'i')", ['/c x', '/c z']],
    ["folder = (select folder from ids where id = 'i')", ['/c x', '/c z']],
    ["folder in ('/c', '/d') and name = 'z'", ['/c z']],
    ["folder = '/c' and folder = '/c'", ['/c x', '/c z']],
    ["folder = '/c' and folder = '/a'", []],
    ['folder = null', []],
    ["folder = '/nowhere'", []],
    ["folder = '/e'", ['/e y', '/e y']],
    ["folder = '/c' and folder <> '/a'", ['/c x', '/c z']],
    ["folder is not null and folder <> '/a'", ['/b y']],
    ['1', ['/a x', '/a y', '/b y']],
    ["name = 'x'", ['/a x']],
  ])('where %s', async (where, rows) => {
    expect(await lines(`select folder, name from things where ${where}`)).toEqual(rows);
  });

  it.each([
    ['select t.name from ids i join things t on t.folder = i.folder', ['x', 'x', 'y', 'z']],
    ['select t.name from things t join ids i using (folder)', ['x', 'x', 'y', 'z']],
    [
      'select i.id, t.name from ids i left join things t on t.folder = i.folder',
      ['i x', 'i z', 'j x', 'j y', 'k null'],
    ],
    [
      "select name from things where folder = '/c' union all select name from things where folder = '/b'",
      ['x', 'y', 'z'],
    ],
    [
      "select name from things where folder = '/c' union all select name from things",
      ['x', 'x', 'y', 'y', 'z'],
    ],
    [
      'select (select count(*) from things t where t.folder = i.folder) from ids i',
      ['0', '2', '2'],
    ],
    [
      "with f(folder) as (values ('/c'), ('/e')) select name from f join things using (folder)",
      ['x', 'y', 'y', 'z'],
    ],
    ["select count(*) from things where folder in ('/a', '/c')", ['4']],
    [
      "select b.name from things a join things b on b.folder = '/' || a.name where a.folder = '/e'",
      [],
    ],
    ['select name from things order by folder, name limit 2', ['x', 'y']],
    ['select distinct folder from things', ['/a', '/b']],
    ["select folder from things where folder = '/c' intersect select '/c'", ['/c']],
    ["select '/c' intersect select folder from things where folder in ('/c', '/d')", ['/c']],
    ["select name from things where folder = '/c' intersect select 'z'", ['z']],
    ["select name from things intersect select 'x'", ['x']],
    ["select folder from things except select '/a'", ['/b']],
    ["select '/c' except select folder from things where folder = '/c'", []],
    ["select folder from things union select '/c' order by 1", ['/a', '/b', '/c']],
    [
      "select name from things where folder in (select folder from things where name = 'x')",
      ['x', 'y'],
    ],
    ["select id from ids where folder in (select folder from things where folder = '/c')", ['i']],
    ['select distinct lower(folder) from things', ['/a', '/b']],
    ['select count(distinct folder), count(distinct upper(folder)) from things', ['2 2']],
    ['select folder from things group by folder having count(folder) > 1', ['/a']],
    ['select upper(folder) f from things order by f desc limit 1', ['/B']],
    ["select name from things where folder not in ('/a', '/c', '/d')", ['y']],
    ["select name from things where lower(folder) <> '/a'", ['y']],
    ["select coalesce(nullif(folder, ''), '-') f from things where name = 'x'", ['/a']],
    ["select case name when 'x' then folder else '' end from things", ['', '', '/a']],
    ['select rank() over (order by folder) r from things', ['1', '1', '3']],
    // What a table is given from the default places is compared with it once more.
    [
      'select t.name from (select distinct folder from things) d join things t using (folder)',
      ['x', 'y', 'y'],
    ],
    [
      "select name from things where folder = '/c' and lower(folder) = '/c' and name || '' = 'z'",
      ['z'],
    ],
  ])('%s', async (sql, rows) => {
    expect(await lines(sql)).toEqual(rows);
  });

  it('once each, however often it is named', async () => {
    fixture.calls();
    await lines(
      "select * from things where folder in ('/c', '/c') union all select * from things where folder = '/c'",
    );
    expect(fixture.calls()).toEqual(['things /c']);
    await lines('select * from ids a, ids b, things t where t.folder = a.folder');
    expect([...fixture.calls()].sort()).toEqual(['things /a', 'things /c']);
  });

  it('of a collector that answers later as well, whose column is required', async () => {
    expect(await lines('select d.detail from ids i join details d on d.id = i.id')).toEqual([
      'i1',
      'i2',
      'j1',
      'j2',
      'k1',
      'k2',
    ]);
    expect(
      await lines('select detail from ids join details using (id) where folder is not null'),
    ).toEqual(['i1', 'i2', 'j1', 'j2']);
    expect(await lines("select detail from details where id in ('i', 'q')")).toEqual([
      'i1',
      'i2',
      'q1',
      'q2',
    ]);
    expect(await lines("select detail from details where id = 'I' and id = 'i'")).toEqual([
      'I1',
      'I2',
    ]);
    expect(await fixture.error("select * from ids join details on details.id = 'fail'")).toMatch(
      /no such id/,
    );
  });

  it('and explain says that it is told', async () => {
    const { tables } = await fixture.runner.explain(
      "select name from things where folder in ('/a', '/c')",
    );
    expect(tables).toEqual([
      expect.objectContaining({ table: 'things', constraints: ['folder = ?'] }),
    ]);
  });
});

describe('what would look elsewhere is refused', () => {
  it.each([
    "select * from things where folder like '/c%'",
    "select * from things where folder glob '/c*'",
    "select * from things where folder > '/b'",
    "select * from things where folder between '/b' and '/d'",
    "select * from things where folder = '/C' collate nocase",
    "select * from things where folder = '/c' or name like 'y%'",
    'select * from things t cross join ids i where t.folder = i.folder',
    'select * from things a join things b on a.folder = b.folder',
    "select * from things where case when folder = '/c' then 1 else 0 end",
    "select * from things where lower(folder) = '/c'",
    "select * from things where folder || '' = '/c'",
    "select * from things where folder || '' in ('/c', '/d', '/e')",
    "select * from things where not (lower(folder) <> '/c')",
    "select * from things where coalesce(folder, '') = '/c'",
    "select * from things where iif(name = 'x', folder, '') = '/c'",
    "select * from things where instr(folder, '/c')",
    "select * from things where nullif(folder, '/c') is null",
    'select * from things where lower(folder) in (select folder from ids)',
    "select * from (select * from things limit 9) where folder = '/c'",
    "select * from (select *, row_number() over (partition by name) n from things) where folder = '/c'",
    "with t as materialized (select * from things) select * from t where folder = '/c'",
    'with t as materialized (select * from things) select * from ids i join t on t.folder = i.folder',
    "select folder from things group by folder having lower(folder) = '/c'",
    "select name, max(folder) m from things group by name having m = '/c'",
    "select count(*) filter (where lower(folder) = '/c') from things",
    "select folder from things intersect select '/c'",
    "select '/c' intersect select folder from things",
    "select name, folder from things intersect select 'z', '/c' order by 1",
    "select lower(folder) from things intersect select '/c'",
    "select folder from things union select '/d' intersect select '/c'",
    "select '/c' except select folder from things",
    'select folder from ids except select folder from things order by 1',
    'select id from ids where folder in (select folder from things)',
    'select id from ids where folder not in (select folder from things)',
    'select id from ids where (folder, 1) in (select folder, 1 from things)',
    "select id from ids where exists (select folder from things intersect select '/c')",
  ])('%s', async (sql) => {
    expect(await fixture.error(sql)).toMatch(
      /^constraint_required: "folder" of table "things" says where to look, so it is given by =, in or a join/,
    );
  });

  it.each([
    'select * from details',
    "select * from details where id like 'i%'",
    "select * from details where detail = 'i1'",
  ])('%s', async (sql) => {
    expect(await fixture.error(sql)).toMatch(/^constraint_required: .*"id".*=, in or a join/);
  });

  it('and more places than a query may name', async () => {
    const sql = `with recursive n(i) as (values (1) union all select i + 1 from n where i < 1500)
      select t.name from n join things t on t.folder = '/' || n.i`;
    expect(await fixture.error(sql)).toMatch(
      /more than 1000 values for "folder" of table "things"/,
    );
  });
});

describe('a column with one value here', () => {
  it.each(['fixed', 'fixed_files'])('of %s has it in every row', async (table) => {
    expect(await lines(`select name, pid, namespace from ${table}`)).toEqual([
      'x 0 null',
      'y 0 null',
    ]);
    for (const where of ['pid = 0', "pid = '0'", 'pid is not null', 'namespace is null'])
      expect(await lines(`select name from ${table} where ${where}`)).toEqual(['x', 'y']);
  });

  it.each([
    'pid = 1',
    'pid in (0, 1)',
    'pid <> 0',
    'pid > 0',
    'pid is null',
    'pid + 0 = 1',
    "name = 'x' or pid = 1",
    "namespace = '4026531840'",
    "namespace like '4%'",
    'namespace is not null',
    'name in (select name from ids i where i.id = pid)',
  ])('is not compared with another: %s', async (where) => {
    for (const table of ['fixed', 'fixed_files'])
      expect(await fixture.error(`select * from ${table} where ${where}`)).toMatch(
        /^not_served: "(pid|namespace)" of table "fixed(_files)?" is always (0|NULL): .* not served here; (leave it out|table ids has it)$/,
      );
  });

  it('nor fed by a join', async () => {
    expect(await fixture.error('select * from ids i join fixed f on f.pid = i.id')).toMatch(
      /^not_served: /,
    );
  });
});
