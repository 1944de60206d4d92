/**
 * Queues to drain side by side, all on one server: the hub's own, a floor in plain pg, graphile-worker
 * and pg-boss. Each is filled outside of the measured time.
 */
import { Logger, makeWorkerUtils, runOnce } from 'graphile-worker';
import PgBoss from 'pg-boss';
import { migrate, openPool } from '../../src/hub/index.ts';
import { outcomeOf } from '../../src/hub/queue/outcome.ts';
import { NodeStore } from '../../src/hub/node-store.ts';
import { Queue, type ClaimedDelivery } from '../../src/hub/queue/queue.ts';
import { MIGRATIONS_DIR, RELEASE, SQL_DIR } from '../../src/hub/release.ts';

export interface BenchQueue {
  readonly name: string;
  /** Batches beyond one delivery that it knows. */
  readonly batches: boolean;
  fill(deliveries: number, batch: number): Promise<void>;
  /** Claims and completes until nothing is left; how many it did. */
  drain(batch: number): Promise<number>;
  stop(): Promise<void>;
}

/** Who claim and complete at once, in every queue. */
export const WORKERS = 4;
const HOSTS = 100;

/** The functions of sql/, called as the hub calls them; each outcome is one row and a proof. */
export async function swarmplaneQueue(url: string): Promise<BenchQueue> {
  const pool = openPool(url, { max: WORKERS });
  await migrate(pool, { migrationsDir: MIGRATIONS_DIR, sqlDir: SQL_DIR, release: RELEASE });
  const queue = new Queue(pool);
  await queue.makePartitions();
  const nodes = Array.from({ length: HOSTS }, (_, at) => nodeOf(at));
  await new NodeStore(pool).report(JSON.stringify(nodes));
  const { rows } = await pool.query<{ id: string }>(
    'select swarmplane.hub_hello($1, $2, $3, $4) as id',
    [nodeId(0), 'host0', RELEASE, process.pid],
  );
  const hub = rows[0]!.id;
  return {
    name: 'swarmplane',
    batches: true,
    async fill(deliveries, batch) {
      await pool.query(
        `insert into swarmplane.request (sql, hosts)
         select 'select 1 as one', case when $2 then '{*}' else array['host' || g % ${HOSTS}] end
           from generate_series(1, $1::integer) g`,
        [deliveries / batch, batch === HOSTS],
      );
      await pool.query('vacuum analyze swarmplane.request, swarmplane.delivery');
    },
    drain: (batch) =>
      together(async () => {
        const claim = await queue.claim(hub, batch);
        if (claim === undefined) return 0;
        const outcomes = claim.deliveries.map(answered).join(',');
        return (await queue.complete(claim.token, `[${outcomes}]`)).size;
      }),
    stop: () => pool.end(),
  };
}

/**
 * The least that a queue with results and counts does: claim, one statement and no fsync; complete,
 * one statement that moves the row with its outcome and updates a count.
 */
export async function floorQueue(url: string): Promise<BenchQueue> {
  const claims = openPool(`${url}?options=-c%20synchronous_commit%3Doff`, { max: WORKERS });
  const pool = openPool(url, { max: WORKERS });
  await pool.query(`
    create schema floor;
    create table floor.parent (id bigint primary key, pending int not null, done int not null default 0);
    create table floor.job (
      id uuid primary key default gen_random_uuid(),
      parent bigint not null references floor.parent,
      running boolean not null default false) with (fillfactor = 80);
    create index on floor.job (parent, id) where not running;
    create table floor.done (id uuid primary key, parent bigint not null, outcome jsonb not null)`);
  return {
    name: 'floor: plain pg',
    batches: true,
    async fill(deliveries, batch) {
      await pool.query('truncate floor.done, floor.job, floor.parent');
      await pool.query(
        'insert into floor.parent select g, $2 from generate_series(1, $1::integer) g',
        [deliveries / batch, batch],
      );
      await pool.query(
        'insert into floor.job (parent) select p.id from floor.parent p, generate_series(1, $1::integer)',
        [batch],
      );
      await pool.query('vacuum analyze floor.job, floor.parent');
    },
    drain: (batch) =>
      together(async () => {
        const { rows } = await claims.query<{ id: string }>(FLOOR_CLAIM, [batch]);
        if (rows.length === 0) return 0;
        const outcomes = rows.map(({ id }) => answered({ id, nodeId: nodeId(0), attempt: 1 }));
        await pool.query(FLOOR_COMPLETE, [`[${outcomes.join(',')}]`]);
        return rows.length;
      }),
    stop: async () => void (await Promise.all([claims.end(), pool.end()])),
  };
}

const FLOOR_CLAIM = `
  with due as materialized (
    select id from floor.job where not running order by parent, id limit $1 for update skip locked
  )
  update floor.job j set running = true from due where j.id = due.id returning j.id`;

const FLOOR_COMPLETE = `
  with o as (
    select (value ->> 'id')::uuid as id, value from jsonb_array_elements($1::jsonb)
  ), gone as (
    delete from floor.job j using o where j.id = o.id returning j.id, j.parent, o.value
  ), done as (
    insert into floor.done select id, parent, value from gone
  )
  update floor.parent p set pending = p.pending - g.n, done = p.done + g.n
    from (select parent, count(*) as n from gone group by 1) g where p.id = g.parent`;

/** Jobs that do nothing, one by one: it has no batches. Its own loop, its own prepared statements. */
export async function graphileQueue(url: string): Promise<BenchQueue> {
  const pgPool = openPool(url, { max: WORKERS + 2 });
  // It says a line for each job.
  const logger = new Logger(() => () => undefined);
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();
  let did = 0;
  return {
    name: 'graphile-worker',
    batches: false,
    async fill(deliveries) {
      await pgPool.query(
        `select graphile_worker.add_job('nothing', '{"sql": "select 1 as one"}') from generate_series(1, $1)`,
        [deliveries],
      );
    },
    async drain() {
      did = 0;
      await runOnce({
        pgPool,
        concurrency: WORKERS,
        noHandleSignals: true,
        taskList: { nothing: () => void did++ },
        logger,
      });
      return did;
    },
    stop: async () => {
      await utils.release();
      await pgPool.end();
    },
  };
}

/** `fetch` and `complete` as its `work` calls them, without the wait between two of them. */
export async function bossQueue(url: string): Promise<BenchQueue> {
  const boss = new PgBoss({
    connectionString: url,
    max: WORKERS,
    supervise: false,
    schedule: false,
  });
  // Its connections outlive its stop by a moment; what matters fails a call.
  boss.on('error', () => {});
  await boss.start();
  await boss.createQueue('bench');
  const output = JSON.parse(answered({ id: '', nodeId: nodeId(0), attempt: 1 })) as object;
  return {
    name: 'pg-boss',
    batches: true,
    async fill(deliveries) {
      for (let left = deliveries; left > 0; left -= 1_000)
        await boss.insert(
          Array.from({ length: Math.min(left, 1_000) }, () => ({
            name: 'bench',
            data: { sql: 'select 1 as one' },
          })),
        );
    },
    drain: (batch) =>
      together(async () => {
        const jobs = await boss.fetch('bench', { batchSize: batch });
        if (jobs.length > 0)
          await boss.complete(
            'bench',
            jobs.map(({ id }) => id),
            output,
          );
        return jobs.length;
      }),
    stop: () => boss.stop({ graceful: false }),
  };
}

async function together(one: () => Promise<number>): Promise<number> {
  const worker = async (): Promise<number> => {
    for (let did = 0; ;) {
      const more = await one();
      if (more === 0) return did;
      did += more;
    }
  };
  const each = await Promise.all(Array.from({ length: WORKERS }, worker));
  return each.reduce((sum, did) => sum + did, 0);
}

function answered({ id, nodeId }: ClaimedDelivery): string {
  const outcome = { nodeId, name: 'host', state: 'ok', rowCount: 1, tookMs: 1 } as const;
  const answer = { columns: ['one'], rows: [[1]], warnings: [], proof: PROOF };
  const host = { outcome: { ...outcome, truncated: false }, ...answer };
  return outcomeOf(id, host, { certain: true, sensitive: false }).text;
}

/** As long as a proof is: a key entry, a head and a trailer with their signatures. */
const PROOF = new Uint8Array(640).fill(7);

function nodeId(at: number): string {
  return String(at).padStart(64, '0');
}

function nodeOf(at: number): object {
  return {
    identity: nodeId(at),
    name: `host${at}`,
    state: 'alive',
    labels: {},
    version: RELEASE,
    hub: at === 0,
    incarnation: 1,
    since: Date.now(),
    addresses: [],
  };
}
