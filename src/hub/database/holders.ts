/** Who holds locks that a hub may wait for: sessions of others, as pg_locks and pg_stat_activity show them. */
import type pg from 'pg';
import { ASIDE_NAME, WORK_NAME } from './work-pool.ts';

export interface Holder {
  /** Of the server process; null: a prepared transaction. */
  readonly pid: number | null;
  readonly user: string;
  readonly application: string;
  /** As pg_stat_activity has it; null where this login may not see it, as all times and the query. */
  readonly state: string | null;
  readonly transaction_start: string | null;
  readonly query_start: string | null;
  /** Of its last statement, cut. */
  readonly query: string | null;
  /** A session of the hub waits for it now. */
  readonly blocks: boolean;
  /** Relations with the modes of their locks. */
  readonly holds: string | null;
}

/** Those that a hub waits for first, then the strongest locks; at most five. @throws the error of pg */
export async function findHolders(db: pg.Pool | pg.ClientBase): Promise<Holder[]> {
  const { rows } = await db.query<Holder>(HOLDERS, [[WORK_NAME, ASIDE_NAME]]);
  return rows;
}

/** `process 17 of alice (psql, idle in transaction since ..; swarmplane.request RowShareLock)` */
export function holderText(holder: Holder): string {
  const { pid, user, application, state, transaction_start, query_start, holds } = holder;
  const who = pid === null ? 'a prepared transaction' : `process ${pid}`;
  const began = transaction_start === null ? '' : ` since ${transaction_start}`;
  const asked = query_start === null ? '' : `, last statement ${query_start}`;
  const doing = state === null ? '' : `${state}${began}${asked}`;
  const facts = [application, doing, holds ?? ''].filter((fact) => fact !== '');
  return `${who} of ${user} (${facts.join('; ')})`;
}

/** A reader that came a moment ago holds up nobody; one that is idle may be there tomorrow. */
const HOLDERS = `
  with locked as (
    select l.pid, l.virtualtransaction, l.mode,
           format('%I.%I', n.nspname, c.relname) as relation
      from pg_locks l
      join pg_class c on c.oid = l.relation
      join pg_namespace n on n.oid = c.relnamespace and n.nspname in ('swarmplane', 'inventory')
     where l.granted and l.database = (select d.oid from pg_database d where d.datname = current_database())
       and c.relkind in ('r', 'p', 'v', 'm')
  ), held as (
    select pid, virtualtransaction, bool_or(mode <> 'AccessShareLock') as strong,
           string_agg(distinct relation || ' ' || mode, ', ') as holds
      from locked
     group by 1, 2
  ), waiting as (
    select distinct b.pid
      from pg_stat_activity a, unnest(pg_blocking_pids(a.pid)) as b (pid)
     where a.datname = current_database() and a.application_name = any ($1)
  ), found as (
    select a.pid, a.usename::text as "user", a.application_name as application, a.state,
           to_char(a.xact_start, 'YYYY-MM-DD"T"HH24:MI:SSOF') as transaction_start,
           to_char(a.query_start, 'YYYY-MM-DD"T"HH24:MI:SSOF') as query_start,
           left(a.query, 200) as query,
           a.pid in (select w.pid from waiting w) as blocks, h.holds, coalesce(h.strong, false) as strong
      from pg_stat_activity a
      left join held h on h.pid = a.pid
     where a.pid <> pg_backend_pid()
       and (a.pid in (select w.pid from waiting w)
            or (h.pid is not null and not a.application_name = any ($1)
                and (h.strong or coalesce(a.xact_start < now() - interval '5 seconds', true))))
     union all
    select null, p.owner::text, format('gid %s', p.gid), 'prepared',
           to_char(p.prepared, 'YYYY-MM-DD"T"HH24:MI:SSOF'), null, null, true, h.holds, h.strong
      from pg_prepared_xacts p
      join held h on h.pid is null and h.virtualtransaction = '-1/' || p.transaction
     where p.database = current_database()
  )
  select pid, "user", application, state, transaction_start, query_start, query, blocks, left(holds, 400) as holds
    from found
   order by blocks desc, strong desc, pid
   limit 5`;
