import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ColumnType, Row, Value } from '../../src/tables/types.ts';
import { hasCorpus, OSQUERY_QUERIES, OSQUERY_SPECS } from '../helpers/corpus.ts';
import { checkCorpus, syntheticTables, type CorpusQuery } from './corpus.ts';
import { Comparer, type SyntheticTable } from './synthetic.ts';
import { only } from '../helpers/needs.ts';

const column = (name: string, type: ColumnType, more = {}) => ({ name, type, doc: '', ...more });
const TABLES: readonly SyntheticTable[] = [
  {
    name: 's',
    kind: 'snapshot',
    columns: [
      column('a', 'INTEGER', { index: true }),
      column('b', 'TEXT'),
      column('c', 'TEXT', { collate: 'nocase' }),
      column('d', 'DOUBLE'),
      column('e', 'BIGINT'),
      column('v', 'TEXT', { collate: 'version' }),
      column('w', 'TEXT', { collate: 'version_dpkg', index: true }),
      column('r', 'TEXT', { collate: 'version_rhel' }),
    ],
  },
  {
    name: 'l',
    kind: 'lookup',
    columns: [
      column('a', 'INTEGER', { index: true }),
      column('b', 'TEXT', { additional: true }),
      column('c', 'TEXT', { collate: 'nocase', index: true }),
      column('v', 'TEXT', { collate: 'version' }),
      column('w', 'TEXT', { collate: 'version_dpkg', additional: true }),
    ],
  },
];

let comparer: Comparer;
beforeAll(() => void (comparer = new Comparer(TABLES)));
afterAll(() => comparer.close());

/** Values that are equal in some ways and not in others. */
const texts = ['1', '01', '1.0', ' 1', 'x', 'X', 'x ', '', '2', '1e0', 'y_z', 'y%z'];
const versions = ['1', '01', '1.0', '1-0', '0:1', '1.00', '10', '9', '1.0~a', '1.0a', '', 'x', 'X'];
const value = fc.oneof(
  fc.constantFrom<Value>(...texts, null, 0, 1, 2, -1, 1.5, 2 ** 53),
  fc.integer({ min: -3, max: 3 }),
);
const numeric = fc.constantFrom<Value>(
  0,
  1,
  2,
  -1,
  1.5,
  null,
  '1',
  '2',
  9007199254740993 as number,
);
const textual = fc.constantFrom<Value>(...texts, null);
const version = fc.constantFrom<Value>(...versions, null);
const sRow = fc.record({
  a: numeric,
  b: value,
  c: textual,
  d: numeric,
  e: numeric,
  v: version,
  w: version,
  r: version,
});
const lRow = fc.record({ a: numeric, b: textual, c: textual, v: version, w: version });

const literal = fc.constantFrom(
  ...['1', "'1'", "'01'", "'x'", "'X'", "'x '", 'null', '1.0', '2', "' 1'", "''", '-1', "'1e0'"],
  ...["'1.0'", "'1-0'", "'0:1'", "'9'", "'1.0~a'", '1.5', '9007199254740993'],
);
const operator = fc.constantFrom('=', '=', '=', '<>', '<', '>=', 'is', 'is not', 'like', 'glob');
const sVersion = fc.constantFrom('s.v', 's.w', 's.r');
const sColumn = fc.oneof(fc.constantFrom('s.a', 's.b', 's.c', 's.d', 's.e'), sVersion);
const lColumn = fc.constantFrom('l.a', 'l.b', 'l.c', 'l.v', 'l.w');
const collation = fc.constantFrom(
  '',
  '',
  '',
  ' collate nocase',
  ' collate rtrim',
  ' collate version',
  ' collate version_dpkg',
  ' collate binary',
);

const simple = fc.oneof(
  fc.tuple(sColumn, operator, literal, collation).map((parts) => parts.join(' ')),
  fc.tuple(sColumn, operator, sColumn).map((parts) => parts.join(' ')),
  fc
    .tuple(sColumn, fc.array(literal, { minLength: 1, maxLength: 4 }))
    .map(([name, list]) => `${name} in (${list.join()})`),
  fc
    .tuple(sColumn, literal)
    .map(([name, text]) => `${name} in (select ${text} union select b from s)`),
  fc
    .tuple(sColumn, literal, literal)
    .map(([name, low, high]) => `${name} between ${low} and ${high}`),
);
const condition = fc.oneof(
  simple,
  fc.tuple(simple, fc.constantFrom('and', 'or', 'and not'), simple).map((it) => it.join(' ')),
  fc.tuple(simple, simple, simple).map(([x, y, z]) => `(${x} or ${y}) and ${z}`),
);
/** What SQLite does with a column's collation beside comparing. */
const collated = fc.constantFrom(
  (x: string) => `select max(${x}), min(${x}), count(distinct ${x}) from s`,
  (x: string) => `select count(*), sum(a) from s group by ${x}`,
  (x: string) => `select count(*) from (select distinct ${x} from s)`,
  (x: string) => `select ${x}, rank() over (order by ${x}) from s`,
  (x: string) => `select a, count(*) over (partition by ${x}) from s`,
  (x: string) => `select count(*) from (select ${x} from s union select w from l)`,
  (x: string) => `select count(*) from (select ${x} from s intersect select v from l)`,
  (x: string) => `select group_concat(coalesce(${x}, '-')) from (select * from s order by ${x})`,
  (x: string) => `select count(*) from s where ${x} in (select w from l)`,
  (x: string) => `select count(*) from s where (${x}, a) in (select v, a from l)`,
  (x: string) => `select s.a, t.a from s join s t on ${x} = ${x.replace('s.', 't.')}`,
  (x: string) => `select x.n, s.a from (select 1 n union select '1.0') x join s on ${x} = x.n`,
);
const statement = fc.oneof(
  fc.tuple(collated, sColumn).map(([make, name]) => make(name)),
  condition.map((where) => `select * from s where ${where}`),
  condition.map(
    (where) =>
      `select * from l where ${where.replaceAll(/\bs\.[der]\b/g, 'l.b').replaceAll(/\bs\./g, 'l.')}`,
  ),
  condition.map((where) => `select count(*), min(b), max(d) from s where ${where}`),
  fc
    .tuple(sColumn, lColumn, condition)
    .map(
      ([x, y, where]) => `select s.a, s.b, l.a, l.c from s join l on ${x} = ${y} where ${where}`,
    ),
  fc
    .tuple(sColumn, lColumn, condition)
    .map(
      ([x, y, where]) => `select s.a, s.b, l.a, l.c from s left join l on ${x} = ${y} and ${where}`,
    ),
  fc
    .tuple(
      fc.constantFrom('', 'left ', 'cross '),
      fc.constantFrom('a', 'b', 'c', 'a, c', 'b, c', 'a, b, c'),
      fc.constantFrom('count(*)', 's.d', 'x.d', 's.e, x.e', 's.rowid is not null'),
      fc.constantFrom('s x', '(select * from s) x', '(select a, b, c, d, e from s limit 9) x'),
    )
    .map(
      ([kind, names, what, other]) => `select ${what} from s ${kind}join ${other} using (${names})`,
    ),
  fc
    .tuple(
      fc.constantFrom('', 'left '),
      fc.constantFrom('count(*)', 's.d', 's.e, l.rowid is not null'),
    )
    .map(([kind, what]) => `select ${what} from s natural ${kind}join l`),
  fc
    .tuple(fc.constantFrom('', 'left '), fc.constantFrom('a', 'c', 'a, c'))
    .map(([kind, names]) => `select count(*), max(d) from s ${kind}join l using (${names})`),
  fc
    .tuple(sColumn, condition)
    .map(
      ([x, where]) =>
        `select * from s where exists (select 1 from s t where t.a = ${x}) and ${where}`,
    ),
  fc
    .tuple(sColumn, sColumn, condition)
    .map(
      ([x, y, where]) =>
        `select s.a, t.b from s, s t where ${x} = ${y.replace('s.', 't.')} and ${where}`,
    ),
);

test('virtual tables give the rows that ordinary tables of plain SQLite give', async () => {
  await fc.assert(
    fc.asyncProperty(
      statement,
      fc.array(sRow, { maxLength: 8 }),
      fc.array(lRow, { maxLength: 6 }),
      async (sql, s, l) => {
        const { same, detail } = await comparer.compareWith(sql, { s, l } as Record<string, Row[]>);
        if (!same) throw new Error(`${sql}\n${detail}`);
      },
    ),
    { numRuns: 600 },
  );
});

only(hasCorpus, 'beside ../shared/corpus')(
  'a slice of real queries: prepared, run, and as plain SQLite',
  async () => {
    const all = JSON.parse(readFileSync(OSQUERY_QUERIES, 'utf8')) as readonly CorpusQuery[];
    const slice = all.filter((_, at) => at % 12 === 0);
    const tables = syntheticTables(OSQUERY_SPECS);
    const differing: string[] = [];
    const live = new Set<string>();
    for await (const line of checkCorpus(slice, tables, { live: true })) {
      if (!line.same) differing.push(`${line.id}: ${line.compared}`);
      if (line.covered) live.add(line.live ?? '');
    }
    expect(differing).toEqual([]);
    expect(live).toContain('ok');
    for (const code of live)
      expect(['ok', 'table_unavailable', 'table_absent', 'constraint_required']).toContain(code);
  },
);
