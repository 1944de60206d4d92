-- Schedules: a table people edit; hubs turn what falls due into requests.
set local role swarmplane_owner;

-- Refuses a time zone that there is not.
create or replace function swarmplane.check_zone(zone text)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  begin
    perform now() at time zone zone;
  exception
    when invalid_parameter_value then
      raise exception 'there is no time zone "%"', zone
        using errcode = 'invalid_parameter_value', hint = 'names are in pg_timezone_names';
  end;
end
$$;

create or replace function swarmplane.tg_schedule__before_write()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform swarmplane.check_zone(new.zone);
  if num_nonnulls(new.labels, new.access_label, new.site) > 0 then
    -- hosts says '{*}' where it was left out
    new.hosts := nullif(new.hosts, '{*}');
    perform swarmplane.check_selector(new.hosts, new.labels, new.access_label, new.site);
  elsif tg_op = 'INSERT' or new.hosts is distinct from old.hosts then
    perform swarmplane.resolve_hosts(new.hosts, swarmplane.visible_nodes());
  end if;
  perform swarmplane.check_priority(new.priority);
  if tg_op = 'UPDATE' then
    perform swarmplane.require_owner('schedule', old.name, old.owner);
  end if;
  -- whoever wrote it last answers for it
  new.owner := session_user;
  if tg_op = 'INSERT' or (new.every, new.cron, new.zone, new.active) is distinct from (old.every, old.cron, old.zone, old.active) then
    -- an interval begins now; a cron line is read by a hub
    new.next_at := case when new.every is not null then now() end;
    new.last_error := null;
  end if;
  if tg_op = 'UPDATE' and (new.name, new.sql) is distinct from (old.name, old.sql) then
    perform swarmplane.drop_schedule_view(old.name);
  end if;
  if tg_op = 'INSERT' or new.sql <> old.sql then
    -- a hub looks at it
    new.described := null;
    new.described_at := null;
  end if;
  return new;
end
$$;

create or replace function swarmplane.tg_schedule__before_delete()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform swarmplane.require_owner('schedule', old.name, old.owner);
  perform swarmplane.drop_schedule_view(old.name);
  perform swarmplane.resolve_alerts('{schedule_failed}', array[old.name]);
  return old;
end
$$;

create or replace trigger _100_check_delete
  before delete on swarmplane.schedule
  for each row execute function swarmplane.tg_schedule__before_delete();

create or replace trigger _100_check
  before insert or update of name, sql, hosts, labels, access_label, site, every, cron, zone, expires_in, priority, catch_up, active
  on swarmplane.schedule
  for each row execute function swarmplane.tg_schedule__before_write();
create or replace trigger _700_audit
  after insert or delete or update of name, sql, hosts, labels, access_label, site, every, cron, zone, expires_in, priority, catch_up, active
  on swarmplane.schedule
  for each row execute function swarmplane.tg_audit('schedule');
create or replace trigger _900_notify
  after insert or update of every, cron, zone, active on swarmplane.schedule
  for each statement execute function swarmplane.tg_notify();

-- Inserts the requests of these ticks and sets the next one, unless another hub did: `expected` is the
-- next_at that the caller saw, `following` infinity where there is none. How many requests.
create or replace function swarmplane.tick(
  schedule_id bigint,
  expected timestamptz,
  ticks timestamptz[],
  following timestamptz,
  trouble text default null
)
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  due swarmplane.schedule;
  at timestamptz;
  made integer := 0;
  asked bigint;
  targets text[];
  gone text;
begin
  select * into due
    from swarmplane.schedule s
   where s.id = tick.schedule_id and s.active and s.next_at is not distinct from expected
     for update skip locked;
  if not found then
    return 0;
  end if;
  if trouble is null and cardinality(ticks) > 0 and not exists (
    select from pg_roles r
     where r.rolname = due.owner
       and has_column_privilege(r.oid, 'swarmplane.request', 'sql', 'insert'))
  then
    trouble := format('its owner %s may not ask any more', due.owner);
  end if;
  if trouble is null and cardinality(ticks) > 0 then
    select t.hosts, t.gone into targets, gone from swarmplane.tick_targets(due) t;
    if targets = '{}' then
      trouble := concat_ws(': ', 'no host is meant by '
        || swarmplane.selector_words(due.hosts, due.labels, due.access_label, due.site), gone);
    end if;
  end if;
  if trouble is null then
    begin
      foreach at in array ticks loop
        insert into swarmplane.request (sql, hosts, expires_in, priority, reason, schedule_id, tick)
        values (due.sql, targets, due.expires_in, due.priority, 'schedule ' || due.name, due.id, at)
        returning id into asked;
        made := made + 1;
      end loop;
    exception
      -- somebody holds a host it is for: the tick is still to come
      when lock_not_available then
        return 0;
      when others then
        trouble := sqlerrm;
        made := 0;
    end;
  end if;
  update swarmplane.schedule s
     set next_at = following,
         last_at = case when made > 0 then now() else s.last_at end,
         last_request = case when made > 0 then asked else s.last_request end,
         last_error = coalesce(trouble, 'not asked: ' || gone)
   where s.id = due.id;
  if trouble is not null then
    perform swarmplane.raise_alert('schedule_failed', due.name, trouble);
  elsif made > 0 then
    perform swarmplane.resolve_alerts('{schedule_failed}', array[due.name]);
  end if;
  return made;
end
$$;

-- Whom a tick asks: those that are meant now. Of names those that are still there, and in `gone` why others are not.
create or replace function swarmplane.tick_targets(due swarmplane.schedule, out hosts text[], out gone text)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  visible constant integer[] := swarmplane.nodes_visible_to(due.owner);
begin
  if due.hosts is null or due.hosts = '{*}' then
    hosts := coalesce(due.hosts, swarmplane.selected_hosts(null, due.labels, due.access_label, due.site, visible));
    return;
  end if;
  select coalesce(array_agg(w.name) filter (where w.here), '{}'),
         string_agg(format('%s: %s', w.name, coalesce(swarmplane.out_words(w.state), 'unknown')), '; ') filter (where not w.here)
    into hosts, gone
    from (select h.name, coalesce(bool_or(n.out_since is null), false) as here,
                 (array_agg(n.state order by n.id desc))[1] as state
            from unnest(due.hosts) as h (name)
            left join swarmplane.node n
              on h.name in (n.name, n.identity) and (visible is null or n.id = any (visible))
           group by h.name
           order by h.name) w;
end
$$;

-- Ticks of intervals that are due. Of those that fell due while no hub ran, the newest `catch_up`.
create or replace function swarmplane.tick_intervals()
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  due record;
  missed bigint;
  made integer := 0;
begin
  for due in
    select s.id, s.next_at, s.every, s.catch_up
      from swarmplane.schedule s
     where s.active and s.every is not null and s.next_at <= now()
     order by s.id
  loop
    missed := floor(extract(epoch from now() - due.next_at) / extract(epoch from due.every));
    made := made + swarmplane.tick(
      due.id,
      due.next_at,
      array(select due.next_at + due.every * k
              from generate_series(greatest(0, missed - due.catch_up + 1), missed) k
             order by k),
      due.next_at + due.every * (missed + 1));
  end loop;
  return made;
end
$$;

-- Schedules with a cron line that a hub has to read now. next_at as text: no digit may be lost on its way.
create or replace function swarmplane.due_crons()
  returns table (id bigint, cron text, zone text, next_at text, catch_up integer)
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select s.id, s.cron, s.zone, s.next_at::text, s.catch_up
    from swarmplane.schedule s
   where s.active and s.cron is not null and (s.next_at is null or s.next_at <= now())
   order by s.id;
$$;

-- Milliseconds until the next tick; null when there is none to come.
create or replace function swarmplane.next_tick()
  returns double precision
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select extract(epoch from min(s.next_at) - clock_timestamp())::double precision * 1000
    from swarmplane.schedule s
   where s.active and s.next_at < 'infinity';
$$;

comment on table swarmplane.schedule is
  'Public. Recurring queries: every (an interval) or cron with zone; next_at, last_request and last_error say how it goes.';
reset role;
