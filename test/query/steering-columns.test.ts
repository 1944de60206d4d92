/**
 * Every column of every table by which a query steers what is collected, in every shape that names values for
 * it, over made-up rows: the rows are those of plain SQLite. Where a shape is refused, equality is not.
 */
import { afterAll, expect, test } from 'vitest';
import { allTables } from '../../src/tables/index.ts';
import { syntheticTables } from './corpus.ts';
import { Comparer } from './synthetic.ts';

const comparer = new Comparer(syntheticTables(''));
afterAll(() => comparer.close());

/** `t` the table, `c` its column, `a` and `b` values, `and` what the table wants besides. */
const SHAPES: readonly ((t: string, c: string, a: string, b: string, and: string) => string)[] = [
  (t, c, a, _, and) => `select count(*) from ${t} where "${c}" = ${a} and ${and}`,
  (t, c, a, b, and) => `select * from ${t} where "${c}" in (${a}, ${b}) and ${and}`,
  (t, c, a, b, and) => `select * from ${t} where ("${c}" = ${a} or ${b} = "${c}") and ${and}`,
  (t, c, a, b, and) =>
    `select * from ${t} where ("${c}" = ${a} and ${and}) or ("${c}" = ${b} and ${and})`,
  (t, c, a, b, and) =>
    `select "${c}" from ${t} where "${c}" = ${a} and ${and} union select "${c}" from ${t} where "${c}" = ${b} and ${and}`,
  (t, c, a, b, and) =>
    `select count(*) from ${t} where "${c}" in (select ${a} union all select ${b}) and ${and}`,
  (t, c, a, b, and) =>
    `select x."${c}" from (values (${a}), (${b})) v join ${t} x on x."${c}" = v.column1 where ${and}`,
  (t, c, a, b, and) =>
    `select v.column1, x."${c}" from (values (${a}), (${b}), ('none')) v left join ${t} x on x."${c}" = v.column1 and ${and}`,
  (t, c, a, b, and) =>
    `select "${c}" from (select ${a} "${c}" union all select ${b}) v join ${t} x using ("${c}") where ${and}`,
  (t, c, a, b, and) =>
    `select count(*) from (select ${a} "${c}" union all select ${b}) v natural join (select "${c}" from ${t} where "${c}" in (${a}, ${b}) and ${and}) x`,
  (t, c, a, b, and) =>
    `select (select count(*) from ${t} where "${c}" = column1 and ${and}) from (values (${a}), (${b}))`,
];

const steering = allTables.flatMap((table) =>
  table.columns
    .filter((it) => it.always === undefined)
    .filter((it) => it.steers || it.required || it.additional || it.index)
    .map((column) => ({ table, column })),
);

test('every shape over every steering column gives what plain SQLite gives', async () => {
  const differing: string[] = [];
  const refused: string[] = [];
  let met = 0;
  for (const [at, { table, column }] of steering.entries()) {
    // A table that wants another column is given it.
    const wanted = table.columns.find((it) => it.required);
    const and =
      wanted === undefined || column.required === true ? '1' : `"${wanted.name}" in ('1', '2')`;
    const [a, b] = column.type === 'TEXT' ? ["'1'", "'2'"] : ['1', '2'];
    for (const [number, shape] of SHAPES.entries()) {
      const sql = shape(table.name, column.name, a, b, and);
      const { same, detail, code, rows } = await comparer.compare(sql, 100 * at + number);
      if (!same) differing.push(`${sql}\n${detail}`);
      if (code !== undefined) refused.push(`${code}: ${sql}`);
      met += rows;
    }
  }
  expect(differing).toEqual([]);
  expect(refused).toEqual([]);
  expect(steering.length).toBeGreaterThan(80);
  expect(met).toBeGreaterThan(steering.length * SHAPES.length);
});
