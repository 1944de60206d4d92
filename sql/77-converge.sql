-- Bringing rows of desired one step further. A pass is one transaction that holds one row: it notes what ended,
-- judges hosts, and inserts ordinary requests. A hub that dies before the commit has done nothing.
set local role swarmplane_owner;

-- The rows that are due, the longest due first.
create or replace function swarmplane.due_desired()
  returns bigint[]
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select array(
    select d.id
      from swarmplane.desired d
     where d.active
       and (d.look_at <= clock_timestamp()
            or exists (select from swarmplane.request r where r.desired_id = d.id and r.closed_at >= d.looked_at)
            or exists (select from swarmplane.node n where n.back_at >= d.looked_at and n.state = 'alive'))
     order by d.look_at, d.id);
$$;

-- Milliseconds until the next look; null when there is no active row.
create or replace function swarmplane.next_desired()
  returns double precision
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select extract(epoch from min(d.look_at) - clock_timestamp())::double precision * 1000
    from swarmplane.desired d where d.active;
$$;

-- One pass over one row; false when another hub holds it, or it is gone.
create or replace function swarmplane.converge(desired_id bigint)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set plan_cache_mode = force_generic_plan
as $$
declare
  d swarmplane.desired;
  began constant timestamptz := clock_timestamp();
  trouble text;
begin
  update swarmplane.desired x
     set checking_xid = pg_current_xact_id()
   where x.id = (
     select y.id from swarmplane.desired y where y.id = converge.desired_id and y.active for no key update skip locked)
  returning * into d;
  if not found then
    return false;
  end if;
  trouble := swarmplane.owner_trouble(d);
  if trouble is null then
    perform swarmplane.note_targets(d);
    perform swarmplane.note_ended_actions(d);
    trouble := swarmplane.judge_hosts(d);
    if trouble is null then
      perform swarmplane.count_tries(d);
      if d.action is not null then
        d := swarmplane.stop_or_go(d);
        d := swarmplane.take_turns(d);
      end if;
      perform swarmplane.ask_checks(d);
      select min(h.error) into trouble
        from swarmplane.desired_host h
        join swarmplane.node n on n.id = h.node_id and n.state = 'alive'
       where h.desired_id = d.id and h.state = 'unknown';
    end if;
  end if;
  perform swarmplane.tell_of_desired(d, trouble);
  update swarmplane.desired x
     set looked_at = began, look_at = swarmplane.next_look(d, began), last_error = trouble,
         stopped_at = d.stopped_at, stopped_why = d.stopped_why, waits_since = d.waits_since
   where x.id = d.id;
  return true;
end
$$;

-- Soon while something is under way, else within a minute.
create or replace function swarmplane.next_look(d swarmplane.desired, began timestamptz)
  returns timestamptz
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select least(
           began + least(d.every, interval '1 minute'),
           (select min(case
                     when h.asked is not null or h.state in ('acting', 'proving') then began + interval '1 second'
                     when h.state = 'wrong' and d.action is not null and not d.dry_run
                          and d.stopped_at is null and d.waits_since is null
                       then greatest(coalesce(h.retry_at, began), began + interval '1 second') end)
              from swarmplane.desired_host h
             where h.desired_id = d.id));
$$;

-- A pass that failed as a whole, as by a view that takes too long: the others go on, and this one tries later.
create or replace function swarmplane.put_off(desired_id bigint, why text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  named text;
begin
  update swarmplane.desired x
     set looked_at = clock_timestamp(), look_at = clock_timestamp() + interval '1 minute', last_error = why
   where x.id = put_off.desired_id
  returning x.name into named;
  if found then
    perform swarmplane.keep_alert('desired_check_failed', named, format('%s: %s', named, why));
  end if;
end
$$;

-- Why its owner may not have it done any more; null where he may.
create or replace function swarmplane.owner_trouble(d swarmplane.desired)
  returns text
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select format('its owner %s may not %s any more', d.owner, case when d.action is null then 'ask' else 'command actions' end)
   where not exists (
     select from pg_roles r
      where r.rolname = d.owner
        and has_column_privilege(r.oid, 'swarmplane.request', case when d.action is null then 'sql' else 'action' end, 'insert'));
$$;

-- Whom it is about now. A host that goes keeps its row while an action runs there.
create or replace function swarmplane.note_targets(d swarmplane.desired)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  targets constant integer[] := swarmplane.selected_nodes(
    d.hosts, d.labels, d.access_label, d.site, swarmplane.nodes_visible_to(d.owner));
begin
  insert into swarmplane.desired_host (desired_id, node_id, version)
  select d.id, t.id, d.version from unnest(targets) as t (id)
  on conflict do nothing;
  delete from swarmplane.desired_host h
   where h.desired_id = d.id and h.state <> 'acting' and h.node_id <> all (targets);
end
$$;

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

-- A row of which too many hosts are stuck stops, in the transaction that counts them.
create or replace function swarmplane.stop_or_go(d swarmplane.desired)
  returns swarmplane.desired
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  stuck integer;
  hosts integer;
begin
  select count(*) filter (where h.state = 'stuck' and h.since > d.resumed_at), count(*)
    into stuck, hosts
    from swarmplane.desired_host h where h.desired_id = d.id;
  if d.stopped_at is null and stuck >= coalesce(d.stop_after, greatest(3, ceil(hosts * 0.1))) then
    d.stopped_at := clock_timestamp();
    d.stopped_why := format('%s %s stuck', stuck, case stuck when 1 then 'host is' else 'hosts are' end);
    perform swarmplane.raise_alert('desired_stopped', d.name, format('%s: %s', d.name, d.stopped_why), 'critical',
      jsonb_build_object('hosts', (
        select jsonb_agg(n.name order by n.name)
          from (select n.name
                  from swarmplane.desired_host h
                  join swarmplane.node n on n.id = h.node_id
                 where h.desired_id = d.id and h.state = 'stuck'
                 order by n.name limit 20) n)));
  end if;
  return d;
end
$$;

-- How many hosts may be acted on now: one at first, then twice as many after each round that went well, never more
-- than at_once; and not beyond hold_after before a second person has said yes to this version.
create or replace function swarmplane.room(d swarmplane.desired, out free integer, out held boolean)
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select least(c.free, coalesce(c.unheld, c.free)), coalesce(c.unheld < 1, false)
    from (
      select least(d.at_once, 1 + count(*) filter (where h.state = 'ok' and h.acted_at > clock_timestamp() - d.per))
             - count(*) filter (where swarmplane.holds_place(h, d)) as free,
             case when d.hold_after is not null and d.approved_version is distinct from d.version
                  then d.hold_after - count(*) filter (where h.acted_at >= d.changed_at or h.state = 'acting') end as unheld
        from swarmplane.desired_host h
       where h.desired_id = d.id
    ) c;
$$;

-- Whether a host holds a place: acted on, or looked at before or after that. One that is away, or has shown nothing for
-- long, holds none, so that it keeps nobody from his turn.
create or replace function swarmplane.holds_place(h swarmplane.desired_host, d swarmplane.desired)
  returns boolean
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select h.state = 'acting'
      or h.state = 'wrong' and h.asked is not null
      or h.state = 'proving'
         and h.since > clock_timestamp() - d.every - d.settle - interval '1 minute'
         and exists (select from swarmplane.node n where n.id = h.node_id and n.state = 'alive');
$$;

-- Hosts whose turn it could be, in their order: fewest tries, then longest wrong.
create or replace function swarmplane.waiting_hosts(d swarmplane.desired)
  returns table (node_id integer, identity text, args jsonb, fresh boolean, place bigint)
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select w.node_id, w.identity, w.args, w.fresh, row_number() over (order by w.tries, w.since, w.node_id)
    from (
      select h.node_id, n.identity, h.args, h.tries, h.since,
             d.sql is null or coalesce(h.checked_at > clock_timestamp() - interval '1 minute', false) as fresh,
             l.key is null
             or row_number() over (partition by swarmplane.spread_of(n, l.key) order by h.tries, h.since, h.node_id)
                + (select count(*)
                     from swarmplane.desired_host o
                     join swarmplane.node om on om.id = o.node_id
                    where o.desired_id = d.id
                      and swarmplane.holds_place(o, d)
                      and swarmplane.spread_of(om, l.key) is not distinct from swarmplane.spread_of(n, l.key))
                <= l.most as has_place
        from swarmplane.desired_host h
        join swarmplane.node n on n.id = h.node_id
        left join (select p.key, p.value::integer as most from jsonb_each_text(d.at_once_per) p) l on true
       where h.desired_id = d.id
         and h.state = 'wrong'
         and h.version = d.version
         and h.asked is null
         and h.args is not null
         and coalesce(h.retry_at <= clock_timestamp(), true)
         and n.state = 'alive'
         -- one action at a time on a host, also of a row that is gone or was changed
         and not exists (
           select from swarmplane.delivery o
             join swarmplane.request r on r.id = o.request_id
            where o.node_id = h.node_id and r.desired_id is not null and r.action is not null)
         and not exists (select from swarmplane.desired_host o where o.node_id = h.node_id and o.state = 'acting')
         and not swarmplane.is_frozen(n)
         and not exists (
           select from swarmplane.desired_host o
             join swarmplane.desired x on x.id = o.desired_id
            where o.node_id = h.node_id and x.name = any (d.after) and x.active and o.state <> 'ok')
    ) w
   where w.has_place;
$$;

create or replace function swarmplane.is_frozen(n swarmplane.node)
  returns boolean
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select exists (
    select from swarmplane.freeze f
     where f.until > now()
       and (num_nonnulls(f.labels, f.site) = 0 or n.labels @> f.labels or swarmplane.site_of(n.id) = any (f.site)));
$$;

-- Inserts the requests of those whose turn it is, one for hosts with the same arguments; whose check is old is asked
-- first. One transaction at a time does so, over all rows: no two act on one host.
create or replace function swarmplane.take_turns(d swarmplane.desired)
  returns swarmplane.desired
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  room record;
  turn record;
  started bigint;
  is_open boolean;
begin
  select r.free, r.held, swarmplane.in_window(d.windows, d.zone, clock_timestamp()) as open into room from swarmplane.room(d) r;
  is_open := room.open and not room.held and not d.dry_run and d.stopped_at is null;
  if not is_open or room.free < 1 then
    d.waits_since := case
      when (room.held or not room.open) and not d.dry_run and d.stopped_at is null
           and exists (select from swarmplane.desired_host h where h.desired_id = d.id and h.state = 'wrong')
      then coalesce(d.waits_since, clock_timestamp()) end;
    return d;
  end if;
  d.waits_since := null;
  if not exists (select from swarmplane.desired_host h where h.desired_id = d.id and h.state = 'wrong') then
    return d;
  end if;
  perform swarmplane.hold_latch('desired');
  for turn in
    select w.args, w.fresh, array_agg(w.identity order by w.place) as hosts, array_agg(w.node_id order by w.place) as ids
      from swarmplane.waiting_hosts(d) w
     where w.place <= room.free
     group by w.args, w.fresh
  loop
    if not turn.fresh then
      update swarmplane.desired_host h set next_at = '-infinity' where h.desired_id = d.id and h.node_id = any (turn.ids);
      continue;
    end if;
    begin
      insert into swarmplane.request (action, args, hosts, expires_in, wait_for_away, reason, desired_id)
      values (d.action, turn.args, turn.hosts, d.expires_in, false, 'desired ' || d.name, d.id)
      returning id into started;
    exception
      -- what the row of a check made of the arguments cannot be asked
      when invalid_parameter_value or program_limit_exceeded or data_exception then
        update swarmplane.desired_host h
           set state = 'unknown', error = sqlerrm, next_at = clock_timestamp() + d.every
         where h.desired_id = d.id and h.node_id = any (turn.ids);
        continue;
    end;
    update swarmplane.desired_host h
       set state = 'acting', request_id = started, error = null
     where h.desired_id = d.id and h.node_id = any (turn.ids);
    insert into swarmplane.desired_try (desired_id, node_id, args, request_id)
    select d.id, t.id, turn.args, started from unnest(turn.ids) as t (id);
  end loop;
  return d;
end
$$;

-- Asks hosts whose check is due: each `every`, at return, after an action, before a turn. Where a view names the hosts
-- only those are asked.
create or replace function swarmplane.ask_checks(d swarmplane.desired)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  due record;
  made bigint;
begin
  if d.sql is null then
    return;
  end if;
  select array_agg(n.identity order by n.id) as hosts, array_agg(n.id order by n.id) as ids into due
    from swarmplane.desired_host h
    join swarmplane.node n on n.id = h.node_id
   where h.desired_id = d.id
     and h.state <> 'acting'
     and h.asked is null
     and n.state = 'alive'
     and (d.view is null or h.state in ('wrong', 'proving', 'stuck'))
     and (h.next_at <= clock_timestamp() or h.state <> 'proving' and n.back_at > h.checked_at);
  if due.hosts is null then
    return;
  end if;
  insert into swarmplane.request (sql, hosts, expires_in, wait_for_away, reason, desired_id)
  values (d.sql, due.hosts, interval '1 minute', false, format('desired %s: check', d.name), d.id)
  returning id into made;
  update swarmplane.desired_host h set asked = made where h.desired_id = d.id and h.node_id = any (due.ids);
end
$$;

-- Alerts, one of a kind for a row.
create or replace function swarmplane.tell_of_desired(d swarmplane.desired, trouble text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if trouble is not null then
    perform swarmplane.keep_alert('desired_check_failed', d.name, format('%s: %s', d.name, trouble));
  else
    perform swarmplane.resolve_alerts('{desired_check_failed}', array[d.name]);
  end if;
  if exists (select from swarmplane.desired_host h where h.desired_id = d.id and h.state = 'stuck') then
    perform swarmplane.keep_alert('desired_stuck', d.name,
      format('%s does not hold in spite of %s; table swarmplane.desired_host_status says where and why', d.name, d.action));
  else
    perform swarmplane.resolve_alerts('{desired_stuck}', array[d.name]);
  end if;
  if d.stopped_at is not null then
    perform swarmplane.keep_alert('desired_stopped', d.name,
      format('%s: %s; when that is mended: select swarmplane.resume(%L)', d.name, d.stopped_why, d.name), 'critical');
  else
    perform swarmplane.resolve_alerts('{desired_stopped}', array[d.name]);
  end if;
  if d.waits_since < clock_timestamp() - interval '1 day' then
    perform swarmplane.keep_alert('desired_waits', d.name,
      format('%s waits since %s for %s', d.name, date_trunc('minute', d.waits_since),
             case when (swarmplane.room(d)).held then format('a second person: select swarmplane.approve(%L)', d.name)
                  else format('its window %s %s', d.windows, d.zone) end), 'info');
  else
    perform swarmplane.resolve_alerts('{desired_waits}', array[d.name]);
  end if;
end
$$;

-- What the setting calls old goes. How many.
create or replace function swarmplane.drop_old_desired_events()
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  gone bigint;
begin
  with old as materialized (
    select e.id from swarmplane.desired_event e
     where e.at < now() - swarmplane.setting_interval('desired_events_kept')
     limit 10000
  )
  delete from swarmplane.desired_event e using old where e.id = old.id;
  get diagnostics gone = row_count;
  return gone;
end
$$;
reset role;
