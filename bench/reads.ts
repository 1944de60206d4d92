/**
 * What people read every day, of 200 hosts after a year and of a million rows of results: the newest changes, gaps,
 * the questions of sql/examples, a request and its account. Each is asked as a reader, by a session that never
 * asked it (planning counts) and again by the same one, beside its floor: the same rows read from a plain table
 * that holds nothing else.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { prepareDatabase } from './lib/history-fleet.ts';
import { onServer } from './lib/on-server.ts';
import { median, printFigures, printMachine, type Figure } from './lib/report.ts';

const QUICK = process.argv.includes('--quick');
const [HOSTS, RESULTS] = QUICK ? [20, 20_000] : [200, 1_000_000];
const ROUNDS = QUICK ? 3 : 7;
const TABLES = [
  ...[
    'os_version',
    'system_info',
    'kernel_info',
    'deb_packages',
    'rpm_packages',
    'users',
    'groups',
  ],
  ...['listening_ports', 'mounts', 'systemd_units', 'interface_addresses'],
];
const READS: readonly (readonly [string, string])[] = [
  ['newest 20 of all changes', 'select * from inventory.changes order by at desc limit 20'],
  [
    'newest 20 of one table',
    'select * from inventory.deb_packages_changes order by at desc limit 20',
  ],
  [
    'newest 20 of one host',
    `select * from inventory.changes where host = 'host7' order by at desc limit 20`,
  ],
  ['gaps of a week', `select * from swarmplane.gap where at > now() - interval '7 days'`],
  ['gaps of a year', 'table swarmplane.gap'],
  ['tracked', 'table swarmplane.tracked'],
  [
    'packages of a host 100 days ago',
    `select * from inventory.deb_packages_as_of(now() - interval '100 days') where host = 'host7'`,
  ],
  [
    'newest 20 hosts of requests',
    'select * from swarmplane.request_status order by request_id desc limit 20',
  ],
  ['status of a request', 'select * from swarmplane.request_status where request_id = 20'],
  ['account of a request', 'select swarmplane.account(20)'],
  ['rows of a request', 'select host, row from swarmplane.result where request_id = 20'],
  ...examples(),
];

printMachine();
await onServer(async (pool, url) => {
  await prepareDatabase(pool, [], TABLES);
  await fill(url);
  const figures: Figure[] = [];
  for (const [what, sql] of READS) figures.push(...(await figuresOf(pool, what, sql)));
  printFigures(figures);
});

/** By a connection of its own: one of a hub's ends what takes minutes. */
async function fill(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const startedAt = performance.now();
  try {
    await client.query(`set reads.hosts = ${HOSTS}; set reads.results = ${RESULTS}`);
    const sql = fileURLToPath(new URL('./lib/reads.sql', import.meta.url));
    await client.query(`begin; ${readFileSync(sql, 'utf8')} commit`);
    await client.query('vacuum analyze');
  } finally {
    await client.end();
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  console.log(`${HOSTS} hosts, a year, ${RESULTS} rows of results, made in ${seconds} s\n`);
}

async function figuresOf(pool: pg.Pool, what: string, sql: string): Promise<Figure[]> {
  await pool.query(
    `create table answer as ${sql.replace(/;\s*$/, '')}; grant select on answer to swarmplane_reader`,
  );
  const first: number[] = [];
  const again: number[] = [];
  const floor: number[] = [];
  let rows = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const client = await pool.connect();
    try {
      await client.query('set role swarmplane_reader');
      // a session has read its catalog before it asks anything
      await client.query('table swarmplane.tracked limit 1');
      const ask = async () => void (rows = (await client.query(sql)).rowCount ?? 0);
      first.push(await timed(ask));
      again.push(await timed(ask));
      floor.push(await timed(() => client.query('table answer')));
    } finally {
      client.release(true);
    }
  }
  await pool.query('drop table answer');
  const beside = { what: 'the same rows of a plain table', value: median(floor) };
  return [
    {
      what: `${what} (${rows} rows), first time in a session`,
      value: median(first),
      unit: 'ms',
      floor: beside,
    },
    { what: `${what}, again`, value: median(again), unit: 'ms', floor: beside },
  ];
}

function examples(): (readonly [string, string])[] {
  const folder = fileURLToPath(new URL('../sql/examples/', import.meta.url));
  // the examples name a host of their own
  const textOf = (file: string) => readFileSync(folder + file, 'utf8').replace(`'web1'`, `'host7'`);
  return readdirSync(folder)
    .sort()
    .map((file) => [`sql/examples/${file}`, textOf(file)] as const);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
