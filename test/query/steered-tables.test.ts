/**
 * Every table that has a column that says where to look: however a query names two places, its rows
 * are those of each place named alone; where it names them in a way that cannot be followed, it is refused.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
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
  /** A column that differs from one look to the next. */
  readonly moves?: string;
}

const C1 = 'c1'.repeat(32);
const C2 = 'c2'.repeat(32);
const container = { places: [`'${C1}'`, `'${C2}'`] } as const;
const instance = { places: ["'web'", "'job'"] } as const;

/** Answers with the agent that asked; which port it has stands in scenes, so it listens before them. */
const web = createServer(({ headers }, response) => response.end(headers['user-agent']));
await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
web.unref();
const WEB = `127.0.0.1:${(web.address() as AddressInfo).port}`;
const TLS_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgiVQNjA9r4KXJtYrR
5+tT1K7qKyhldAb+ctWOEXRnz+ChRANCAASdk6AAxOF3W9K2UxvvA5I50asdN+PG
E7I3q8ulTmqsOKtex1QqR4T42Ebqqpw2u6fBIJki2sQXVuPb+DCCr4ec
-----END PRIVATE KEY-----`;
const TLS_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBbjCCARWgAwIBAgIUXVtQngZUGujJVwEOHn8iRmw+yYgwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBYTAgFw0yNjExMjkxNjA5NTFaGA8yMTA5MDExODE2MDk1MVow
DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJ2ToADE4Xdb
0rZTG+8DkjnRqx0348YTsjery6VOaqw4q17HVCpHhPjYRuqqnDa7p8EgmSLaxBdW
49v4MIKvh5yjUzBRMB0GA1UdDgQWBBQH32kFbAbqR6y/4W3qmv5vTJ3RjDAfBgNV
HSMEGDAWgBQH32kFbAbqR6y/4W3qmv5vTJ3RjDAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0cAMEQCIB2c8XTrMEZumLeRz5LEFK0gQiOA3G1u0rPP6FycOLCl
AiBOCAKzje0lw7pIRKI9alRuznzQd5rCThgXVj90zP8J5g==
-----END CERTIFICATE-----`;
const tls = createTlsServer({ key: TLS_KEY, cert: TLS_CERTIFICATE });
await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
tls.unref();
const TLS_PORT = (tls.address() as AddressInfo).port;
const TLS = [`127.0.0.1:${TLS_PORT}`, `localhost:${TLS_PORT}`] as const;
const FACTS = { agent: {}, allowed: { configLines: [], curlHosts: [WEB, ...TLS] } };

const SCENES: Readonly<Record<string, Scene>> = {
  'deb_packages admindir': { places: ["'/opt/x'", "'/opt/y'"], rows: 3 },
  'deb_package_files admindir': { places: ["'/opt/x'", "'/opt/y'"], rows: 3 },
  'certificates path': { places: ["'/opt/x'", "'/opt/y/one.crt'"], rows: 3 },
  'curl url': {
    places: [`'http://${WEB}/a'`, `'http://${WEB}/b'`],
    rows: 2,
    moves: 'round_trip_time',
  },
  'curl user_agent': {
    places: ["'me/1'", "'me/2'"],
    and: `url = 'http://${WEB}/a'`,
    rows: 2,
    moves: 'round_trip_time',
  },
  'curl_certificate hostname': { places: [`'${TLS[0]}'`, `'${TLS[1]}'`], rows: 2 },
  'curl_certificate dump_certificate': {
    places: ['0', '1'],
    and: `hostname = '${TLS[0]}'`,
    rows: 2,
  },
  'curl_certificate timeout': { places: ['2', '3'], and: `hostname = '${TLS[0]}'`, rows: 2 },
  'lxd_instance_config name': { ...instance, rows: 3 },
  'lxd_instance_devices name': { ...instance, rows: 3 },
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

const DOCKER: Readonly<Record<string, unknown>> = {
  [`/containers/${C1}/changes`]: [{ Path: '/etc', Kind: 0 }],
  [`/containers/${C2}/changes`]: [
    { Path: '/etc', Kind: 1 },
    { Path: '/old', Kind: 2 },
  ],
  [`/containers/${C1}/stats?stream=false`]: { name: '/web' },
  [`/containers/${C2}/stats?stream=false`]: { name: '/job' },
};
const LXD: Readonly<Record<string, unknown>> = {
  '/1.0/instances/web': {
    metadata: {
      expanded_config: { 'limits.cpu': '2', 'limits.memory': '1GB' },
      expanded_devices: { root: { path: '/', type: 'disk' } },
    },
  },
  '/1.0/instances/job': {
    metadata: {
      expanded_config: { 'limits.cpu': '4' },
      expanded_devices: { eth0: { type: 'nic' } },
    },
  },
};
/** What ps would say, of which only the first two fields matter. */
const TOP = (id: string) => ({ Processes: [[id === C1 ? '42' : '43', 'S']] });

let fixture: Fixture;
const servers: { close(): unknown }[] = [web, tls];
beforeAll(async () => {
  fixture = new Fixture({}, { facts: () => FACTS }, 'own');
  writePackages();
  writeCertificates();
  await answerAt('var/run/docker.sock', (url) => {
    const top = /^\/containers\/([0-9a-f]{64})\/top/.exec(url)?.[1];
    return top === undefined ? DOCKER[url] : TOP(top);
  });
  await answerAt('var/lib/lxd/unix.socket', (url) => LXD[url]);
});
afterAll(async () => {
  await fixture.close();
  for (const server of servers) server.close();
});

/** A server of JSON at a socket of the fixture's root. */
async function answerAt(path: string, answerTo: (url: string) => unknown): Promise<void> {
  const server = createServer(({ url = '' }, response) => {
    const answer = answerTo(url);
    response.statusCode = answer === undefined ? 404 : 200;
    response.end(JSON.stringify(answer ?? {}));
  });
  servers.push(server);
  const socket = join(fixture.root, path);
  mkdirSync(dirname(socket), { recursive: true });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
}

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
  write('/var/lib/dpkg/info/default.list', '/etc/default.conf\n');
  write('/opt/x/info/a.list', '/etc/a.conf\n');
  write('/opt/x/info/b:all.list', '/etc/b.conf\n');
  write('/opt/y/info/c.list', '/etc/a.conf\n');
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

/** Two that sign themselves, made by `openssl req -x509 -newkey ed25519 -subj /CN=a`. */
const CERTIFICATES = [
  `MIIBLjCB4aADAgECAhRdkbe1kW4mHOJxPVHXWhSKEPegbjAFBgMrZXAwDDEKMAgG
A1UEAwwBYTAgFw0yNjExMjkwNzM0NTFaGA8yMTA5MDExODA3MzQ1MVowDDEKMAgG
A1UEAwwBYTAqMAUGAytlcAMhAEDRY7u7m1WDI4RaqEpZS0SYA40tFWoGpdRp1cMq
/d7ao1MwUTAdBgNVHQ4EFgQUywraoEyUJgHHTVs5w7s4MxLk6t8wHwYDVR0jBBgw
FoAUywraoEyUJgHHTVs5w7s4MxLk6t8wDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXAD
QQBWR7Czm/7obF/Hj3hPMp8FbIPzEJPAVziPP+a5hWCZhqGSwby/8t2H4t+X6ogD
XK4rr6S2gZCFmoDpk4pshnUM`,
  `MIIBLjCB4aADAgECAhQ4OrXDhpaR5SygrQyxX9c4OqLT0jAFBgMrZXAwDDEKMAgG
A1UEAwwBYjAgFw0yNjExMjkwNzM0NTFaGA8yMTA5MDExODA3MzQ1MVowDDEKMAgG
A1UEAwwBYjAqMAUGAytlcAMhADN/yhtVM5LsDrFwpusTrerkGbHUDEc9KJejuDbk
TiGlo1MwUTAdBgNVHQ4EFgQUssDic/u0uJSn6QIGqu0rlWqN1BkwHwYDVR0jBBgw
FoAUssDic/u0uJSn6QIGqu0rlWqN1BkwDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXAD
QQCCtMC1P1/6Omowx4Gp4mumuGU7C1wPS8PfY7Lt/UIZz/3FcrtPW7Ym2IiQshBj
K68+6EJ8gcur10i1n4VQgmgG`,
].map((base64) => `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`);

function writeCertificates(): void {
  const [one, two] = CERTIFICATES as [string, string];
  write('/etc/ssl/certs/ca-certificates.crt', one);
  write('/opt/x/one.crt', one);
  write('/opt/x/below/two.pem', two);
  write('/opt/y/one.crt', one);
  write('/opt/y/not-asked-for.crt', two);
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

const PERMITTED = { allowSensitive: true };

/** Without the column that only two forms give and the one that moves, as texts in any order. */
async function rowsOf(sql: string, moves?: string): Promise<string[]> {
  const { rows, columns } = await fixture.runner.run(sql, PERMITTED);
  const shown = columns
    .map((name, at) => [name, at] as const)
    .filter(([name]) => name !== 'c' && name !== moves);
  return rows.map((row) => JSON.stringify(shown.map(([, at]) => String(row[at])))).sort();
}

it('there is a scene for each', () => {
  expect(Object.keys(SCENES).sort()).toEqual(steered.map((names) => names.join(' ')).sort());
});

describe.each(steered)('%s.%s', (table, column) => {
  const { places, and = '1', rows: count, moves } = SCENES[`${table} ${column}`]!;
  const [a, b] = places;

  // NATURAL does not see hidden columns.
  const hidden = allTables
    .find(({ name }) => name === table)!
    .columns.some((it) => it.name === column && it.hidden);
  const forms = Object.entries(FORMS).filter(([name]) => !hidden || name !== 'natural');

  it.each(forms)('by %s', async (_, form) => {
    const alone = await Promise.all(
      places.map((place) =>
        rowsOf(`select t.* from ${table} t where ${column} = ${place} and ${and}`, moves),
      ),
    );
    expect(alone.map((rows) => rows.length)).not.toContain(0);
    expect(alone.flat()).toHaveLength(count);
    expect(await rowsOf(form(table, column, a, b, and), moves)).toEqual(alone.flat().sort());
  });

  it('by a correlated subquery', async () => {
    const { rows: counts } = await fixture.runner.run(
      `select (select count(*) from ${table} where ${column} = column1 and ${and}) from (values (${a}), (${b}))`,
      PERMITTED,
    );
    expect(counts.reduce<number>((sum, [one]) => sum + Number(one), 0)).toBe(count);
  });

  it.each(REFUSED.map((where) => where(column, a)))('not by %s', async (where) => {
    expect(
      await fixture.error(`select * from ${table} where ${where} and ${and}`, PERMITTED),
    ).toMatch(/^constraint_required: /);
  });
});
