-- Whose turn it is in a pass over a row of desired (77-converge.sql), and what hosts are asked.
set local role swarmplane_owner;

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
       and (num_nonnulls(f.labels, f.site) = 0 or swarmplane.is_selected(n, null, f.labels, null, f.site)));
$$;

-- A host that the row means by a name which another one has claimed too is acted on by its node id only.
create or replace function swarmplane.pass_over_contested(d swarmplane.desired)
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  update swarmplane.desired_host h
     set state = 'unknown',
         error = format('more than one host has claimed the name %s: write the node id in place of it', n.name),
         next_at = clock_timestamp() + d.every
    from swarmplane.node n
   where d.hosts <> '{*}'
     and d.action is not null
     and h.desired_id = d.id
     and h.state = 'wrong'
     and n.id = h.node_id
     and n.identity <> all (d.hosts)
     and split_part(n.name, '~', 1) in (select c.name from swarmplane.contested_names() c);
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
  perform swarmplane.pass_over_contested(d);
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
reset role;
