/** What must hold once everything is whole again; each fault that is found is a line. */
import { existsSync, readFileSync } from 'node:fs';
import type pg from 'pg';
import { eventually } from '../helpers/swarm.ts';
import type { Fleet } from './fleet.ts';
import type { Inserted } from './requests.ts';
import { GONE } from './stranger-faults.ts';

/** Waits until the last request has ended, or none has for `stallMs`. Empty when every promise held. */
export async function faultsFound(
  fleet: Fleet,
  inserted: readonly Inserted[],
  stallMs: number,
): Promise<readonly string[]> {
  const { pool } = fleet;
  for (let open = await openRequests(pool); open > 0;) {
    const before = open;
    open = await eventually(
      async () => {
        const now = await openRequests(pool);
        return now < before ? now : undefined;
      },
      `another one of ${before} open requests ends`,
      stallMs,
    );
  }
  const found: string[] = [];
  for (const [what, sql] of Object.entries(CHECKS)) {
    const { rows } = await pool.query(sql);
    if (rows.length > 0) found.push(`${what}: ${rows.length}, such as ${JSON.stringify(rows[0])}`);
  }
  found.push(...(await lostOrChanged(pool, inserted, fleet.swarm.hosts.length)));
  found.push(...(await wronglyRun(fleet)));
  return found;
}

export async function openRequests(pool: pg.Pool): Promise<number> {
  const sql = `select count(*)::int as open from swarmplane.request where closed_at is null`;
  return (await pool.query<{ open: number }>(sql)).rows[0]!.open;
}

/** Of a role that was dropped: what it asked may end as cancelled. */
const IS_GONE = `asked_by like '${GONE}%'`;

/** Each query gives the rows that must not be. */
const CHECKS = {
  'requests whose counts are false': 'table swarmplane.count_fault',
  'deliveries left over': 'select id, state from swarmplane.delivery',
  'deliveries that did not end well': `
    select host, state, code, error from swarmplane.delivery_done
     where state <> 'ok' and code is distinct from 'interrupted'
       and request_id not in (select id from swarmplane.request where ${IS_GONE})`,
  'answers without their rows, with rows of others, or twice': `
    select d.request_id, d.host, count(r.row)
      from swarmplane.delivery_done d
      join swarmplane.request q on q.id = d.request_id
      left join swarmplane.result r on r.request_id = d.request_id and r.node_id = d.node_id
     where q.sql is not null and not q.${IS_GONE}
     group by d.request_id, d.host, q.idempotency_key
    having count(r.row) <> 1
        or min(r.row ->> 'key') <> q.idempotency_key
        or min(r.row ->> 'name') <> d.host`,
  'alerts that are not folded': `
    select kind, key from swarmplane.alert where resolved_at is null group by 1, 2 having count(*) > 1`,
  'alerts beyond one a host, hub and kind': `
    select count(*) from swarmplane.alert where resolved_at is null having count(*) > 200`,
};

async function lostOrChanged(
  pool: pg.Pool,
  inserted: readonly Inserted[],
  hostCount: number,
): Promise<string[]> {
  // A command that its host's end interrupted has failed, and says so.
  const { rows } = await pool.query<{ key: string; targets: number; ok: number }>(
    `select r.idempotency_key as key, r.targets, count(*)::int as ok
       from swarmplane.request r
       join swarmplane.delivery_done d on d.request_id = r.id
      where (d.state = 'ok' or d.code = 'interrupted' and r.action is not null) and not r.${IS_GONE}
      group by r.id`,
  );
  const byKey = new Map(rows.map((row) => [row.key, row]));
  const found = rows.length === inserted.length ? [] : [`${rows.length} requests are there`];
  for (const { key, hosts } of inserted) {
    const targets = hosts[0] === '*' ? hostCount : hosts.length;
    const row = byKey.get(key);
    if (row?.targets === targets && row.ok === targets) continue;
    found.push(`${key} to ${hosts.join(', ')} ended as ${JSON.stringify(row)}`);
  }
  return found;
}

/** Commands run at most once; those that are said to have run, once. */
async function wronglyRun(fleet: Fleet): Promise<string[]> {
  const lines = existsSync(fleet.marks) ? readFileSync(fleet.marks, 'utf8').trim().split('\n') : [];
  const times = new Map<string, number>();
  for (const id of lines) times.set(id, (times.get(id) ?? 0) + 1);
  const { rows } = await fleet.pool.query<{ id: string; state: string }>(
    `select d.id, d.state from swarmplane.delivery_done d
       join swarmplane.request r on r.id = d.request_id where r.action is not null`,
  );
  const found = [...times]
    .filter(([, count]) => count > 1)
    .map(([id]) => `command ${id} ran twice`);
  if (rows.length === 0) found.push('nothing was commanded');
  for (const { id, state } of rows)
    if (state === 'ok' && times.get(id) !== 1) found.push(`command ${id} is said to have run`);
  return found;
}
