-- What people read.
set local role swarmplane_owner;

create or replace view swarmplane.request_status with (security_invoker = true) as
  select d.request_id,
         n.name as host,
         d.state,
         null::integer as rows,
         null::integer as ms,
         d.last_error as error,
         d.last_code as code,
         false as truncated,
         d.attempt,
         nullif(d.run_at, 'infinity') as run_at,
         null::timestamptz as ended_at,
         d.node_id,
         null::text[] as columns
    from swarmplane.delivery d
    join swarmplane.node n on n.id = d.node_id
   union all
  select e.request_id, e.host, e.state, e.rows, e.ms, e.error, e.code, e.truncated, e.attempt,
         null, e.ended_at, e.node_id, e.columns
    from swarmplane.delivery_done e;

comment on view swarmplane.request_status is
  'Public. One row for each host of each request: who answered, who failed and why, who is waited for.';

-- The request that this session asked last with swarmplane.ask; null where there was none.
create or replace function swarmplane.last_request()
  returns bigint
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select nullif(current_setting('swarmplane.last_request', true), '')::bigint;
$$;

-- A row as its query gave it: jsonb keeps no order of columns. What does not fit them stays as it is.
create or replace function swarmplane.in_order("row" jsonb, columns text[])
  returns json
  language sql
  immutable
  parallel safe
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select case
    when columns is null or not "row" ?& columns
      or (select count(*) from jsonb_object_keys("row")) <> (select count(distinct c) from unnest(columns) c)
    then "row"::json
    else ('{' || coalesce((
      select string_agg(to_json(c.name)::text || ': ' || ("row" -> c.name)::text, ', ' order by c.place)
        from unnest(columns) with ordinality as c (name, place)), '') || '}')::json
  end;
$$;

-- A view keeps the types of its columns; "row" was jsonb before.
do $$
begin
  if exists (select from pg_attribute a
              where a.attrelid = to_regclass('swarmplane.answer') and a.attname = 'row' and a.atttypid = 'jsonb'::regtype) then
    drop view swarmplane.answer;
  end if;
end
$$;

create or replace view swarmplane.answer with (security_invoker = true) as
  select r.host, swarmplane.in_order(r.row, e.columns) as row
    from swarmplane.result r
    left join swarmplane.delivery_done e
      on e.node_id = r.node_id and e.request_id = r.request_id and e.asked_at = r.asked_at
   where r.request_id = (select swarmplane.last_request())
   order by r.host, r.ordinal;

comment on function swarmplane.last_request() is
  'Public. Id of the request that this session asked last with swarmplane.ask.';
comment on function swarmplane.in_order(jsonb, text[]) is
  'Public. A row of result with its columns in an order, e.g. that of request_status.columns.';
comment on view swarmplane.answer is
  'Public. Rows of the request that this session asked last with swarmplane.ask.';

-- The account in a line, such as "4 hosts: 3 ok, 1 unreachable (demo3)".
create or replace function swarmplane.account(of_request bigint)
  returns text
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select format('%s %s: ', sum(a.hosts), case sum(a.hosts) when 1 then 'host' else 'hosts' end)
      || string_agg(
           a.hosts || ' ' || a.state
             || case when a.cut > 0 then format(' (%s of them truncated)', a.cut) else '' end
             || case when a.state <> 'ok'
                     then format(' (%s%s)', array_to_string(a.names[1:8], ', '),
                                 case when a.hosts > 8 then format(' and %s more', a.hosts - 8) else '' end)
                     else '' end,
           ', ' order by a.rank)
    from (
      select case s.state when 'parked' then 'waited for' when 'pending' then 'waited for' else s.state end as state,
             count(*) as hosts,
             count(*) filter (where s.truncated) as cut,
             array_agg(s.host order by s.host) as names,
             min(array_position(
               array['ok', 'failed', 'refused', 'expired', 'unreachable', 'cancelled', 'running', 'pending', 'parked'],
               s.state)) as rank
        from swarmplane.request_status s
       where s.request_id = of_request
       group by 1
    ) a;
$$;

comment on function swarmplane.account(bigint) is
  'Public. The end states of a request''s hosts in a line: 4 hosts: 3 ok, 1 unreachable (demo3).';
reset role;
