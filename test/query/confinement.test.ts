import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(() => void (fixture = new Fixture()));
afterAll(() => fixture.close());

const ENDLESS = 'with recursive r(x) as (select 1 union all select x + 1 from r)';

describe('what is not a read of host tables is refused', () => {
  test.each([
    ["attach 'x.db' as x", 'ATTACH'],
    ['pragma table_info(people)', 'PRAGMA'],
    ["select * from pragma_table_info('people')", 'pragma_table_info'],
    ['select count(*) from pragma_database_list', 'pragma_database_list'],
    ['select * from sqlite_master', 'sqlite_master'],
    ['select count(*) from sqlite_temp_master', 'sqlite_temp_master'],
    ["insert into people (name) values ('x')", 'may not be modified|INSERT'],
    ['delete from people', 'may not be modified|DELETE'],
    ["update people set name = 'x'", 'may not be modified|UPDATE'],
    ['create table t (a)', 'INSERT|CREATE'],
    ['create temp table t (a)', 'INSERT|CREATE'],
    ['create view v as select 1', 'INSERT|CREATE'],
    ['create virtual table v using people', 'INSERT|CREATE'],
    ['drop table people', 'DELETE|DROP'],
    ['begin', 'BEGIN'],
    ['savepoint s', 'SAVEPOINT'],
    ['analyze', 'ANALYZE|INSERT|CREATE'],
    ['explain select 1', 'EXPLAIN'],
    ['explain query plan select 1', 'EXPLAIN'],
    ['select 1; select 2', 'select 2'],
    ['select 1; /* x */ drop table people', 'drop table people'],
    ["select load_extension('/tmp/x.so')", 'load_extension'],
    ["select fts5('x')", 'fts5'],
    ['select * from dbstat', 'dbstat'],
  ])('%s', async (sql, named) => {
    expect(await fixture.error(sql)).toMatch(
      new RegExp(`^(not_authorized|no_such_table|syntax): .*(${named})`),
    );
  });

  test('VACUUM INTO writes nothing', async () => {
    const file = join(fixture.root, 'copy.db');
    expect(await fixture.error(`vacuum into '${file}'`)).toMatch(/^not_authorized/);
    expect(existsSync(file)).toBe(false);
  });

  test('a refusal leaves the process as it was', async () => {
    expect(await fixture.values('select name from people where id = 1')).toEqual(['Ada']);
  });
});

describe('names and quotes', () => {
  test('a comment and a semicolon may follow', async () => {
    expect(await fixture.values('select 1; -- that is all\n/* and */ ;')).toEqual([1]);
  });

  test('double quotes hold a string where no column has the name, as in osquery', async () => {
    expect(await fixture.values('select "id" from people where name = "Ada"')).toEqual([1]);
  });

  test.each([
    [
      'select \'it\'\'s\', "a""b", [id], `name` from people where id = 1',
      ["it's", 'a"b', 1, 'Ada'],
    ],
    ["select char(39) || '--' || ';' || x'00'", ["'--;\0"]],
    ["select '💥', length('💥')", ['💥', 1]],
  ])('%s', async (sql, row) => {
    expect(await fixture.rows(sql)).toEqual([row]);
  });

  test('a zero byte is refused rather than ending the statement', async () => {
    expect(await fixture.error('select 1\0; drop table people')).toMatch(/^syntax: .*zero byte/);
  });

  test('an unfinished string, an empty text and nonsense are syntax errors', async () => {
    for (const sql of [
      "select 'x",
      '',
      '  -- nothing',
      'selec 1',
      'select * from',
      'select 1 from people where',
    ])
      expect(await fixture.error(sql)).toMatch(/^syntax: /);
  });

  test('names with two letters swapped are near', async () => {
    expect(await fixture.error('select * from pepole')).toContain('did you mean "people"?');
    expect(await fixture.error("select lwoer('A')")).toContain('did you mean lower()?');
  });

  test.each([
    ['show tables', 'syntax: ', '`swarmplane tables` lists the tables there are'],
    ['.tables', 'syntax: ', '`swarmplane tables` lists the tables there are'],
    ['\\dt', 'syntax: ', '`swarmplane tables` lists the tables there are'],
    ['\\d people', 'syntax: ', '`swarmplane tables people` shows the columns'],
    ['.schema people', 'syntax: ', '`swarmplane tables people` shows the columns'],
    ['describe people', 'syntax: ', '`swarmplane tables people` shows the columns'],
    ["select * from people where name ilike 'a'", 'syntax: ', 'LIKE does not mind the case'],
    ['select now()', 'syntax: ', "write datetime('now'), or unixepoch()"],
    ['drop table nothing', 'not_authorized: ', 'DROP TABLE is not allowed'],
    ['/* x */ create temp  table t (a)', 'not_authorized: ', 'CREATE TEMP TABLE is not allowed'],
    ['create table t (a)', 'not_authorized: ', 'CREATE TABLE is not allowed'],
  ])('%s is told what it is here', async (sql, code, hint) => {
    const message = await fixture.error(sql);
    expect(message.startsWith(code), message).toBe(true);
    expect(message).toContain(hint);
  });

  test('near names are told', async () => {
    expect(await fixture.error('select * from digest')).toBe(
      'no_such_table: no such table: "digest"; did you mean "digests"?',
    );
    expect(await fixture.error('select nam from people')).toContain('did you mean "name"?');
    expect(await fixture.error('select * from file_events')).toBe(
      'no_such_table: no such table: "file_events"; events are out of scope for now',
    );
  });
});

describe('limits', () => {
  const tight = () => new Fixture({ timeMs: 1_000, rowsMax: 100, answerBytesMax: 10_000 });

  test.each([
    ['recursion without end', `${ENDLESS} select count(*) from r`],
    ['a cross join of billions', 'select count(*) from numbers a, numbers b, numbers c'],
    ['a sort of everything', `${ENDLESS} select x from r order by x desc`],
    [
      'an expression that backtracks',
      "select regex_match(printf('%.5000c', 'a'), '^(?=(a+)+b)', 0)",
    ],
  ])('%s ends in time', async (_, sql) => {
    const limited = tight();
    try {
      expect(await limited.error(sql)).toMatch(/^(time_limit|memory_limit): /);
      expect(await limited.values('select 1')).toEqual([1]);
    } finally {
      await limited.close();
    }
  });

  test('an expression of the linear kind does not even take long', async () => {
    const sql = "select regex_match(printf('%.5000c', 'a') || 'b', '^(a+)+$', 0)";
    expect(await fixture.values(sql)).toEqual([null]);
  });

  test.each([
    ['huge strings', 'select length(hex(zeroblob(900000000)))'],
    [
      'strings that grow',
      `${ENDLESS} select length(group_concat(printf('%.1000000c', 'x'))) from (select x from r limit 1000)`,
    ],
    [
      'many values at once',
      `${ENDLESS} select count(*) from (select distinct printf('%.9000c%d', 'x', x) from (select x from r limit 100000))`,
    ],
    [
      'replace that multiplies',
      "select replace(replace(printf('%.30000c','a'),'a',printf('%.30000c','b')),'b',printf('%.30000c','c'))",
    ],
  ])('%s end at the memory limit', async (_, sql) => {
    expect(await fixture.error(sql)).toMatch(/^memory_limit: /);
    expect(await fixture.values('select 1')).toEqual([1]);
  });

  test.each([
    ['parentheses', `select ${'('.repeat(20_000)}1${')'.repeat(20_000)}`],
    ['NOTs', `select ${'not '.repeat(15_000)}1`],
    ['subqueries', `select ${'(select '.repeat(5_000)}1${')'.repeat(5_000)}`],
    ['FROM clauses', `${'select * from ('.repeat(2_000)}select 1${')'.repeat(2_000)}`],
    ['compound selects', Array.from({ length: 4_000 }, () => 'select 1').join(' union ')],
    ['CASEs', `select ${'case when 1 then '.repeat(3_000)}1${' end'.repeat(3_000)}`],
    ['columns', `select ${Array.from({ length: 20_000 }, () => 1).join()}`],
    ['joins', `select 1 from ${Array.from({ length: 100 }, (_, i) => `people p${i}`).join()}`],
  ])('deep nesting of %s is an error', async (_, sql) => {
    expect(await fixture.error(sql)).toMatch(/^(syntax|memory_limit|failed): /);
    expect(await fixture.values('select 1')).toEqual([1]);
  });

  test('SQL over 64 KiB is not even sent', async () => {
    const sql = `select '${'x'.repeat(64 * 1024)}'`;
    expect(await fixture.error(sql)).toBe(
      `sql_too_long: the query has ${sql.length} bytes and at most 65536 are allowed; shorten it`,
    );
    expect(await fixture.values(`select length('${'x'.repeat(64_000)}')`)).toEqual([64_000]);
  });

  test('rows and bytes over the limits are left out and it is said', async () => {
    const limited = tight();
    try {
      const many = await limited.runner.run('select n from numbers');
      expect([many.rows.length, many.truncated]).toEqual([100, true]);
      expect(many.warnings).toEqual([
        'truncated: the host gives 100 rows; narrow the query, or raise limits.rows_max in its config.yaml',
      ]);
      const wide = await limited.runner.run('select * from wide');
      expect([wide.rows.length > 50, wide.rows.length < 100, wide.truncated]).toEqual([
        true,
        true,
        true,
      ]);
      expect(wide.warnings).toEqual([
        expect.stringMatching(
          /^truncated: the host gives \d+ bytes .* fewer columns, or for the rows in parts$/,
        ),
      ]);
      const exact = await limited.runner.run('select n from numbers limit 100');
      expect([exact.rows.length, exact.truncated]).toEqual([100, false]);
    } finally {
      await limited.close();
    }
  });
});

describe('permission', () => {
  test('sensitive tables need it', async () => {
    expect(await fixture.error('select count(*) from secrets')).toMatch(
      /^not_authorized: "secrets"/,
    );
    expect((await fixture.runner.prepare('select * from secrets')).sensitive).toEqual(['secrets']);
    const { rows } = await fixture.runner.run('select * from secrets', { allowSensitive: true });
    expect(rows).toEqual([['x']]);
  });

  test('a table that the configuration denies is not served', async () => {
    const denying = new Fixture({}, { denyTables: ['PEOPLE'] });
    try {
      expect(await denying.error('select * from people')).toBe(
        'not_authorized: table "people" is not served by this host: its configuration denies it',
      );
      expect(await denying.error('select * from persons')).toMatch(/^no(t_authorized|_such_table)/);
    } finally {
      await denying.close();
    }
  });

  test('the query process gets none of the secrets in the environment', () => {
    const script = `
      import { createQueryRunner } from ${JSON.stringify(new URL('../../dist/query/index.js', import.meta.url).href)};
      import { readFileSync } from 'node:fs';
      const runner = createQueryRunner({ facts: () => ({ members: [{ host: 'a' }], links: [], alarms: [], agent: {} }),
        registry: ${JSON.stringify(new URL('./fixtures/tables.mjs', import.meta.url).href)} });
      const { rows } = await runner.run('select pid from facts');
      process.stdout.write(readFileSync('/proc/' + rows[0][0] + '/environ', 'utf8'));
      await runner.stop();`;
    const env = { ...process.env, SWARMPLANE_SECRET: 'do-not-tell' };
    const environment = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      env,
      encoding: 'utf8',
    });
    expect(environment).toContain('PATH=');
    expect(environment).not.toContain('do-not-tell');
  });
});
