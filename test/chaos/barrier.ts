/** Holds an ingest in the middle of its transaction, so that something can die just there. */
import type pg from 'pg';
import { eventually } from '../helpers/swarm.ts';
import type { ChaosHub, Fleet } from './fleet.ts';

const LOCK = 4242;
/** Within which a host hands something over. */
const CATCH_MS = 20_000;

export interface Caught {
  /** Whose ingest it is. */
  readonly hub: ChaosHub;
  /** Lets the ingest go on; resolves once its transaction has ended. */
  readonly commit: () => Promise<void>;
}

/** In every ingest of the database, after its takings are written. */
export async function addBarrier(pool: pg.Pool): Promise<void> {
  await pool.query(`
    create function public.barrier() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock_shared(${LOCK}); return null; end $$;
    create trigger barrier after insert on swarmplane.taking
      for each statement execute function public.barrier()`);
}

/** Does `work` while an ingest waits; the barrier is open again after it. False where none came. */
export async function atIngest(
  { pool, hubs }: Fleet,
  work: (caught: Caught) => Promise<void>,
): Promise<boolean> {
  const holder = await pool.connect();
  holder.on('error', () => undefined);
  const open = () => holder.query(`select pg_advisory_unlock_all()`);
  try {
    await holder.query('select pg_advisory_lock($1)', [LOCK]);
    const waiting = await eventually(() => firstWaiting(pool), 'an ingest', CATCH_MS);
    const hub = hubs.find(({ proxy }) => proxy.ports.includes(waiting.port));
    if (hub === undefined) return false;
    const commit = async (): Promise<void> => {
      await open();
      await eventually(
        async () => ((await isBusy(pool, waiting.pid)) ? undefined : true),
        'commit',
      );
    };
    await work({ hub, commit });
    return true;
  } catch (error) {
    if (/^not within/.test((error as Error).message)) return false;
    throw error;
  } finally {
    await open().catch(() => undefined);
    holder.release(true);
  }
}

async function firstWaiting(
  pool: pg.Pool,
): Promise<{ readonly pid: number; readonly port: number } | undefined> {
  const { rows } = await pool.query<{ pid: number; port: number }>(
    `select a.pid, a.client_port as port
       from pg_locks l
       join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'advisory' and l.objid = $1 and not l.granted
      order by a.xact_start limit 1`,
    [LOCK],
  );
  return rows[0];
}

async function isBusy(pool: pg.Pool, pid: number): Promise<boolean> {
  const { rows } = await pool.query(
    'select from pg_stat_activity where pid = $1 and xact_start is not null',
    [pid],
  );
  return rows.length > 0;
}
