-- What holds on which host, for a pass over a row of desired (77-converge.sql).
set local role swarmplane_owner;

-- How actions ended. What did not reach its host burns no try. Of what may have run nobody knows how it ended: the
-- proof decides, and without a check it is never done again by itself.
create or replace function swarmplane.note_ended_actions(d swarmplane.desired)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  delete from swarmplane.desired_try t
   using swarmplane.desired_host h
    join swarmplane.delivery_done e on e.request_id = h.request_id and e.node_id = h.node_id
   where h.desired_id = d.id and h.state = 'acting'
     and t.desired_id = d.id and t.node_id = h.node_id and t.request_id = h.request_id
     and swarmplane.never_ran(e.state, e.code);
  update swarmplane.desired_host h
     set state = case
           when h.version <> d.version then 'unknown'
           when swarmplane.never_ran(e.state, e.code) or e.state in ('failed', 'refused') then 'wrong'
           when num_nonnulls(d.sql, d.view) > 0 then 'proving'
           when e.state = 'ok' then 'ok'
           else 'stuck' end,
         lost = h.version = d.version and num_nonnulls(d.sql, d.view) = 0
                and e.state not in ('ok', 'failed', 'refused') and not swarmplane.never_ran(e.state, e.code),
         retry_at = clock_timestamp() + swarmplane.backoff(h.tries + 2),
         acted_at = case when swarmplane.never_ran(e.state, e.code) then h.acted_at else e.ended_at end,
         checked_at = null,
         next_at = e.ended_at + d.settle,
         asked = null,
         error = e.error
    from swarmplane.delivery_done e
   where h.desired_id = d.id and h.state = 'acting' and e.request_id = h.request_id and e.node_id = h.node_id;
  -- a row that was changed begins anew
  update swarmplane.desired_host h
     set version = d.version, state = 'unknown', tries = 0, retry_at = null, next_at = '-infinity', checked_at = null,
         acted_at = null, asked = null, lost = false, named = null, why = null, args = null, error = null
   where h.desired_id = d.id and h.version <> d.version and h.state <> 'acting';
  delete from swarmplane.desired_try t where t.desired_id = d.id and t.at < clock_timestamp() - d.per;
end
$$;

-- Whether an action that ended so was surely not started.
create or replace function swarmplane.never_ran(state text, code text)
  returns boolean
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select state in ('unreachable', 'cancelled') and code is distinct from 'running';
$$;

-- What holds where, as far as is known now. What keeps the whole row from being judged; null where nothing does.
create or replace function swarmplane.judge_hosts(d swarmplane.desired)
  returns text
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if d.view is not null then
    begin
      perform swarmplane.judge_view(d, swarmplane.find_check(d.view, d.owner));
    exception
      -- whatever somebody's view throws: nothing is known, and nothing is done
      when others then
        return sqlerrm;
    end;
  end if;
  if d.sql is not null then
    perform swarmplane.judge_answers(d);
  end if;
  if num_nonnulls(d.view, d.sql) = 0 then
    update swarmplane.desired_host h
       set state = 'wrong', args = swarmplane.filled(d.args, '{}'), checked_at = clock_timestamp(), next_at = 'infinity'
     where h.desired_id = d.id and h.state = 'unknown';
  end if;
  return null;
end
$$;

-- By a view. A host of whose tables nothing, or not enough, is known is unknown, never wrong: what was seen before an
-- action ended proves nothing. Beside sql the view only names hosts: what a host itself said holds until it is asked
-- again.
create or replace function swarmplane.judge_view(d swarmplane.desired, view regclass)
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  update swarmplane.desired_host h
     set state = v.state,
         named = v."row",
         why = case when d.sql is null or h.state <> v.state then v."row" else h.why end,
         args = case when d.sql is null or h.state <> v.state then v.args else h.args end,
         error = case when d.sql is null or h.state <> v.state then v.error else h.error end,
         checked_at = case when d.sql is null then clock_timestamp() else h.checked_at end,
         retry_at = case when v.state = 'wrong' and h.state in ('proving', 'ok') and h.tries > 0
                         then clock_timestamp() + swarmplane.backoff(h.tries + 2) else h.retry_at end
    from (
      select c.node_id, c."row", c.args, c.error,
             case
               when c.error is not null then 'unknown'
               when c."row" is null then 'ok'
               when c.state = 'stuck' then 'stuck'
               else 'wrong' end as state
        from (
          select o.node_id, o.state, o.next_at, w."row", a.args,
                 case
                   when cardinality(r.reads) > coalesce(k.known, 0)
                     then 'nothing is known yet of ' || array_to_string(r.reads, ', ')
                   when k.gap then 'its history has a gap'
                   when w."row" is not null and a.args is null then swarmplane.unfilled(d.args, w."row") end as error
            from swarmplane.desired_host o
            join swarmplane.node n on n.id = o.node_id
           cross join (select swarmplane.tables_of(view) as reads) r
            left join lateral (
              select count(hd.seen_at) as known, min(hd.seen_at) as seen_at, bool_or(hd.gap_reason is not null) as gap
                from swarmplane.head hd
               where hd.node_id = o.node_id and hd.table_name = any (r.reads)) k on true
            left join swarmplane.read_check(view) w on w.host = n.name
           cross join lateral (select swarmplane.filled(d.args, w."row") as args) a
           where o.desired_id = d.id
             and o.state <> 'acting'
             and (o.state <> 'proving'
                  or d.sql is null and o.next_at <= clock_timestamp()
                     and (cardinality(r.reads) = 0 or k.seen_at > o.acted_at + d.settle))
        ) c
       where d.sql is null or c."row" is null or c.state in ('wrong', 'stuck') or c.next_at <= clock_timestamp()
    ) v
   where h.desired_id = d.id and h.node_id = v.node_id
     and (h.state, h.named, h.error) is distinct from (v.state, v."row", v.error);
$$;

-- By what hosts answered to the check.
create or replace function swarmplane.judge_answers(d swarmplane.desired)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  update swarmplane.desired_host h
     set state = v.state,
         asked = null,
         why = case when v.heard then v."row" else h.why end,
         args = case when v.heard then swarmplane.filled(d.args, v."row") else h.args end,
         error = case when v.heard then coalesce(v.error, swarmplane.unfilled(d.args, v."row")) else h.error end,
         checked_at = case when v.heard then v.asked_at else h.checked_at end,
         next_at = case when v.heard then clock_timestamp() + d.every else clock_timestamp() + interval '5 seconds' end,
         retry_at = case
           -- who does not answer lets others go first
           when not v.heard then clock_timestamp() + interval '1 minute'
           when v.state = 'wrong' and h.state in ('proving', 'ok') and h.tries > 0
             then clock_timestamp() + swarmplane.backoff(h.tries + 2)
           else h.retry_at end
    from (
      select o.node_id, e.asked_at,
             -- what the host says stands before what the view named
             coalesce(o.named, '{}') || s.row as "row",
             e.state in ('ok', 'failed', 'refused') as heard,
             case when e.state in ('failed', 'refused') then coalesce(e.error, e.state) end as error,
             case
               when e.state not in ('ok', 'failed', 'refused') then o.state
               when e.state <> 'ok' then 'unknown'
               when e.rows = 0 then 'ok'
               when swarmplane.unfilled(d.args, coalesce(o.named, '{}') || s.row) is not null then 'unknown'
               when o.state = 'stuck' then 'stuck'
               else 'wrong' end as state
        from swarmplane.desired_host o
        join swarmplane.delivery_done e on e.request_id = o.asked and e.node_id = o.node_id
        left join swarmplane.result s
          on s.request_id = o.asked and s.node_id = o.node_id and s.asked_at = e.asked_at and s.ordinal = 1
       where o.desired_id = d.id and o.state <> 'acting'
    ) v
   where h.desired_id = d.id and h.node_id = v.node_id;
  -- a request that is gone is made again
  update swarmplane.desired_host h
     set asked = null
   where h.desired_id = d.id and h.asked is not null
     and not exists (
       select from swarmplane.delivery o where o.request_id = h.asked and o.node_id = h.node_id);
end
$$;

-- {column} in args is that column of the row; null where the row has no such column.
create or replace function swarmplane.filled(args jsonb, "row" jsonb)
  returns jsonb
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select case
    when bool_and(a.value !~ '^\{[a-z0-9_]+\}$' or "row" ? btrim(a.value, '{}')) is not false
      then coalesce(jsonb_object_agg(
             a.key,
             case when a.value ~ '^\{[a-z0-9_]+\}$' then coalesce("row" ->> btrim(a.value, '{}'), '') else a.value end), '{}')
    end
    from jsonb_each_text(args) a;
$$;

-- Why args cannot be made of that row; null where they can, or where there is no row.
create or replace function swarmplane.unfilled(args jsonb, "row" jsonb)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select format('args take %s from the row, which has no such column: %s', min(a.value), left("row"::text, 200))
    from jsonb_each_text(args) a
   where a.value ~ '^\{[a-z0-9_]+\}$' and not "row" ? btrim(a.value, '{}')
  having count(*) > 0;
$$;

-- The host tables that a view reads, itself or through other views.
create or replace function swarmplane.tables_of(view regclass)
  returns text[]
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  with recursive seen (oid) as (
    select view::oid
     union
    select p.refobjid
      from seen s
      join pg_rewrite r on r.ev_class = s.oid
      join pg_depend p on p.classid = 'pg_rewrite'::regclass and p.objid = r.oid and p.refclassid = 'pg_class'::regclass
  )
  select coalesce(array_agg(distinct t.name), '{}')
    from seen s
    join pg_class c on c.oid = s.oid
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'inventory'
    join swarmplane.tracked_table t
      on c.relname in (t.name, t.name || '_current', t.name || '_history', t.name || '_changes');
$$;

-- What was tried often enough rests until the first of its tries is older than `per`.
create or replace function swarmplane.count_tries(d swarmplane.desired)
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  update swarmplane.desired_host h
     set tries = v.tries,
         state = case when v.tries >= d.tries then 'stuck' else 'wrong' end
    from (
      select o.node_id, count(t.request_id)::integer as tries
        from swarmplane.desired_host o
        left join swarmplane.desired_try t
          on t.desired_id = o.desired_id and t.node_id = o.node_id and t.args = o.args
       where o.desired_id = d.id and o.state in ('wrong', 'stuck') and o.version = d.version
         and not o.lost
       group by 1
    ) v
   where h.desired_id = d.id and h.node_id = v.node_id
     and (h.tries <> v.tries or (h.state = 'stuck') <> (v.tries >= d.tries));
$$;
reset role;
