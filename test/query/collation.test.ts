/** Columns of versions compare as their declaration says, in whatever place SQLite compares. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createQueryRunner } from '../../src/query/index.ts';
import { allTables } from '../../src/tables/index.ts';
import type { Value } from '../../src/tables/types.ts';

const root = mkdtempSync(join(tmpdir(), 'swarmplane-collation-'));
// The host's own tables, over a root in which the packages are ours.
const runner = createQueryRunner({
  facts: () => ({ agent: {} }),
  root,
  limits: { timeMs: 20_000 },
});
beforeAll(() => {
  mkdirSync(join(root, 'var/lib/dpkg'), { recursive: true });
  const installed = Object.entries(PACKAGES).map(
    ([name, version]) =>
      `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n`,
  );
  writeFileSync(join(root, 'var/lib/dpkg/status'), installed.join('\n'));
});
afterAll(async () => {
  await runner.stop();
  rmSync(root, { recursive: true, force: true });
});

async function values(sql: string): Promise<readonly Value[]> {
  return (await runner.run(sql)).rows.map(([value]) => value!);
}

const PACKAGES = {
  openssl: '3.0.19-1',
  libssl: '3.0.9-1',
  zlib: '1:0.1-1',
  bash: '5.2-0',
  dash: '5.2',
  rc: '5.2~rc1-1',
};
const from = 'from deb_packages';

test.each([
  ["select version < '3.0.9' from deb_packages where name = 'openssl'", [0]],
  ["select '3.0.9' < version from deb_packages where name = 'openssl'", [1]],
  [`select name ${from} where version <= '3.0.09-1'`, ['libssl']],
  [`select name ${from} where version > '5.2'`, ['zlib']],
  [`select name ${from} where version >= '5.2' order by name`, ['bash', 'dash', 'zlib']],
  [
    `select name ${from} where version between '3.0.10' and '5.2' order by name`,
    ['bash', 'dash', 'openssl', 'rc'],
  ],
  [`select name ${from} where version = '5.2-00' order by name`, ['bash', 'dash']],
  [`select name ${from} where version is '0:5.2' order by name`, ['bash', 'dash']],
  [
    `select name ${from} where version <> '5.2' and version < '4' order by 1`,
    ['libssl', 'openssl'],
  ],
  [
    `select name ${from} where version in ('5.2-0', '1:0.1-01') order by name`,
    ['bash', 'dash', 'zlib'],
  ],
  [`select name ${from} where version in (select '5.2-00') order by name`, ['bash', 'dash']],
  [`select name ${from} where (name, version) = ('bash', '5.2')`, ['bash']],
  [`select max(version) ${from}`, ['1:0.1-1']],
  [`select min(version) ${from}`, ['3.0.9-1']],
  [
    `select name ${from} order by version, name`,
    ['libssl', 'openssl', 'rc', 'bash', 'dash', 'zlib'],
  ],
  [`select name ${from} order by version desc limit 1`, ['zlib']],
  [`select count(*) n ${from} group by version having n > 1`, [2]],
  [`select count(distinct version) ${from}`, [5]],
  [`select count(*) from (select distinct version ${from})`, [5]],
  [`select count(*) from (select version ${from} union select '5.2')`, [5]],
  [
    `select a.name || b.name ${from} a join deb_packages b on a.version = b.version and a.name < b.name`,
    ['bashdash'],
  ],
  [
    `select a.name ${from} a join (select '5.2-0' v) w on a.version = w.v order by 1`,
    ['bash', 'dash'],
  ],
  // The left operand decides, and a column of a subquery that is an expression is binary.
  [`select a.name ${from} a join (select '5.2-0' v) w on w.v = a.version`, ['bash']],
  [
    `select name from (select name, rank() over (order by version desc) as r ${from}) where r = 2 order by 1`,
    ['bash', 'dash'],
  ],
  // SQLite: COLLATE in the query comes first, then the left operand's collation.
  [`select name ${from} where version = '5.2' collate binary`, ['dash']],
  [`select name ${from} where version < '3.0.9' collate binary order by 1`, ['openssl', 'zlib']],
  [`select name ${from} where name = 'BASH' collate nocase`, ['bash']],
  [`select name ${from} where name in ('BASH')`, []],
  [`select name ${from} where name collate nocase in ('BASH', 'x')`, ['bash']],
  [`select name ${from} where name collate version_dpkg = 'bash00'`, ['bash']],
  // An expression has no collation.
  [`select name ${from} where version || '' = '5.2'`, ['dash']],
])('%s', async (sql, expected) => {
  expect(await values(sql)).toEqual(expected);
});

test('every declared collation is one that queries have', async () => {
  for (const collation of new Set(
    allTables.flatMap(({ columns }) => columns.map((it) => it.collate ?? 'binary')),
  ))
    expect(await values(`select 'a' = 'a' collate ${collation}`)).toEqual([1]);
});

test('tables say in which order the versions of an answer stand', async () => {
  const { versions } = await runner.explain(
    `with d as (select * ${from}) select d.name, d.version v, o.version, max(r.version) m, u.candidate_version || '' c
       from d, os_version o, rpm_packages r, updates u`,
  );
  expect(versions).toEqual({ v: 'version_dpkg', version: 'version', m: 'version_rhel' });
});

test('an equal version is looked up in an index', async () => {
  const { tables } = await runner.explain(`select name ${from} where version = '5.2'`);
  expect(tables[0]?.constraints).toEqual(['version = ?']);
});

test.each([
  'select max(version) v from deb_packages',
  'select name, min(version) v from deb_packages group by name',
  'select v from (select max(version) v from deb_packages)',
  'select (select max(version) from deb_packages) v',
  "select coalesce(version, '') v from deb_packages",
  "select case when name = 'a' then version end v from deb_packages",
  'select first_value(version) over (order by version) v from deb_packages',
  'with w as materialized (select max(version) v from deb_packages group by name) select max(v) v from w',
])('and so do those that are one of them: %s', async (sql) => {
  expect((await runner.explain(sql)).versions).toEqual({ v: 'version_dpkg' });
});

test.each([
  'select version v from deb_packages union all select version from rpm_packages',
  'select version v from deb_packages union select version from rpm_packages',
  'select v from (select version v from rpm_packages union all select version from os_version)',
])('versions of two orders have none in common: %s', async (sql) => {
  expect((await runner.explain(sql)).versions).toEqual({ v: 'mixed' });
});

test('but not what is made of them', async () => {
  const { versions } = await runner.explain(
    "select upper(version), version || '', count(version), length(version), version < '2' from deb_packages",
  );
  expect(versions).toEqual({});
});

test('an order of versions that is not there is an error', async () => {
  await expect(runner.run("select version_compare('1.0', '<', '2.0')")).rejects.toThrow(
    /version_compare\(\): no order of versions is called "2.0"; write version_compare\(a, b\)/,
  );
});
