/**
 * Nobody without permission learns anything of a sensitive table, whatever the statement looks
 * like: every shape over every column of every sensitive table there is, with rows to be had.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { Database } from '../../src/query/database.ts';
import { createQueryRunner, QueryError, type QueryRunner } from '../../src/query/index.ts';
import { Session } from '../../src/query/session.ts';
import { loadSqlite } from '../../src/query/sqlite.ts';
import { Statement } from '../../src/query/statement.ts';
import { allTables } from '../../src/tables/index.ts';
import type { Column, HostTable, Row, SnapshotTable } from '../../src/tables/types.ts';

const NO_FACTS = { members: [], links: [], alarms: [], agent: {} };
const DECLARED = allTables.filter(({ sensitive }) => sensitive === true);
/** Options that refuse statements for what a collector cannot answer; made-up rows are there for all. */
const REFUSING = ['always', 'required', 'steers'];
const freed = (column: Column, more: Partial<Column> = {}): Column =>
  ({
    ...Object.fromEntries(Object.entries(column).filter(([option]) => !REFUSING.includes(option))),
    ...more,
  }) as Column;
/** Freed, so that every shape is refused for being sensitive alone, and runs for who may. */
const SENSITIVE = DECLARED.map((table) => ({
  ...table,
  columns: table.columns.map((column) => freed(column)),
}));
/** Those that are only read with a place given, as they are declared. */
const PLACED = DECLARED.filter(({ columns }) => columns.some(isPlace));
/** An open table with every column that a sensitive one has, so that USING and NATURAL meet. */
const OPEN = {
  name: 'open_table',
  kind: 'snapshot',
  columns: [
    ...new Map(
      DECLARED.flatMap(({ columns }) =>
        columns.map((it) => [it.name, freed(it, { hidden: false })] as const),
      ),
    ).values(),
  ],
};

function isPlace({ required, steers }: Column): boolean {
  return required === true || steers === true;
}

const folder = mkdtempSync(join(tmpdir(), 'swarmplane-sensitive-'));
const rows = [...DECLARED, OPEN].map((table) => [
  table.name,
  [1, 2].map((n) => Object.fromEntries(table.columns.map(({ name }) => [name, `${n}`]))),
]);
writeFileSync(join(folder, 'rows.json'), JSON.stringify(Object.fromEntries(rows)));
const runner = runnerOf('freed.json', [...SENSITIVE, OPEN]);
const declaredRunner = runnerOf('declared.json', [...PLACED, OPEN]);

function runnerOf(file: string, specs: readonly unknown[]): QueryRunner {
  writeFileSync(join(folder, file), JSON.stringify(specs));
  const registry = new URL('./fixtures/synthetic-tables.mjs', import.meta.url);
  registry.searchParams.set('specs', pathToFileURL(join(folder, file)).href);
  return createQueryRunner({
    facts: () => NO_FACTS,
    root: folder,
    registry: registry.href,
    limits: { timeMs: 20_000 },
  });
}
afterAll(async () => {
  await runner.stop();
  await declaredRunner.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Statements whose rows depend on column `c` of table `t`, or on how many rows `t` has. */
function shapes(t: string, c: string): readonly string[] {
  const values = `(select '1' as "${c}" union select '2')`;
  const joins = ['join', 'left join', 'right join', 'full join', 'cross join', 'inner join'];
  return [
    ...joins.flatMap((kind) => [
      `select v."${c}" from ${values} v ${kind} ${t} using ("${c}")`,
      `select count(*) from ${t} ${kind} ${values} v using ("${c}")`,
      `select 1 from open_table o ${kind} ${t} x using ("${c}")`,
      `select o."${c}" from open_table o ${kind} (select "${c}" from ${t}) x using ("${c}")`,
    ]),
    ...['natural join', 'natural left join', 'natural full join'].flatMap((kind) => [
      `select 1 from open_table ${kind} ${t}`,
      `select count(*) from ${t} ${kind} open_table`,
      `select v.* from ${values} v ${kind} ${t}`,
      `select 1 from ${t} a ${kind} ${t} b`,
    ]),
    `select * from ${t}`,
    `select count(*) from ${t}`,
    `select 1 from ${t}`,
    `select 1 from ${t} order by "${c}"`,
    `select 1 from ${t} group by "${c}"`,
    `select 1 from ${t} where "${c}" = '1'`,
    `select max("${c}") from ${t}`,
    `select total(1) over (order by "${c}") from ${t}`,
    `select row_number() over () from ${t}`,
    `select 1 where exists (select 1 from ${t} where "${c}" = '1')`,
    `select 1 where '1' in (select "${c}" from ${t})`,
    `select "${c}" in (select "${c}" from ${t}) from open_table`,
    `select (select count(*) from ${t} s where s."${c}" = o."${c}") from open_table o`,
    `select (select 1 from ${t} s join open_table p using ("${c}")) from open_table o`,
    `select 1 from open_table o where exists (select 1 from ${values} v join ${t} using ("${c}"))`,
    `with w as (select * from ${t}) select count(*) from w`,
    `with w as (select *, "${c}" from ${t}) select 1 from open_table join w using ("${c}")`,
    `with w as materialized (select "${c}" from ${t}) select 1 from w natural join open_table`,
    `with w("${c}") as (select 1 from ${t}) select * from w`,
    `with recursive w("${c}") as (select '1' union select "${c}" from w join ${t} using ("${c}")) select * from w`,
    `select "${c}" from open_table union select "${c}" from ${t}`,
    `select "${c}" from open_table except select "${c}" from ${t}`,
    `select "${c}" from open_table intersect select "${c}" from ${t}`,
    `select "${c}" from open_table union all select v."${c}" from ${values} v join ${t} using ("${c}")`,
    `select 1 from open_table limit (select count(*) from ${t})`,
    `select 1 from open_table limit 9 offset (select count(*) from ${values} join ${t} using ("${c}"))`,
    `select 1 from open_table order by (select "${c}" from ${t})`,
    `select group_concat("${c}") filter (where "${c}" > '') from ${t}`,
    `select 1 from json_each((select json_group_array("${c}") from ${t}))`,
    `select 1 from json_each('[1,2]') j join (select "${c}" as value from ${t}) using (value)`,
    `select 1 from (select "${c}" as x from ${t}) natural join (select '1' as x)`,
    `select 1 from (${values} join ${t} using ("${c}")) join open_table using ("${c}")`,
    `select 1 from ${values} join open_table using ("${c}") join ${t} using ("${c}")`,
    `values ((select count(*) from ${values} natural join ${t}))`,
    `select case when exists (select 1 from ${values} join ${t} using ("${c}")) then 1 end`,
    `select count(*) from open_table having count(*) > (select count(*) from ${values} join ${t} using ("${c}"))`,
    `select 1 from ${t} where "${c}" = '1' or "${c}" = '2'`,
    `select 1 from ${values} v, ${t} s where v."${c}" is s."${c}"`,
    `select 1 from ${t} as s where (s."${c}", 1) in (values ('1', 1))`,
  ];
}

/** Those that name the table, where no subquery can stand. */
function namedShapes(t: string, where = ''): readonly string[] {
  return [
    `select rowid from ${t} ${where}`,
    `select oid from main.${t} ${where}`,
    `select 1 from "${t.toUpperCase()}" as plain ${where}`,
  ];
}

describe.each(SENSITIVE.map((table) => [table.name, table] as const))('%s', (name, table) => {
  test('is refused to who may not read it, and is known to be read before', async () => {
    const statements = table.columns.flatMap((column) => shapes(name, column.name));
    expect(await learned(runner, name, [...namedShapes(name), ...statements])).toEqual([]);
  });

  test('is read by who may: every statement here runs', async () => {
    const statements = table.columns.slice(0, 2).flatMap((column) => shapes(name, column.name));
    for (const sql of [...namedShapes(name), ...statements])
      await runner.run(sql, { allowSensitive: true });
  });
});

describe.each(PLACED.map((table) => [table.name, table] as const))('%s', (name, table) => {
  const where = `where ${table.columns
    .filter(isPlace)
    .map((column) => `"${column.name}" in ('1', '2')`)
    .join(' and ')}`;
  // Hidden columns are none of `*`.
  const all = table.columns.map((column) => `"${column.name}"`).join(', ');
  const statements = [
    ...namedShapes(name, where),
    ...table.columns.flatMap((column) =>
      shapes(`(select ${all} from ${name} ${where})`, column.name),
    ),
  ];

  test('is refused with its places given, too', async () => {
    expect(await learned(declaredRunner, name, statements)).toEqual([]);
  });

  test('is read by who may, with its places given: every statement here runs', async () => {
    for (const sql of statements) await declaredRunner.run(sql, { allowSensitive: true });
  });

  test('gives nothing without its places, to nobody', async () => {
    expect(await attempt(declaredRunner, `select count(*) from ${name}`)).toBe(
      'constraint_required',
    );
  });
});

/** What statements gave, or prepared without telling, to who may not read the table. */
async function learned(of: QueryRunner, name: string, statements: readonly string[]) {
  const found: string[] = [];
  for (const sql of statements) {
    const given = await attempt(of, sql);
    if (given !== 'not_authorized') found.push(`${given}: ${sql}`);
    if (given === 'syntax') continue;
    const { sensitive } = await of.prepare(sql);
    if (!sensitive.includes(name)) found.push(`not seen when prepared: ${sql}`);
  }
  return found;
}

async function attempt(of: QueryRunner, sql: string): Promise<string> {
  try {
    const { rows: given } = await of.run(sql);
    return `${given.length} rows`;
  } catch (error) {
    if (error instanceof QueryError) return error.code;
    throw error;
  }
}

const secret: SnapshotTable = {
  name: 'secret',
  kind: 'snapshot',
  description: 'For this test.',
  cost: 'cheap',
  key: [],
  sensitive: true,
  columns: [{ name: 'word', type: 'TEXT', doc: 'A word.' }],
  collect: (): Row[] => [{ word: 'x' }],
};

/** A statement that nobody has judged: what the cursors themselves say. */
async function stepUnjudged(
  table: HostTable,
  sql: string,
  change: (session: Session) => void,
): Promise<unknown> {
  const database = new Database(await loadSqlite(), {
    tables: [table],
    denied: new Set(),
    notOffered: {},
    root: '/',
    heapBytes: 64 << 20,
    sqlBytesMax: 1 << 16,
    answerBytesMax: 1 << 20,
  });
  const session = new Session({
    sql,
    facts: NO_FACTS,
    timeMs: 20_000,
    timeMsMax: 20_000,
    allowSensitive: false,
    announce: () => undefined,
    loading: () => undefined,
  });
  const statement = new Statement(database, session, sql);
  try {
    await statement.collectSnapshots('/');
    change(session);
    return [...statement.rows()];
  } catch (error) {
    return `${(error as QueryError).code}: ${(error as Error).message}`;
  } finally {
    statement.finalize();
  }
}

test('the cursor of a sensitive table refuses by itself', async () => {
  const said = await stepUnjudged(secret, 'select count(*) from secret', () => undefined);
  expect(said).toMatch(/^not_authorized: "secret" may only be read with a certificate/);
});

test('a column that the collector was not told of is an error, not NULL', async () => {
  const open = { ...secret, sensitive: false };
  const said = await stepUnjudged(open, 'select word from secret', ({ used }) => used.clear());
  expect(said).toBe(
    'failed: reading table "secret" failed: its column "word" is read and was not collected',
  );
});
