/** Clients that insert requests into a database that comes and goes, and remember what was committed. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../sim/random.ts';
import { MARK, type Fleet } from './fleet.ts';

const CLIENTS = 4;

export interface Inserted {
  readonly key: string;
  readonly hosts: readonly string[];
  /** A command, to named agents, not a query. */
  readonly action: boolean;
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
      const request = requestOf(fleet, random, `chaos-${n}`);
      await insert(fleet, request);
      inserted.push(request);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return inserted;
}

/** A third are commands, one in ten of the others asks all hosts. */
function requestOf(fleet: Fleet, random: Random, key: string): Inserted {
  const action = random.hits(0.33);
  const hosts = action ? fleet.agents : fleet.swarm.hosts;
  const some = [random.pick(hosts).name, random.pick(hosts).name];
  const all = !action && random.hits(0.1);
  return { key, action, hosts: all ? ['*'] : [...new Set(some)] };
}

/** Until it is certain: an insert whose connection broke may have been committed or not. */
async function insert(fleet: Fleet, { key, hosts, action }: Inserted): Promise<void> {
  const sql = `select '${key}' as key, name from swarm_members where self = 1`;
  const what = action ? [null, MARK, { file: fleet.marks }] : [sql, null, null];
  for (;;) {
    try {
      await fleet.pool.query(
        `insert into swarmplane.request (sql, action, args, hosts, idempotency_key, expires_in)
         values ($1, $2, $3, $4, $5, '1 hour')`,
        [...what, hosts, key],
      );
      return;
    } catch (error) {
      if ((error as { code?: string }).code === '23505') return;
      await pause(50);
    }
  }
}
