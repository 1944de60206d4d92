/**
 * The backplane: deliveries claimed and completed a second beside a floor in plain pg,
 * graphile-worker and pg-boss; INSERT to the host's start and to the result row at one warm agent,
 * beside a trigger's NOTIFY heard in another process; commits of writers that insert requests.
 * Everything beside something else is taken in rounds, turn about. fsync is on.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { EmbeddedPostgres } from '../src/hub/index.ts';
import { TestSwarm } from '../test/helpers/swarm.ts';
import type { Heard } from './lib/notified.ts';
import {
  bossQueue,
  floorQueue,
  graphileQueue,
  swarmplaneQueue,
  WORKERS,
  type BenchQueue,
} from './lib/queues.ts';
import { median, percentile, printFigures, printMachine, type Figure } from './lib/report.ts';

const ROUNDS = 5;
/** Deliveries in one round, by batch. */
const DELIVERIES: Readonly<Record<number, number>> = { 1: 1_000, 100: 20_000 };
/** A hub that has been at work for a minute: V8 has compiled what is on the way of a request. */
const WARM_UP = 600;
const LATENCIES = 400;
const WRITERS = 32;
const COMMITS = 2_000;

const INSERT_ONE = "insert into swarmplane.request (sql) values ('select 1 as one')";
const INSERT_CLOCK = `insert into swarmplane.request (sql) values ('select unixepoch(''subsec'') * 1000 as at')`;
const HOST_CLOCK = `select (row ->> 'at')::float8 as at from swarmplane.result order by request_id desc limit 1`;

const PARTS = ['queue', 'commits', 'latency'] as const;
const wanted = process.argv.length > 2 ? process.argv.slice(2) : PARTS;
printMachine();
if (wanted.includes('queue') || wanted.includes('commits')) await onServer();
if (wanted.includes('latency')) await onSwarm();

async function onServer(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'swarmplane-bench-'));
  // The server of a root runs as another user, who has to get there.
  chmodSync(folder, 0o755);
  const home = join(folder, 'root');
  const server = await EmbeddedPostgres.start({ dataDir: folder, homeForRoot: home });
  try {
    const url = server.hubUrl;
    const queues = [await floorQueue(url), await swarmplaneQueue(url)];
    if (wanted.includes('queue')) {
      queues.push(await graphileQueue(url), await bossQueue(url));
      for (const batch of [1, 100]) printFigures(await drainFigures(queues, batch));
    }
    if (wanted.includes('commits')) printFigures(await commitFigures(url));
    for (const queue of queues) await queue.stop();
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function onSwarm(): Promise<void> {
  const swarm = await TestSwarm.start(['bench'], { hub: true });
  try {
    printFigures(await latencyFigures(hubLogin(swarm.host('bench').state)));
  } finally {
    await swarm.stop();
  }
}

async function drainFigures(all: readonly BenchQueue[], batch: number): Promise<Figure[]> {
  const queues = all.filter(({ batches }) => batches || batch === 1);
  const rates = new Map<BenchQueue, number[]>(queues.map((queue) => [queue, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const queue of queues) rates.get(queue)!.push(await deliveriesPerSecond(queue, batch));
  const floor = { what: 'floor', value: median(rates.get(queues[0]!)!) };
  return queues.map((queue, at) => ({
    what: `claimed and completed, batch ${batch}, ${WORKERS} at once: ${queue.name}`,
    value: median(rates.get(queue)!),
    unit: '/s',
    ...(at > 0 && { floor }),
  }));
}

async function deliveriesPerSecond(queue: BenchQueue, batch: number): Promise<number> {
  const wanted = DELIVERIES[batch]!;
  await queue.fill(wanted, batch);
  const startedAt = performance.now();
  const did = await queue.drain(batch);
  if (did !== wanted) throw new Error(`${queue.name} did ${did} of ${wanted}`);
  return (did * 1000) / (performance.now() - startedAt);
}

/** Each insert is a transaction. */
async function commitFigures(url: string): Promise<Figure[]> {
  const clients = await Promise.all(Array.from({ length: WRITERS }, () => connected(url)));
  // As wide as a row of request; the primary key is all the index it has.
  await clients[0]!.query(
    'create table floor.request (like swarmplane.request including defaults including identity including generated, primary key (id))',
  );
  const insert = (table: string) => async (client: pg.Client) => {
    await client.query(`insert into ${table} (sql, hosts) values ('select 1 as one', '{host1}')`);
  };
  const plain: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    plain.push(await commitsPerSecond(clients, insert('floor.request')));
    ours.push(await commitsPerSecond(clients, insert('swarmplane.request')));
  }
  await Promise.all(clients.map((client) => client.end()));
  const floor = { what: 'plain insert, same columns, no triggers', value: median(plain) };
  const what = `commits of ${WRITERS} writers inserting requests for one host`;
  return [{ what, value: median(ours), unit: '/s', floor }];
}

async function commitsPerSecond(
  clients: readonly pg.Client[],
  commit: (client: pg.Client) => Promise<void>,
): Promise<number> {
  let left = COMMITS;
  const startedAt = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      while (left-- > 0) await commit(client);
    }),
  );
  return (COMMITS * 1000) / (performance.now() - startedAt);
}

/**
 * All from the moment the insert is sent. The result row counts as there when a notification of its
 * commit is heard; the trigger that notifies exists in this bench only. The host says itself when it
 * began, on its clock of whole milliseconds. There and back, and the bare way: see lib/answering.ts.
 */
async function latencyFigures(url: string): Promise<Figure[]> {
  const writer = await connected(url);
  await writer.query(`
    create table public.bench_floor (n integer);
    create table public.bench_there (n integer);
    create table public.bench_back (n integer);
    create table public.bench_work (n serial primary key, taken boolean not null default false);
    create table public.bench_done (n integer);
    create function public.bench_notify() returns trigger language plpgsql as
      $$ begin perform pg_notify(tg_argv[0], ''); return null; end $$;
    grant execute on function public.bench_notify() to swarmplane_owner`);
  for (const table of ['floor', 'there', 'back', 'work', 'done', 'result'])
    await writer.query(`
      create trigger bench_heard after insert on ${table === 'result' ? 'swarmplane.result' : `public.bench_${table}`}
        for each statement execute function public.bench_notify('bench_${table}')`);
  const channels = ['bench_floor', 'bench_back', 'bench_done', 'bench_result'];
  const listener = await forked('lib/notified.ts', [url, ...channels]);
  const answerers = [
    await forked('lib/answering.ts', [url, 'back']),
    await forked('lib/answering.ts', [url, 'bare']),
  ];
  const heard = async (channel: string): Promise<number> => {
    for (;;) {
      const [said] = (await once(listener, 'message')) as [Heard];
      if (said.channel === channel) return said.at;
    }
  };
  const timed = async (channel: string, insert: string): Promise<number> => {
    const at = heard(channel);
    const startedAt = monotonic();
    await writer.query(insert);
    return (await at) - startedAt;
  };
  const samples = { floor: [], back: [], bare: [], row: [], start: [] } as Record<string, number[]>;
  for (let round = 0; round < WARM_UP + LATENCIES; round++) {
    const floor = await timed('bench_floor', 'insert into public.bench_floor values (1)');
    const back = await timed('bench_back', 'insert into public.bench_there values (1)');
    const bare = await timed('bench_done', 'insert into public.bench_work default values');
    const row = await timed('bench_result', INSERT_ONE);
    const sentAt = Date.now();
    await timed('bench_result', INSERT_CLOCK);
    const { rows } = await writer.query<{ at: number }>(HOST_CLOCK);
    if (round < WARM_UP) continue;
    samples['floor']!.push(floor);
    samples['back']!.push(back);
    samples['bare']!.push(bare);
    samples['row']!.push(row);
    samples['start']!.push(rows[0]!.at - sentAt);
  }
  await writer.end();
  listener.disconnect();
  for (const answerer of answerers) answerer.disconnect();
  const shares = (what: string, of: string, beside: string, floor: string): Figure[] =>
    [0.5, 0.99].map((share) => ({
      what: `${what}, one warm agent, p${share * 100}`,
      value: percentile(samples[of]!, share),
      unit: 'ms',
      floor: { what: beside, value: percentile(samples[floor]!, share) },
    }));
  return [
    ...shares('insert to the host starting', 'start', 'NOTIFY, one way', 'floor'),
    ...shares('insert to result row', 'row', 'NOTIFY, one way', 'floor'),
    ...shares('insert to result row', 'row', 'NOTIFY, there and back', 'back'),
    ...shares('insert to result row', 'row', 'the bare way of a request', 'bare'),
  ];
}

async function forked(file: string, args: readonly string[]): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args);
  await once(child, 'message');
  return child;
}

/** An operator may make no triggers; the hub's login may. */
function hubLogin(stateFolder: string): string {
  const file = join(stateFolder, 'postgres', 'server.json');
  const state = JSON.parse(readFileSync(file, 'utf8')) as {
    port: number;
    passwords: { hub: string };
  };
  return `postgres://hub:${state.passwords.hub}@127.0.0.1:${state.port}/swarmplane`;
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  // The server goes away at the end; what matters fails its query.
  client.on('error', () => {});
  await client.connect();
  return client;
}

function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
