/** One run: hosts whose tables change, faults at the same time, then peace and the verdict. */
import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { HistoryStatus } from '../../src/agent/index.ts';
import type { TestHost } from '../helpers/swarm.ts';
import { Random } from '../sim/random.ts';
import { addBarrier } from './barrier.ts';
import type { ChaosResult } from './command.ts';
import { unleash, type Plan } from './faults.ts';
import { Fleet } from './fleet.ts';
import { historyFaults, type Counted } from './history-verdict.ts';
import { changeAll, FILE_TABLES, Truth } from './truth.ts';

export interface HistoryChaosOptions {
  readonly agents: number;
  readonly hubs: number;
  /** Most time for the faults, in milliseconds. */
  readonly ms: number;
  readonly seed: number;
  readonly plan: Plan;
  readonly say: (line: string) => void;
}

export async function historyChaos(options: HistoryChaosOptions): Promise<ChaosResult> {
  const { seed, ms, plan, say } = options;
  const random = new Random(seed);
  const fleet = await Fleet.start({ ...options, history: true });
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  try {
    const truths = fleet.agents.flatMap((host) => FILE_TABLES.map((of) => new Truth(host, of)));
    for (const truth of truths) truth.change(random);
    await addBarrier(fleet.pool);
    await trackFiles(fleet);
    say(`${fleet.agents.length} agents and ${fleet.hubs.length} hubs are up, seed ${seed}`);
    const counted: Counted = new Map();
    const { signal } = over;
    const lanes = Promise.all([
      changeAll(truths, random.fork(), signal),
      hurry(fleet.pool, signal),
      count(fleet.agents, counted, signal),
    ]);
    const unleashed = unleash(fleet, random.fork(), signal, plan);
    await Promise.race([unleashed, pause(ms, undefined, { signal, ref: false })]);
    over.abort();
    const faults = await unleashed;
    await lanes;
    say(JSON.stringify(faults));
    return { faults, found: await historyFaults(fleet, truths, counted, say) };
  } finally {
    over.abort();
    if (process.env['CHAOS_KEEP'] === undefined) await fleet.stop();
  }
}

/** Every second, which people may not wish for: a short run has many takings. */
async function trackFiles({ pool, agents }: Fleet): Promise<void> {
  await pool.query(
    'alter table swarmplane.track_wish drop constraint every_is_ten_seconds_or_more',
  );
  for (const { table } of FILE_TABLES) {
    await pool.query('select swarmplane.make_tracked($1)', [table]);
    await pool.query(
      `insert into swarmplane.track_wish (table_name, every, hosts) values ($1, '1 second', $2)`,
      [table, agents.map(({ name }) => name)],
    );
  }
}

/** Handovers in place of every 5 s at most: more of them can be hit. */
async function hurry(pool: pg.Pool, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pool.query('select swarmplane.wish_soon()').catch(() => undefined);
    await pause(500, undefined, { signal }).catch(() => undefined);
  }
}

/** What hosts say that they have counted is on their disks: none of it may be lost. */
async function count(
  agents: readonly TestHost[],
  counted: Counted,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (const host of agents) await noteStatus(host, counted).catch(() => undefined);
    await pause(500, undefined, { signal }).catch(() => undefined);
  }
}

async function noteStatus(host: TestHost, counted: Counted): Promise<void> {
  const { history } = (await host.status()) as unknown as { history: HistoryStatus };
  for (const { table, sequence, at } of history.tables)
    if (at !== null) counted.set(`${host.name} ${table} ${sequence}`, at);
}
