/**
 * From a question to its rows, with real processes: `swarmplane query` at four agents, cold and
 * warm, beside the start of a bare Node process; INSERT to result row, beside a raw
 * trigger-NOTIFY-LISTEN round trip; idle memory of an agent.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { PROGRAM, TestSwarm, type TestHost } from '../test/helpers/swarm.ts';
import { median, percentile, printFigures, printMachine, type Figure } from './lib/report.ts';

const ROUNDS = 30;
const SQL = 'select name, version from os_version';

const swarm = await TestSwarm.start(['b1', 'b2', 'b3', 'b4'], { hub: true });
try {
  printMachine();
  await swarm.host('b3').end();
  swarm.host('b3').start();
  await swarm.whole();
  // What joining took is given back: the J-PAKE thread ends after 30 s without work.
  await new Promise((done) => setTimeout(done, 45_000));
  const joined = idleMemory('b4');
  const restarted = idleMemory('b3');
  const asker = swarm.host('b2');
  const cold = await timedQuery(asker);
  const warm = await repeat(ROUNDS, () => timedQuery(asker));
  const bare = median(await repeat(ROUNDS, bareNode));
  const url = readFileSync(join(swarm.host('b1').state, 'psql-url'), 'utf8').trim();
  const floor = await notifyRoundTrips(hubLogin(url));
  const toRow = await insertToRow(url);
  printFigures([
    ...queryFigures('cold', cold, bare),
    ...queryFigures(
      'warm',
      { first: median(warm.map((t) => t.first)), end: median(warm.map((t) => t.end)) },
      bare,
    ),
    ...insertFigures(toRow, floor),
    { what: 'idle agent, resident (goal: under 64)', value: restarted, unit: 'MiB' },
    { what: 'the same in the run in which it joined', value: joined, unit: 'MiB' },
  ]);
} finally {
  await swarm.stop();
}

interface Timed {
  readonly first: number;
  readonly end: number;
}

function queryFigures(how: string, timed: Timed, bare: number): Figure[] {
  const floor = { what: 'start of a bare Node process', value: bare };
  return [
    { what: `query, 4 agents, ${how}: to first row`, value: timed.first, unit: 'ms', floor },
    { what: `query, 4 agents, ${how}: to full account`, value: timed.end, unit: 'ms', floor },
  ];
}

function insertFigures(samples: readonly number[], floors: readonly number[]): Figure[] {
  return [0.5, 0.99].map((share) => ({
    what: `insert commit to first result row, 4 agents, p${share * 100}`,
    value: percentile(samples, share),
    unit: 'ms',
    floor: { what: 'raw trigger NOTIFY to LISTEN', value: percentile(floors, share) },
  }));
}

/** CSV rows are printed as they arrive, so the first data line is the first row. */
async function timedQuery(host: TestHost): Promise<Timed> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [PROGRAM, '--state', host.state, 'query', '--csv', SQL]);
  let first: number | undefined;
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    if (first === undefined && out.split('\n').length > 2) first = performance.now() - startedAt;
  });
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0 || first === undefined) throw new Error(`the query ended with ${code}: ${out}`);
  return { first, end: performance.now() - startedAt };
}

async function bareNode(): Promise<number> {
  const startedAt = performance.now();
  await once(spawn(process.execPath, ['-e', '0']), 'close');
  return performance.now() - startedAt;
}

/** Resident set of an agent that has not been asked anything, from /proc before anything is asked. */
function idleMemory(host: string): number {
  const status = readFileSync(`/proc/${swarm.host(host).pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
}

/** An operator may make no tables; the hub's login may. */
function hubLogin(url: string): string {
  const state = JSON.parse(
    readFileSync(`${swarm.host('b1').state}/postgres/server.json`, 'utf8'),
  ) as {
    passwords: { hub: string };
  };
  const login = new URL(url);
  login.username = 'hub';
  login.password = state.passwords.hub;
  return login.href;
}

async function notifyRoundTrips(url: string): Promise<number[]> {
  const [listener, writer] = await Promise.all([connected(url), connected(url)]);
  await writer.query(`
    create temp table bench_floor (n int);
    create function pg_temp.bench_notify() returns trigger language plpgsql as
      $$ begin perform pg_notify('bench_floor', ''); return null; end $$;
    create trigger t after insert on bench_floor for each statement execute function pg_temp.bench_notify()`);
  await listener.query('listen bench_floor');
  const samples = await repeat(ROUNDS * 4, async () => {
    const heard = once(listener, 'notification');
    const startedAt = performance.now();
    await writer.query('insert into bench_floor values (1)');
    await heard;
    return performance.now() - startedAt;
  });
  await Promise.all([listener.end(), writer.end()]);
  return samples.slice(ROUNDS);
}

/** From the moment the insert's commit is known to the first sight of a row. */
async function insertToRow(url: string): Promise<number[]> {
  const [reader, writer] = await Promise.all([connected(url), connected(url)]);
  const samples = await repeat(ROUNDS * 4, async () => {
    const inserted = await writer.query<{ id: number }>(
      "insert into swarmplane.request (sql) values ('select 1 as one') returning id",
    );
    const startedAt = performance.now();
    for (;;) {
      const { rowCount } = await reader.query(
        'select 1 from swarmplane.result where request_id = $1 limit 1',
        [inserted.rows[0]!.id],
      );
      if (rowCount! > 0) return performance.now() - startedAt;
      if (performance.now() - startedAt > 60_000) throw new Error('no row within a minute');
    }
  });
  await Promise.all([reader.end(), writer.end()]);
  return samples.slice(ROUNDS);
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  // The server goes away at the end; what matters fails its query.
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function repeat<T>(times: number, run: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let i = 0; i < times; i++) results.push(await run());
  return results;
}
