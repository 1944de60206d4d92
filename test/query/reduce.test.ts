import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reduce } from '../../src/query/index.ts';
import { guardReduce } from '../../src/query/reduce-guard.ts';

const ANSWERS = {
  columns: ['host', 'name', 'version', 'count'],
  rows: [
    ['a', 'bash', '5.1', 3],
    ['b', 'bash', '5.2', 4],
    ['c', 'bash', '5.1', null],
    ['d', 'zsh', '1', 10n],
  ],
};

async function rows(sql: string): Promise<unknown> {
  return (await reduce(sql, ANSWERS)).rows;
}

async function refusal(sql: string): Promise<string> {
  return reduce(sql, ANSWERS).then(
    ({ rows }) => `rows ${JSON.stringify(rows)}`,
    (error: Error) => error.message,
  );
}

describe('the clock of the step', () => {
  test('is another one than that of its process, which no Node starts in a millisecond', async () => {
    const sql = 'select count(*) from answers';
    await expect(reduce(sql, ANSWERS, { startMs: 1 })).rejects.toMatchObject({
      code: 'time_limit',
      message: 'the reduce process was not ready within 1 ms; try again',
    });
  });

  test('ends a join without end', async () => {
    const many = { columns: ['n'], rows: Array.from({ length: 3_000 }, (_, n) => [n]) };
    const sql = 'select count(*) from answers a, answers b, answers c';
    await expect(reduce(sql, many, { timeMs: 300 })).rejects.toMatchObject({
      code: 'time_limit',
      message: 'the reduce step was ended after 300 ms; narrow it',
    });
  });
});

describe('over the answers of all hosts', () => {
  test.each([
    [
      'select version, count(*) as hosts from answers group by version order by hosts desc, version',
      [
        ['5.1', 2],
        ['1', 1],
        ['5.2', 1],
      ],
    ],
    [
      'select sum("count"), avg(count), min(version), max(version), count(count), count(*) from answers',
      [[17, 17 / 3, '1', '5.2', 3, 4]],
    ],
    [
      "select host from answers where name in ('zsh', 'x') or version like '5.2%' order by host",
      [['b'], ['d']],
    ],
    [
      'select a.host, b.host from answers a join answers b on a.version = b.version and a.host < b.host',
      [['a', 'c']],
    ],
    [
      "select case when count > 3 then 'many' else 'few' end k, count(*) n from answers group by case when count > 3 then 'many' else 'few' end order by k",
      [
        ['few', 2],
        ['many', 2],
      ],
    ],
    ['select distinct name from answers order by name', [['bash'], ['zsh']]],
    [
      'select n from (select name as n, count(*) c from answers group by name) x where c > 1',
      [['bash']],
    ],
    ['select name from answers group by name having count(*) > 2', [['bash']]],
    ["select upper(name) || '!' from answers where host = 'd'", [['ZSH!']]],
    ['select host from answers where count is null', [['c']]],
    ['select host from answers order by host desc limit 2', [['d'], ['c']]],
    [
      "select replace(name, 'b', '''') x, substr(host, 1, 1) from answers where host = 'a'",
      [["'ash", 'a']],
    ],
  ])('%s', async (sql, expected) => {
    expect(await rows(sql)).toEqual(expected);
  });

  describe('versions', () => {
    const versions = {
      columns: ['host', 'version', 'arch'],
      versions: { version: 'version_dpkg' },
      rows: [
        ['a', '3.0.9-1', 'x'],
        ['b', '3.0.19-1', 'x'],
        ['c', '3.0.9-1', 'y'],
        ['d', '1:0.1', 'y'],
        ['e', null, 'y'],
        ['f', '3.0.19~rc1-1', 'x'],
      ],
    } as const;
    const all = ['3.0.9-1', '3.0.19~rc1-1', '3.0.19-1', '1:0.1'];

    test.each([
      ['select max(version), min(version) from answers', [['1:0.1', '3.0.9-1']]],
      ["select max(version) m from answers group by arch having max(version) > '9'", [['1:0.1']]],
      [
        'select distinct version from answers where version is not null order by version',
        all.map((it) => [it]),
      ],
      [
        "select version, count(*) n from answers where version > '0' group by version order by version desc",
        all.toReversed().map((it) => [it, it === '3.0.9-1' ? 2 : 1]),
      ],
      [
        "select host from answers where version < '3.0.10' or '3.0.19-1' < version order by host",
        [['a'], ['c'], ['d']],
      ],
      [
        "select host from answers where version <= '3.0.019-1' and version >= '3.0.10'",
        [['b'], ['f']],
      ],
      ["select host from answers where version between '3.0.10' and '3.0.19'", [['f']]],
      [
        "select host from answers where version not between '3.0.10' and '9' order by 1",
        [['a'], ['c'], ['d']],
      ],
      [
        'select host from answers where version < (select max(version) from answers) order by version desc, host',
        [['b'], ['f'], ['a'], ['c']],
      ],
      [
        'select arch, max(version) as newest from answers group by arch order by newest',
        [
          ['x', '3.0.19-1'],
          ['y', '1:0.1'],
        ],
      ],
      [
        'select arch, max(version) from answers group by arch order by max(version) desc',
        [
          ['y', '1:0.1'],
          ['x', '3.0.19-1'],
        ],
      ],
      [
        'select n from (select arch, max(version) as n from answers group by arch) as q order by 1',
        [['3.0.19-1'], ['1:0.1']],
      ],
      [
        "select q.version from (select version from answers where host < 'c' union select version from answers where version > '3.0.9-1') q order by version",
        all.map((it) => [it]),
      ],
      [
        "select a.host, b.host from answers a join answers b on a.version > b.version and a.host = 'b'",
        [
          ['b', 'a'],
          ['b', 'c'],
          ['b', 'f'],
        ],
      ],
      [
        "select case when version < '3.0.10' then 'old' else 'new' end k from answers where host <= 'b' order by host",
        [['old'], ['new']],
      ],
      [
        "select host from answers where version_compare(version, '3.0.9-1', 'dpkg') = 0 order by host",
        [['a'], ['c']],
      ],
      [
        "select version_compare('1.10', '1.9'), version_compare('1', null) from answers limit 1",
        [[1, null]],
      ],
      // One of several, or in brackets, is the same version.
      ["select host from answers where (version) < '3.0.10' order by host", [['a'], ['c']]],
      [
        "select host from answers where '3.0.10' > coalesce(version, '9') order by 1",
        [['a'], ['c']],
      ],
      [
        "select host from answers where host <= 'b' order by case when host < 'z' then version end desc",
        [['b'], ['a']],
      ],
      ["select max(iif(host < 'd', version, null)) m from answers", [['3.0.19-1']]],
      ["select max(v) from (select nullif(version, '1:0.1') as v from answers) q", [['3.0.19-1']]],
      [
        "select host from answers where '3.0.10' > (select min(version) from answers) order by host limit 1",
        [['a']],
      ],
      // What is the same is so by its text.
      ["select host from answers where version = '3.0.009-1'", []],
    ])('%s', async (sql, expected) => {
      expect((await reduce(sql, versions)).rows).toEqual(expected);
    });

    test('a column that is none compares by its letters', async () => {
      const { columns, rows: plain } = versions;
      const sql = 'select max(version) from answers';
      expect((await reduce(sql, { columns, rows: plain })).rows).toEqual([['3.0.9-1']]);
    });

    describe('of two tables', () => {
      const two = {
        columns: ['deb', 'rpm', 'any', 'name'],
        versions: { deb: 'version_dpkg', rpm: 'version_rhel', any: 'mixed' },
        rows: [['1.10', '1.9', '1.10', 'x']],
      } as const;

      test.each([
        'select * from answers where deb < rpm',
        'select deb from answers where deb between rpm and rpm',
        "select * from answers where any > '1'",
        'select max(any) from answers',
        'select deb from answers order by any',
        'select max(v) from (select deb as v from answers union all select rpm as v from answers) q',
        'select deb from (select deb from answers union select rpm from answers) q order by deb',
        'select coalesce(deb, rpm) as v from answers order by v',
      ])('have no order: %s', async (sql) => {
        await expect(reduce(sql, two)).rejects.toThrow(
          /versions of different tables have no common order here; .* version_compare\(a, b, 'DPKG'\)/,
        );
      });

      test('a name of a version that is another text as well has none either', async () => {
        await expect(reduce('select name as deb from answers order by deb', two)).rejects.toThrow(
          'give what is made of a version a name of its own',
        );
      });

      test.each([
        ['select any, count(*) n from answers group by any', [['1.10', 1]]],
        ['select max(deb), max(rpm) from answers', [['1.10', '1.9']]],
        ["select deb from answers where version_compare(deb, rpm, 'DPKG') > 0", [['1.10']]],
        ['select upper(deb) as deb, count(*) n from answers group by deb', [['1.10', 1]]],
      ])('stay what they are: %s', async (sql, expected) => {
        expect((await reduce(sql, two)).rows).toEqual(expected);
      });
    });

    test('an order that is not there is an error', async () => {
      expect(await refusal("select version_compare(version, '<', '2') from answers")).toMatch(
        /no order of versions is called "2"; write version_compare\(a, b\)/,
      );
      await expect(
        reduce(
          'select host from answers where version > all (select version from answers)',
          versions,
        ),
      ).rejects.toThrow(/> ALL/);
    });
  });

  test('columns keep their names and order, twice the same one too', async () => {
    const { columns } = await reduce(
      'select *, host, count(*) over_all, upper(name) from answers group by host, name, version, count',
      ANSWERS,
    ).catch(() => ({ columns: [] }));
    expect(columns).toEqual([
      'host',
      'name',
      'version',
      'count',
      'host',
      'over_all',
      'upper(name)',
    ]);
    expect(await reduce('select host, host from answers limit 1', ANSWERS)).toEqual({
      columns: ['host', 'host'],
      rows: [['a', 'a']],
    });
  });

  test('no answers give no rows, and a count of none', async () => {
    const none = { columns: ['host'], rows: [] };
    expect((await reduce('select host from answers', none)).rows).toEqual([]);
    expect((await reduce('select count(*) from answers', none)).rows).toEqual([[0]]);
  });

  test('columns may have the names of anything', async () => {
    const odd = {
      columns: ['constructor', '__proto__', 'value', 'select me', "it's"],
      rows: [[1, 2, 3, 4, 5]],
    };
    const sql = 'select constructor, __proto__, value, "select me", "it\'s" from answers';
    expect((await reduce(sql, odd)).rows).toEqual([[1, 2, 3, 4, 5]]);
  });

  test('a union is ordered and limited as a whole, or not at all', async () => {
    const parts =
      "select host from answers where host > 'b' union all select host from answers where host <= 'b'";
    const around = `select q.host from (${parts}) q order by host limit 3`;
    expect(await rows(around)).toEqual([['a'], ['b'], ['c']]);
    expect(await refusal(`${parts} order by host`)).toContain('ORDER after UNION');
    expect(await refusal(`select * from (${parts} limit 3) q`)).toContain('LIMIT after UNION');
  });

  test('mistakes are told before anything is started', async () => {
    expect(await refusal('select nam from answers')).toContain('"nam"; did you mean "name"?');
    expect(await refusal('select md5(name) from answers')).toContain(
      'the function md5() is not among',
    );
    expect(await refusal('select (name from answers')).toContain('never closed');
    expect(await refusal('')).toContain('starts with SELECT');
    expect(await refusal('select host,, name from answers')).toContain('empty');
  });
});

describe('alasql, raw and contained', () => {
  const folder = mkdtempSync(join(tmpdir(), 'swarmplane-reduce-'));
  const server = createServer((_, response) => response.end('a\n1\n'));
  let fetched = 0;
  let url = '';
  beforeAll(async () => {
    server.on('request', () => fetched++);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.csv`;
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const mark = join(folder, 'mark');
  const secret = join(folder, 'secret.txt');
  const javascript = `global.marked=1`;

  /** Runs statements on alasql as it comes, in a process; true when `global.marked` was set. */
  function raw(statements: readonly string[], wait = 0): { marked: boolean; out: string } {
    const script = `
      const alasql = require('alasql');
      const db = new alasql.Database('raw');
      db.exec('create table answers (a int, host string)');
      db.exec("insert into answers values (1, 'a')");
      for (const sql of ${JSON.stringify(statements)})
        try { console.log(JSON.stringify(db.exec(sql))); } catch (error) { console.log('error', error.message); }
      setTimeout(() => { console.log('marked', global.marked === 1); process.exit(0); }, ${wait});`;
    const { stdout } = spawnSync(process.execPath, ['-e', script], {
      cwd: new URL('../..', import.meta.url).pathname,
      encoding: 'utf8',
    });
    return { marked: stdout.includes('marked true'), out: stdout };
  }

  const SCRIPTS: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['JavaScript in backticks', ['select ``' + javascript + '`` from answers'], /not allowed/],
    [
      'CREATE FUNCTION',
      ['create function f as ``function(){' + javascript + '}``', 'select f() from answers'],
      /not allowed|function f\(\)/,
    ],
    [
      'an arrow',
      ["select host->constructor->constructor('" + javascript + "')() from answers"],
      /"->" is not allowed/,
    ],
    [
      'a JSON literal',
      [
        'select @{a:``' + javascript + '``} from answers',
        'select {a:(' + javascript + ')} from answers',
      ],
      /not allowed/,
    ],
    [
      'a string in an IN list',
      [`select a from answers where host in ('"+(${javascript})+"', 'b')`],
      /no such column/,
    ],
    [
      'an identifier with a backslash',
      [
        "select [a\\'+(" + javascript + ")+\\'] from answers",
        "select a as [x\\':(" + javascript + "),\\'y] from answers",
      ],
      /not allowed/,
    ],
  ];

  test.each(SCRIPTS)('%s runs nothing here', async (_, statements, reason) => {
    for (const sql of statements) {
      const said = await refusal(sql);
      expect(said).toMatch(reason);
      expect(said).not.toContain('marked');
    }
    expect(existsSync(mark)).toBe(false);
    // What raw alasql makes of the same text is written down by the next test.
    expect(typeof raw(statements).out).toBe('string');
  });

  test('raw alasql runs JavaScript from SQL: why it never meets SQL of others', () => {
    const dangerous = SCRIPTS.filter(([, statements]) => raw(statements).marked).map(
      ([name]) => name,
    );
    expect(dangerous).toEqual(
      expect.arrayContaining([
        'JavaScript in backticks',
        'CREATE FUNCTION',
        'a string in an IN list',
      ]),
    );
  });

  test('a string in an IN list is a parameter, whatever is in it', async () => {
    const text = "') || process.exit(1) || ('";
    const safe = guardReduce(
      `select host from answers where host in ('${text.replaceAll("'", "''")}')`,
      ['host'],
    );
    expect(safe.sql).toBe('SELECT i0 FROM answers WHERE i0 IN ( $p0 )');
    expect(safe.parameters).toEqual({ p0: text });
    expect(
      await rows(`select host from answers where host in ('"+(${javascript})+"', 'b')`),
    ).toEqual([['b']]);
  });

  test('files are read and written by raw alasql, and not here', async () => {
    writeFileSync(secret, '[{"a":"secret"}]');
    const reading = `select * from json(${JSON.stringify(secret).replaceAll('"', "'")})`;
    const writing = `select * into csv('${mark}.csv') from answers`;
    raw([writing], 500);
    expect(existsSync(`${mark}.csv`)).toBe(true);
    rmSync(`${mark}.csv`);
    expect(await refusal(reading)).toContain('the function json() is not among');
    expect(await refusal(writing)).toMatch(/no such column or table|not among/);
    expect(existsSync(`${mark}.csv`)).toBe(false);
    expect(readFileSync(secret, 'utf8')).toContain('secret');
  });

  test('addresses are fetched by raw alasql, and not here', async () => {
    const sql = `select * from csv('${url}')`;
    expect(await refusal(sql)).toContain('the function csv() is not among');
    expect(await refusal(`select * from '${url}'`)).not.toContain('rows');
    expect(fetched).toBe(0);
  });

  test.each([
    'require "x"',
    "source 'x.sql'",
    'select 1; drop table answers',
    'insert into answers values (1)',
    'create table x',
    'attach file database x',
    'select value from answers where 1 = 1 into x',
    'while 1=1 select 1',
    'select * from ?',
    'select $0 from answers',
    'select @a from answers',
    'select a::b from answers',
    'select host[0] from answers',
    'select new Function(1) from answers',
    'select host.constructor from answers',
    'search / from answers',
    'with x as (select 1) select * from x',
    'select * from information_schema.tables',
    "select javascript('1') from answers",
    'select * from range(1, 1000000000)',
    'select host!constructor from answers',
    'select #a from answers',
  ])('%s is refused', async (sql) => {
    expect(await refusal(sql)).not.toMatch(/^rows \[\[/);
  });

  test('nesting that makes the parser backtrack is refused, and time is limited anyway', async () => {
    expect(await refusal(`select ${'('.repeat(40)}1${')'.repeat(40)} from answers`)).toContain(
      'nested deeper',
    );
    const many = { columns: ['n'], rows: Array.from({ length: 3_000 }, (_, n) => [n]) };
    await expect(
      reduce('select count(*) from answers a, answers b, answers c', many, { timeMs: 1_500 }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/time_limit|memory_limit/) as string });
  });

  test('text on which the raw parser backtracks without end is refused at once', async () => {
    const sql = `select "${'\\\\'.repeat(60)} x`;
    const script = `require('alasql').parse(${JSON.stringify(sql)})`;
    const { signal } = spawnSync(process.execPath, ['-e', script], {
      cwd: new URL('../..', import.meta.url).pathname,
      timeout: 5_000,
      killSignal: 'SIGKILL',
    });
    expect(signal).toBe('SIGKILL');
    expect(await refusal(sql)).toContain('not allowed');
  });

  test('methods of JavaScript are called by a raw arrow, and not here', async () => {
    expect(raw(['select host->toUpperCase() as up from answers']).out).toContain('"A"');
    expect(await refusal('select host->toUpperCase() from answers')).toContain(
      '"->" is not allowed',
    );
  });

  test('memory is limited', async () => {
    const many = { columns: ['n'], rows: Array.from({ length: 3_000 }, (_, n) => [n]) };
    await expect(
      reduce('select a.n, b.n from answers a, answers b', many, { memoryBytes: 64 * 1024 * 1024 }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/memory_limit|failed/) as string });
  });
});
