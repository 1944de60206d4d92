/**
 * Every table that has a column that says where to look: however a query names two places, its rows
 * are those of each place named alone; where it names them in a way that cannot be followed, it is refused.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allTables } from '../../src/tables/index.ts';
import { Fixture } from './fixture.ts';

interface Scene {
  /** SQL of two places, neither among the default ones. */
  readonly places: readonly [string, string];
  /** What the table needs besides. */
  readonly and?: string;
  /** Rows of both places together. */
  readonly rows: number;
}

const C1 = 'c1'.repeat(32);
const C2 = 'c2'.repeat(32);
const container = { places: [`'${C1}'`, `'${C2}'`] } as const;
const SCENES: Readonly<Record<string, Scene>> = {
  'deb_packages admindir': { places: ["'/opt/x'", "'/opt/y'"], rows: 3 },
  'python_packages directory': { places: ["'/opt/x'", "'/opt/y'"], rows: 2 },
  'npm_packages directory': { places: ["'/opt/x'", "'/opt/y'"], rows: 3 },
  'npm_packages max_depth': { places: ['0', '1'], and: "directory = '/opt/x'", rows: 3 },
  'docker_container_processes id': { ...container, rows: 2 },
  'docker_container_stats id': { ...container, rows: 2 },
  'docker_container_fs_changes id': { ...container, rows: 3 },
  // One row a database, whether file(1) can read it or not.
  'magic magic_db_files': {
    places: ["'/opt/m1'", "'/opt/m2'"],
    and: "path = '/opt/file'",
    rows: 2,
  },
};

const ANSWERS: Readonly<Record<string, unknown>> = {
  [`/containers/${C1}/changes`]: [{ Path: '/etc', Kind: 0 }],
  [`/containers/${C2}/changes`]: [
    { Path: '/etc', Kind: 1 },
    { Path: '/old', Kind: 2 },
  ],
  [`/containers/${C1}/stats?stream=false`]: { name: '/web' },
  [`/containers/${C2}/stats?stream=false`]: { name: '/job' },
};
/** What ps would say, of which only the first two fields matter. */
const TOP = (id: string) => ({ Processes: [[id === C1 ? '42' : '43', 'S']] });

let fixture: Fixture;
let docker: Server;
beforeAll(async () => {
  fixture = new Fixture({}, {}, 'own');
  writePackages();
  docker = createServer(({ url = '' }, response) => {
    const top = /^\/containers\/([0-9a-f]{64})\/top/.exec(url)?.[1];
    const answer = top === undefined ? ANSWERS[url] : TOP(top);
    response.statusCode = answer === undefined ? 404 : 200;
    response.end(JSON.stringify(answer ?? {}));
  });
  const socket = join(fixture.root, 'var/run/docker.sock');
  mkdirSync(dirname(socket), { recursive: true });
  await new Promise<void>((resolve) => docker.listen(socket, resolve));
});
afterAll(async () => {
  await fixture.close();
  docker.close();
});

function write(path: string, text: string): void {
  const file = join(fixture.root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function writePackages(): void {
  const deb = (name: string) =>
    `Package: ${name}\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n`;
  write('/var/lib/dpkg/status', deb('default'));
  write('/opt/x/status', `${deb('a')}\n${deb('b')}`);
  write('/opt/y/status', deb('c'));
  const npm = (folder: string, name: string) =>
    write(`${folder}/node_modules/${name}/package.json`, JSON.stringify({ name }));
  npm('/usr/lib', 'default');
  npm('/opt/x', 'left');
  npm('/opt/x/node_modules/left', 'deep');
  npm('/opt/y', 'right');
  for (const folder of ['/usr/lib/python3/dist-packages', '/opt/x', '/opt/y'])
    write(`${folder}/${folder.length}-1.dist-info/METADATA`, 'Name: p\nVersion: 1\n\n');
  write('/opt/file', 'text\n');
}

const steered = allTables.flatMap(({ name, columns }) =>
  columns.filter(({ steers }) => steers).map((column) => [name, column.name] as const),
);

/** What a query says where the table, its column and two places stand. */
const FORMS: Readonly<
  Record<string, (t: string, c: string, a: string, b: string, and: string) => string>
> = {
  in: (t, c, a, b, and) => `select t.* from ${t} t where ${c} in (${a}, ${b}) and ${and}`,
  or: (t, c, a, b, and) => `select t.* from ${t} t where (${c} = ${a} or ${b} = ${c}) and ${and}`,
  'or of whole conditions': (t, c, a, b, and) =>
    `select t.* from ${t} t where (${c} = ${a} and ${and}) or (${c} = ${b} and ${and})`,
  subselect: (t, c, a, b, and) =>
    `select t.* from ${t} t where ${c} in (select ${a} union all select ${b}) and ${and}`,
  'union all': (t, c, a, b, and) =>
    `select * from ${t} where ${c} = ${a} and ${and} union all select * from ${t} where ${c} = ${b} and ${and}`,
  join: (t, c, a, b, and) =>
    `select t.* from (values (${a}), (${b})) v join ${t} t on t.${c} = v.column1 where ${and}`,
  'join the other way round': (t, c, a, b, and) =>
    `select t.* from ${t} t join (values (${a}), (${b})) v on t.${c} = v.column1 and ${and}`,
  using: (t, c, a, b, and) =>
    `select t.* from (select ${a} ${c} union all select ${b}) v join ${t} t using (${c}) where ${and}`,
  natural: (t, c, a, b, and) =>
    `select t.* from (select ${a} ${c} union all select ${b}) v natural join ${t} t where ${and}`,
  'left join': (t, c, a, b, and) =>
    `select t.* from (values (${a}), (${b})) v left join ${t} t on t.${c} = v.column1 and ${and}`,
  'common table expression': (t, c, a, b, and) =>
    `with v(p) as (values (${a}), (${b})), w as (select t.*, ${c} c from ${t} t, v where ${c} = p and ${and}) select w.* from w`,
  'a condition on what a subquery gives': (t, c, a, b, and) =>
    `select * from (select t.*, ${c} c from ${t} t where ${and}) where c in (${a}, ${b})`,
  expressions: (t, c, a, b, and) =>
    `select t.* from ${t} t where ${c} in (coalesce(null, ${a}), (select max(${b}))) and ${and}`,
};

const REFUSED: readonly ((c: string, a: string) => string)[] = [
  (c, a) => `${c} > ${a}`,
  (c, a) => `${c} between ${a} and ${a}`,
  (c) => `${c} like '%opt%'`,
  (c, a) => `lower(${c}) = ${a}`,
  (c, a) => `not (${c} || '' <> ${a})`,
  (c, a) => `trim(${c}) in (${a}, 'b', 'c')`,
];

/** Without the columns that only two forms give, as texts in any order. */
async function rowsOf(sql: string): Promise<string[]> {
  const { rows, columns } = await fixture.runner.run(sql);
  const shown = columns.map((name, at) => [name, at] as const).filter(([name]) => name !== 'c');
  return rows.map((row) => JSON.stringify(shown.map(([, at]) => String(row[at])))).sort();
}

it('there is a scene for each', () => {
  expect(Object.keys(SCENES).sort()).toEqual(steered.map((names) => names.join(' ')).sort());
});

describe.each(steered)('%s.%s', (table, column) => {
  const { places, and = '1', rows: count } = SCENES[`${table} ${column}`]!;
  const [a, b] = places;

  // NATURAL does not see hidden columns.
  const hidden = allTables
    .find(({ name }) => name === table)!
    .columns.some((it) => it.name === column && it.hidden);
  const forms = Object.entries(FORMS).filter(([name]) => !hidden || name !== 'natural');

  it.each(forms)('by %s', async (_, form) => {
    const alone = await Promise.all(
      places.map((place) =>
        rowsOf(`select t.* from ${table} t where ${column} = ${place} and ${and}`),
      ),
    );
    expect(alone.map((rows) => rows.length)).not.toContain(0);
    expect(alone.flat()).toHaveLength(count);
    expect(await rowsOf(form(table, column, a, b, and))).toEqual(alone.flat().sort());
  });

  it('by a correlated subquery', async () => {
    const counts = await fixture.values(
      `select (select count(*) from ${table} where ${column} = column1 and ${and}) from (values (${a}), (${b}))`,
    );
    expect(counts.reduce<number>((sum, one) => sum + Number(one), 0)).toBe(count);
  });

  it.each(REFUSED.map((where) => where(column, a)))('not by %s', async (where) => {
    expect(await fixture.error(`select * from ${table} where ${where} and ${and}`)).toMatch(
      /^constraint_required: /,
    );
  });
});
