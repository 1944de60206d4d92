/** What must hold of history once everything is whole again; each fault that is found is a line. */
import type pg from 'pg';
import { eventually } from '../helpers/swarm.ts';
import type { Fleet } from './fleet.ts';
import type { FileTable, Truth } from './truth.ts';

/** Times of takings that hosts said they had, by `host table sequence`. */
export type Counted = Map<string, number>;

/** Most time that what was taken has to come in, after the last fault. */
const PEACE_MS = 120_000;

/** Waits until the database has what is true now. Empty when every promise held. */
export async function historyFaults(
  fleet: Fleet,
  truths: readonly Truth[],
  counted: Counted,
  say: (line: string) => void,
): Promise<readonly string[]> {
  const { pool } = fleet;
  await eventually(
    () => hasAll(pool, truths, counted),
    'the database has the last version of every file',
    PEACE_MS,
  );
  await pool.query('drop trigger barrier on swarmplane.taking');
  const found: string[] = [];
  for (const [what, sql] of Object.entries(CHECKS)) {
    const { rows } = await pool.query(sql);
    if (rows.length > 0) found.push(`${what}: ${rows.length}, such as ${JSON.stringify(rows[0])}`);
  }
  found.push(...(await lost(pool, counted)));
  const seen: Seen = { takings: 0, versions: 0, gaps: 0, slowest: 0, slowestAt: '' };
  for (const truth of truths) found.push(...(await untrue(pool, truth, seen)));
  const written = truths.reduce((sum, { versions }) => sum + versions.length, 0);
  say(
    `${written} versions of ${truths.length} files, ${seen.takings} takings, ${seen.versions} changes seen, ` +
      `${seen.gaps} gaps, longest time between two takings ${(seen.slowest / 1000).toFixed(1)} s, until ${seen.slowestAt}`,
  );
  if (seen.versions < 2 * truths.length) found.push('hardly a change was seen');
  found.push(...(await unproven(fleet)));
  return found;
}

async function hasAll(
  pool: pg.Pool,
  truths: readonly Truth[],
  counted: Counted,
): Promise<true | undefined> {
  for (const { host, of, now } of truths) {
    const newest = [...counted.keys()].filter((key) => key.startsWith(`${host} ${of.table} `));
    const { rows } = await pool.query<{ held: string; sequence: number }>(
      `select (select ${rowsOf(of)} from inventory.${of.table} r where r.node_id = h.node_id) as held, h.sequence
         from swarmplane.head h
         join swarmplane.node n on n.id = h.node_id
        where n.name = $1 and h.table_name = $2`,
      [host, of.table],
    );
    const last = Math.max(...newest.map((key) => Number(key.split(' ')[2])));
    if (rows[0]?.held !== now || rows[0].sequence < last) return undefined;
  }
  return true;
}

/** SQL for the rows of the model, as `Version` has them. */
function rowsOf({ sql }: FileTable): string {
  return `coalesce(string_agg(${sql}, ',' order by ${sql} collate "C"), '')`;
}

/** Each query gives the rows that must not be. */
const CHECKS = {
  'rows that hold twice at a time': 'table inventory.overlap',
  'takings that are there twice': `
    select node_id, table_name, line, sequence from swarmplane.taking
     group by 1, 2, 3, 4 having count(*) > 1`,
  'takings that are missing without a gap': `
    select * from (
      select n.name, c.table_name, c.sequence, coalesce(c.dropped_from, c.sequence) as first,
             lag(coalesce(c.dropped_to, c.sequence), 1, 0::bigint) over (partition by c.node_id, c.table_name, c.line order by c.at) as before
        from swarmplane.taking c join swarmplane.node n on n.id = c.node_id) s
     where first <> before + 1`,
  'hosts that began a new line': `
    select node_id, table_name from swarmplane.taking group by 1, 2 having count(distinct line) > 1`,
  'takings that a host or its hub lost': `
    select node_id, table_name, reason from swarmplane.taking where dropped_from is not null`,
  'takings that were refused': `
    select kind, key, message from swarmplane.alert where kind in ('history_refused', 'history_went_back')`,
};

/** What a host has counted is in the database, under its number and time. */
async function lost(pool: pg.Pool, counted: Counted): Promise<string[]> {
  const { rows } = await pool.query<{ key: string; at: number }>(
    `select n.name || ' ' || c.table_name || ' ' || c.sequence as key,
            round(extract(epoch from c.host_at) * 1000)::float8 as at
       from swarmplane.taking c join swarmplane.node n on n.id = c.node_id`,
  );
  const there = new Map(rows.map(({ key, at }) => [key, at]));
  return [...counted]
    .filter(([key, at]) => there.get(key) !== at)
    .map(([key, at]) => `taking ${key} of ${at} was counted, there is ${there.get(key)}`);
}

interface Seen {
  takings: number;
  versions: number;
  gaps: number;
  slowest: number;
  slowestAt: string;
}

interface Span {
  kind: string;
  at: number;
  before: number | null;
  held: string;
  middle: string;
  end: string;
}

/**
 * Between two takings a table is as the first one found it, and that is what the file was at a moment
 * after the taking before: what is wrong for longer than one interval would be found.
 */
async function untrue(pool: pg.Pool, truth: Truth, seen: Seen): Promise<string[]> {
  const { host, of } = truth;
  const asOf = (instant: string) =>
    `(select ${rowsOf(of)} from inventory.${of.table}_as_of(${instant}) r where r.node_id = c.node_id)`;
  const { rows } = await pool.query<Span>(
    `select c.kind, extract(epoch from c.at)::float8 * 1000 as at, extract(epoch from c.before)::float8 * 1000 as before,
            ${asOf('c.at')} as held, ${asOf('c.at + (c.after - c.at) / 2')} as middle,
            ${asOf(`c.after - interval '1 microsecond'`)} as end
       from (select c.*, lag(c.at) over w as before, lead(c.at, 1, now()) over w as after
               from swarmplane.taking c
              where c.table_name = $2 and c.node_id = (select id from swarmplane.node where name = $1)
             window w as (order by c.at)) c
      order by c.at`,
    [host, of.table],
  );
  const found: string[] = [];
  let held = '';
  for (const span of rows) {
    const where = `${of.table} of ${host} at ${new Date(span.at).toISOString()}`;
    if (span.middle !== span.held || span.end !== span.held)
      found.push(`${where}: ${span.held} became ${span.middle} and ${span.end} by itself`);
    seen.takings++;
    seen.gaps += Number(span.kind === 'gap');
    seen.versions += Number(span.held !== held);
    const waited = span.at - (span.before ?? span.at);
    if (waited > seen.slowest) [seen.slowest, seen.slowestAt] = [waited, where];
    if (span.kind === 'gap' ? span.held !== held : !truth.was(span.held, span.before ?? 0, span.at))
      found.push(`${where}: a ${span.kind} says ${span.held}, which it was not`);
    held = span.held;
  }
  return found;
}

/** By the command, on a host that is no hub. */
async function unproven({ agents, database }: Fleet): Promise<string[]> {
  const said = await agents[0]!.cli('history', 'verify', '--database', database.url);
  return said.code === 0 ? [] : [`history verify: ${said.stdout}${said.stderr}`];
}
