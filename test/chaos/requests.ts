/** Clients that insert requests into a database that comes and goes, and remember what was committed. */
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { Random } from '../sim/random.ts';
import type { Fleet } from './fleet.ts';

const CLIENTS = 4;

export interface Inserted {
  readonly key: string;
  readonly hosts: readonly string[];
}

/** Inserts `count` requests over about `ms`; resolves when each is known to be committed, once. */
export async function insertAll(
  fleet: Fleet,
  random: Random,
  { count, ms }: { count: number; ms: number },
): Promise<readonly Inserted[]> {
  const inserted: Inserted[] = [];
  const startedAt = Date.now();
  let next = 0;
  const client = async (): Promise<void> => {
    for (let n = next++; n < count; n = next++) {
      await pause(startedAt + (ms * n) / count - Date.now());
      const request = { key: `chaos-${n}`, hosts: targets(fleet, random) };
      await insert(fleet.pool, request);
      inserted.push(request);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return inserted;
}

function targets(fleet: Fleet, random: Random): readonly string[] {
  const names = fleet.swarm.hosts.map(({ name }) => name);
  if (random.hits(0.4)) return ['*'];
  return [...new Set([random.pick(names), random.pick(names)])];
}

/** Until it is certain: an insert whose connection broke may have been committed or not. */
async function insert(pool: pg.Pool, { key, hosts }: Inserted): Promise<void> {
  for (;;) {
    try {
      await pool.query(
        `insert into swarmplane.request (sql, hosts, idempotency_key, expires_in)
         values ($1, $2, $3, '1 hour')`,
        [`select '${key}' as key, name from swarm_members where self = 1`, hosts, key],
      );
      return;
    } catch (error) {
      if ((error as { code?: string }).code === '23505') return;
      await pause(50);
    }
  }
}
