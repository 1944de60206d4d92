/**
 * History: takings of a fleet's packages through everything that a hub does with them, beside full snapshots of
 * the same rows: milliseconds per taking, size on disk, and the questions people ask. Then a large fleet that
 * hands over all at once. Hosts run the agent's own code in this process. fsync is on.
 */
import type pg from 'pg';
import { Crowd, type Crush } from './lib/history-crowd.ts';
import { Fleet, PACKAGES_PER_HOST, prepareDatabase } from './lib/history-fleet.ts';
import { keepSnapshot, prepareSnapshots, QUESTIONS } from './lib/history-snapshots.ts';
import { TimedTurns } from './lib/history-turns.ts';
import { onServer } from './lib/on-server.ts';
import { median, printFigures, printMachine, type Figure } from './lib/report.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const [HOSTS, DAYS, CROWD] = process.argv.includes('--quick') ? [20, 10, 100] : [200, 50, 1_000];
const QUESTION_ROUNDS = 15;
const CROWD_HOURS = 3;
/** What a hub tracks by default, rows of each, and how often a host takes them. */
const BY_DEFAULT = {
  os_version: 1,
  system_info: 1,
  kernel_info: 1,
  users: 30,
  groups: 60,
  mounts: 30,
  listening_ports: 20,
  systemd_units: 300,
  interface_addresses: 6,
};
const TURNS = 10;
/** What a host of the crowd hands over besides its packages: rows of each table. */
const OTHERS = { os_version: 1, system_info: 1, kernel_info: 1, users: 30, groups: 60 };

printMachine();
await onServer(daysOfFleet);
await onServer(wholeTurns);
await onServer(crowdAtOnce);

/** Every host takes its packages once a day and hands them over; a snapshot of the same rows is kept beside. */
async function daysOfFleet(pool: pg.Pool): Promise<void> {
  const fleet = await Fleet.open(HOSTS);
  await prepareDatabase(pool, fleet.hosts, ['deb_packages']);
  await prepareSnapshots(pool);
  const turns = new TimedTurns(pool, fleet);
  await turns.tell();
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const days = Array.from({ length: DAYS }, (_, at) => today - (DAYS - at) * DAY_MS);
  const snapshots: number[] = [];
  for (const day of days) {
    if (day !== days[0]) fleet.age();
    for (const host of fleet.hosts) await host.take(day);
    await turns.round(async (nodeId) => {
      const keep = () => keepSnapshot(pool, nodeId, day, fleet.packagesOf(nodeId));
      snapshots.push(await timed(keep));
    });
  }
  printFigures([...takingFigures(turns, median(snapshots)), ...(await sizeFigures(pool))]);
  const [before, day] = days.slice(Math.floor(DAYS / 2) - 1) as [number, number];
  printFigures(await questionFigures(pool, new Date(day), new Date(before)));
}

function takingFigures({ takings, claims }: TimedTurns, snapshotMs: number): Figure[] {
  const floor = { what: 'full snapshot', value: snapshotMs };
  const kinds = { same: 'unchanged', delta: 'delta', full: 'first' };
  const figures = Object.entries(kinds).map(([kind, called]) => {
    const samples = takings.get(kind) ?? [];
    const what = `a taking of ${PACKAGES_PER_HOST} packages, ${called} (median of ${samples.length})`;
    return { what, value: median(samples), unit: 'ms', floor };
  });
  return [...figures, { what: 'claim and note of a turn', value: median(claims), unit: 'ms' }];
}

async function sizeFigures(pool: pg.Pool): Promise<Figure[]> {
  const { rows } = await pool.query<{ called: string; mib: number }>(`
    select case when n.nspname = 'snapshot' then 'snapshots'
                when c.relname ~ '^taking|^head$' then 'proof'
                when c.relname ~ '_current$' then 'current'
                else 'history' end as called,
           sum(pg_total_relation_size(c.oid)) / 1048576.0::float8 as mib
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r'
       and (n.nspname in ('snapshot', 'inventory')
            or n.nspname = 'swarmplane' and c.relname ~ '^taking|^head$')
     group by 1`);
  const mib = Object.fromEntries(rows.map(({ called, mib }) => [called, mib]));
  const { current = 0, history = 0, proof = 0, snapshots = 0 } = mib;
  const what =
    `on disk with indexes (current ${current.toFixed(0)}, history ${history.toFixed(0)}, ` +
    `takings and signatures ${proof.toFixed(0)})`;
  const floor = { what: 'full snapshots', value: snapshots };
  return [{ what, value: current + history + proof, unit: 'MiB', floor }];
}

/** Turn about; both must give the same rows. */
async function questionFigures(pool: pg.Pool, day: Date, dayBefore: Date): Promise<Figure[]> {
  await pool.query('vacuum analyze');
  const figures: Figure[] = [];
  for (const { what, history, snapshots, values } of QUESTIONS) {
    const ask = (text: string) => pool.query({ text, values: [...values(day, dayBefore)] });
    const samples = { history: [] as number[], snapshots: [] as number[] };
    const [ours, theirs] = [await ask(history), await ask(snapshots)];
    if (ours.rowCount === 0 || ours.rowCount !== theirs.rowCount)
      throw new Error(`${what}: ${ours.rowCount} rows and ${theirs.rowCount} rows`);
    for (let round = 0; round < QUESTION_ROUNDS; round++) {
      samples.history.push(await timed(() => ask(history)));
      samples.snapshots.push(await timed(() => ask(snapshots)));
    }
    figures.push({
      what: `${what} (${ours.rowCount} rows)`,
      value: median(samples.history),
      unit: 'ms',
      floor: { what: 'full snapshots', value: median(samples.snapshots) },
    });
  }
  return figures;
}

/** Hosts hand over, one after the other, one taking of each of the ten tables tracked by default; none changed. */
async function wholeTurns(pool: pg.Pool): Promise<void> {
  const fleet = await Fleet.open(20, BY_DEFAULT);
  const tables = ['deb_packages', ...Object.keys(BY_DEFAULT)];
  await prepareDatabase(pool, fleet.hosts, tables);
  const turns = new TimedTurns(pool, fleet);
  await turns.tell();
  await pool.query('create table floor (at timestamptz, taking jsonb)');
  const floor: number[] = [];
  const begin = Math.floor(Date.now() / HOUR_MS - TURNS - 1) * HOUR_MS;
  for (let hour = 0; hour < TURNS; hour++) {
    for (const host of fleet.hosts) await host.take(begin + hour * HOUR_MS);
    const keep = () => pool.query('insert into floor values (now(), $1)', ['{}']);
    await turns.round(async () => void floor.push(await timed(keep)));
  }
  const samples = turns.takings.get('same') ?? [];
  const what = `a taking, unchanged, in a turn of ${tables.length} tables (median of ${samples.length} turns)`;
  const beside = { what: 'one row and commit', value: median(floor) };
  printFigures([{ what, value: median(samples), unit: 'ms', floor: beside }]);
}

/** Every host hands over what it took in an hour, at the same time. */
async function crowdAtOnce(pool: pg.Pool): Promise<void> {
  const fleet = await Fleet.open(CROWD, OTHERS);
  const tables = ['deb_packages', ...Object.keys(OTHERS)];
  await prepareDatabase(pool, fleet.hosts, tables);
  const crowd = new Crowd(pool, fleet, tables.length);
  await crowd.tell();
  const begin = Math.floor(Date.now() / HOUR_MS - CROWD_HOURS - 1) * HOUR_MS;
  const first = await crowd.crush(begin);
  const later: Crush[] = [];
  for (let hour = 1; hour <= CROWD_HOURS; hour++) {
    fleet.age();
    later.push(await crowd.crush(begin + hour * HOUR_MS));
  }
  later.sort((a, b) => a.ms - b.ms);
  const takings = CROWD * tables.length;
  printFigures([
    crowdFigure(`first ${takings} takings of ${CROWD} hosts at once`, first),
    crowdFigure(`an hour's ${takings} takings of ${CROWD} hosts at once`, later[1]!),
  ]);
}

function crowdFigure(what: string, { ms, hostMs, bytes, floorMs }: Crush): Figure {
  const [seconds, mib] = [(hostMs / 1000).toFixed(1), (bytes / 2 ** 20).toFixed(0)];
  return {
    what: `${what}, ${mib} MiB (of it ${seconds} s the hosts' own work)`,
    value: ms / 1000,
    unit: 's',
    floor: { what: 'each answer as one row and commit', value: floorMs / 1000 },
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
