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

-- Alerts have the name of a row as their key, and an alert that does not fit into its index ends the look at all rows.
create or replace function swarmplane.check_row_name(name text)
  returns void
  language plpgsql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if octet_length(name) > 200 then
    raise exception 'the name "%..." has % bytes', left(name, 20), octet_length(name)
      using errcode = 'name_too_long', hint = 'a name has at most 200';
  end if;
end
$$;

-- Refuses what a request would refuse at each tick.
create or replace function swarmplane.check_scheduled(due swarmplane.schedule)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if num_nonnulls(due.sql, due.action) <> 1 then
    raise exception 'schedule "%" has %', due.name, case when due.sql is null then 'neither sql nor action' else 'both sql and action' end
      using errcode = 'invalid_parameter_value', hint = 'one schedule asks one thing';
  end if;
  perform swarmplane.check_row_name(due.name);
  if octet_length(due.sql) > 65536 then
    raise exception 'sql of % bytes is too long, at most 65536', octet_length(due.sql)
      using errcode = 'program_limit_exceeded';
  end if;
  -- a next time that no timestamp holds would end the ticks of all
  if due.every > interval '3660 days' then
    raise exception 'every is %', due.every
      using errcode = 'invalid_parameter_value', hint = 'between 1 second and 3660 days';
  end if;
  if due.expires_in < interval '100 milliseconds' or due.expires_in > interval '90 days' then
    raise exception 'expires_in is %', due.expires_in
      using errcode = 'invalid_parameter_value', hint = 'between 100 milliseconds and 90 days';
  end if;
  if due.action is null then
    return;
  end if;
  if array_position(due.hosts, '*') is not null then
    raise exception 'schedule "%" of action % names no hosts: an action is never for every host', due.name, due.action
      using errcode = 'invalid_parameter_value', hint = 'name them, or give labels, access_label or site';
  end if;
  if not swarmplane.may_ask(session_user, due.action) then
    raise exception '% may not command actions', session_user
      using errcode = 'insufficient_privilege', hint = 'that is for operators';
  end if;
end
$$;

-- Whether a login may insert such a request now.
create or replace function swarmplane.may_ask(login name, action text)
  returns boolean
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select coalesce((
    select has_column_privilege(r.oid, 'swarmplane.request', case when action is null then 'sql' else 'action' end, 'insert')
      from pg_roles r where r.rolname = login), false);
$$;

-- What makes the ids of a tick's commands (docs/protocol.md section 9): the same wherever and whenever it is made.
create or replace function swarmplane.tick_key(schedule_key uuid, at timestamptz)
  returns uuid
  language sql
  immutable
  strict
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select swarmplane.uuid_of(sha256(
    swarmplane.field(convert_to('swarmplane/1 tick', 'UTF8'))
    || swarmplane.field(uuid_send(schedule_key))
    || swarmplane.field(int8send(swarmplane.micros(at)))));
$$;

create or replace function swarmplane.tg_schedule__before_write()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform swarmplane.check_zone(new.zone);
  if new.cron is not null then
    perform swarmplane.check_cron(new.cron);
  end if;
  if num_nonnulls(new.labels, new.access_label, new.site) > 0 then
    -- hosts says '{*}' where it was left out
    new.hosts := nullif(new.hosts, '{*}');
    perform swarmplane.check_selector(new.hosts, new.labels, new.access_label, new.site);
  elsif tg_op = 'INSERT' or new.hosts is distinct from old.hosts then
    perform swarmplane.resolve_hosts(new.hosts, swarmplane.visible_nodes());
  end if;
  perform swarmplane.check_priority(new.priority);
  perform swarmplane.check_scheduled(new);
  if new.action is not null then
    new.args := swarmplane.checked_args(new.action, new.args);
    if new.hosts is not null and (tg_op = 'INSERT' or (new.hosts, new.action) is distinct from (old.hosts, old.action)) then
      perform swarmplane.check_action_hosts(new.action, new.hosts);
    end if;
    new.command_key := coalesce(new.command_key, gen_random_uuid());
  end if;
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
  before insert or update of name, sql, action, args, hosts, labels, access_label, site, every, cron, zone, expires_in, priority, catch_up, active
  on swarmplane.schedule
  for each row execute function swarmplane.tg_schedule__before_write();
create or replace trigger _700_audit
  after insert or delete or update of name, sql, action, args, hosts, labels, access_label, site, every, cron, zone, expires_in, priority, catch_up, active
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
  free text[];
  left_out text;
begin
  select * into due
    from swarmplane.schedule s
   where s.id = tick.schedule_id and s.active and s.next_at is not distinct from expected
     for update skip locked;
  if not found then
    return 0;
  end if;
  if trouble is null and cardinality(ticks) > 0 and not swarmplane.may_ask(due.owner, due.action) then
    trouble := format('its owner %s may not %s any more', due.owner, case when due.action is null then 'ask' else 'command' end);
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
      if due.action is not null and cardinality(ticks) > 0 and due.hosts is not null then
        perform swarmplane.check_action_hosts(due.action, due.hosts);
      end if;
      foreach at in array ticks loop
        if due.action is not null then
          select f.hosts, concat_ws('; ', gone, f.busy) into free, left_out from swarmplane.tick_free(due, targets, at) f;
          continue when free = '{}';
        end if;
        insert into swarmplane.request (sql, action, args, command_key, hosts, expires_in, priority, reason, schedule_id, tick)
        values (due.sql, due.action, due.args, case when due.action is not null then swarmplane.tick_key(due.command_key, at) end,
                coalesce(free, targets), due.expires_in, due.priority, 'schedule ' || due.name, due.id, at)
        returning id into asked;
        made := made + 1;
      end loop;
      gone := nullif(coalesce(left_out, gone), '');
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
    from (select h.name, bool_or(n.id is not null and n.out_since is null) as here,
                 (array_agg(n.state order by n.id desc))[1] as state
            from unnest(due.hosts) as h (name)
            left join swarmplane.node n
              on h.name in (n.name, n.identity) and (visible is null or n.id = any (visible))
           group by h.name
           order by h.name) w;
end
$$;

-- Of the hosts that a tick of an action is for those that it may be given to, by their node ids, and in `busy` why
-- not to others: a host has one command of a schedule at a time, or one that was away would get all it missed at once.
-- Of a tick whose time is over nobody is left: hosts have forgotten whether they ran it.
create or replace function swarmplane.tick_free(due swarmplane.schedule, targets text[], at timestamptz, out hosts text[], out busy text)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  over_at constant timestamptz := at + coalesce(due.expires_in, swarmplane.setting_interval('action_expires_in'));
begin
  if over_at <= now() then
    hosts := '{}';
    busy := format('the tick of %s was over at %s', at, over_at);
    return;
  end if;
  select coalesce(array_agg(n.identity order by n.name) filter (where not w.has_one), '{}'),
         string_agg(format('%s: its command of an earlier tick has not ended', n.name), '; ' order by n.name) filter (where w.has_one)
    into hosts, busy
    from swarmplane.resolve_hosts(targets, swarmplane.nodes_visible_to(due.owner)) as r (node_id)
    join swarmplane.node n on n.id = r.node_id
   cross join lateral (
     select exists (
       select from swarmplane.request o
         join swarmplane.delivery d on d.request_id = o.id and d.node_id = n.id
        where o.schedule_id = due.id and o.action is not null and o.closed_at is null) as has_one) w;
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
  'Public. Recurring queries and actions: every (an interval) or cron with zone; next_at, last_request and last_error say how it goes.';
reset role;
