-- Alerts about hosts themselves: away and back, started anew, a clock that is off, one that refuses the hub.
set local role swarmplane_owner;

-- How long a host with these labels may be dead before it is an alert; null: for ever. The label away_after is
-- 'never' or an interval such as '2 days'; one that is neither counts as none.
create or replace function swarmplane.away_after(labels jsonb)
  returns interval
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  said text := labels ->> 'away_after';
begin
  if said = 'never' then
    return null;
  end if;
  if said::interval >= interval '0' then
    return said::interval;
  end if;
  return swarmplane.setting_interval('host_away_after');
exception
  when data_exception then return swarmplane.setting_interval('host_away_after');
end
$$;

-- Every minute, and when nodes change: opens host_away for each name whose host has been dead for its time, and
-- ends those whose host is back, left, or was told to be never missed. A name that a living host bears is not away.
create or replace function swarmplane.look_after_hosts()
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  away record;
  names text[] := '{}';
begin
  for away in
    select distinct on (n.name) n.name, n.identity, n.since
      from swarmplane.node n
     where n.state = 'dead'
       and n.since <= now() - swarmplane.away_after(n.labels)
       and not exists (
         select from swarmplane.node o where o.name = n.name and o.state in ('alive', 'suspect'))
     order by n.name, n.since desc
  loop
    names := names || away.name;
    perform swarmplane.resolve_alerts('{host_back}', array[away.name]);
    perform swarmplane.keep_alert('host_away', away.name,
      format('%s is away since %s', away.name, swarmplane.minute_text(away.since)),
      detail => jsonb_build_object('node', away.identity, 'since', away.since));
  end loop;
  perform swarmplane.end_host_away(names);
end
$$;

-- Ends host_away of all but these names; who lives again gets host_back.
create or replace function swarmplane.end_host_away(still_away text[])
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set intervalstyle = 'postgres'
as $$
declare
  ended record;
begin
  for ended in
    select a.key as name, a.detail ->> 'since' as since,
           exists (select from swarmplane.node n where n.name = a.key and n.state = 'alive') as lives
      from swarmplane.alert a
     where a.kind = 'host_away' and a.resolved_at is null and a.key <> all (still_away)
     order by a.key
  loop
    -- of several hubs that look at once, one ends it
    if swarmplane.resolve_alerts('{host_away}', array[ended.name]) > 0 and ended.lives then
      perform swarmplane.raise_alert('host_back', ended.name,
        format('%s is back after %s', ended.name, date_trunc('second', now() - ended.since::timestamptz)), 'info');
    end if;
  end loop;
end
$$;

-- As people read it in a message, whatever the session's settings.
create or replace function swarmplane.minute_text(at timestamptz)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"');
$$;

-- What the answers to a turn (note_handovers) tell of the hosts themselves.
create or replace function swarmplane.note_vitals(answers jsonb)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set intervalstyle = 'postgres'
as $$
declare
  said record;
  tolerance constant interval := swarmplane.setting_interval('clock_tolerance');
  -- most turns have nothing to tell
  something_open constant boolean := exists (
    select from swarmplane.alert a
     where a.resolved_at is null and a.kind in ('clock_ahead', 'clock_behind', 'host_refuses'));
begin
  for said in
    select v.*
      from (
        select n.id, n.name, n.boot as known_boot, a.error, a.refusal, a.boot,
               now() - a.up_ms * interval '1 millisecond' as booted_at,
               a.clock_off_ms * interval '1 millisecond' as clock_off,
               -- a clock that drifts by less is not worth a write at each turn
               n.clock_off is null and a.clock_off_ms is not null
                 or abs(a.clock_off_ms - extract(epoch from n.clock_off) * 1000) >= 1000 as drifted
          from jsonb_to_recordset(answers)
                 as a (identity text, error text, refusal text, boot text, up_ms double precision,
                       clock_off_ms double precision)
          join swarmplane.node n on n.identity = a.identity
      ) v
     where something_open
        or v.refusal is not null
        or v.drifted
        or v.boot is distinct from v.known_boot and v.boot is not null
        or v.clock_off not between -tolerance and tolerance
     order by v.id
  loop
    if said.error is null then
      perform swarmplane.resolve_alerts('{host_refuses}', array[said.name]);
    elsif said.refusal in ('clock_ahead', 'clock_behind') then
      perform swarmplane.keep_alert(said.refusal, said.name, format('%s refuses: %s', said.name, said.error));
    elsif said.refusal is not null then
      perform swarmplane.keep_alert('host_refuses', said.name, format('%s refuses: %s', said.name, said.error),
        detail => jsonb_build_object('code', said.refusal));
    end if;
    perform swarmplane.note_clock(said.name, said.clock_off, tolerance);
    if said.known_boot <> said.boot then
      perform swarmplane.raise_alert('host_rebooted', said.name,
        format('%s was started anew at %s', said.name, swarmplane.minute_text(said.booted_at)), 'info');
    end if;
    if said.drifted or said.boot is distinct from said.known_boot and said.boot is not null then
      update swarmplane.node n
         set boot = coalesce(said.boot, n.boot),
             booted_at = case when said.boot is distinct from n.boot and said.boot is not null
                              then said.booted_at else n.booted_at end,
             clock_off = coalesce(said.clock_off, n.clock_off)
       where n.id = said.id;
    end if;
  end loop;
end
$$;

-- Opens or ends the alerts about a clock that was measured; null: it was not.
create or replace function swarmplane.note_clock(host text, clock_off interval, tolerance interval)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set intervalstyle = 'postgres'
as $$
begin
  if clock_off is null then
    return;
  end if;
  if clock_off > tolerance then
    perform swarmplane.keep_alert('clock_ahead', host,
      format('the clock of %s is %s ahead', host, date_trunc('second', clock_off)));
  else
    perform swarmplane.resolve_alerts('{clock_ahead}', array[host]);
  end if;
  if clock_off < -tolerance then
    perform swarmplane.keep_alert('clock_behind', host,
      format('the clock of %s is %s behind', host, date_trunc('second', -clock_off)));
  else
    perform swarmplane.resolve_alerts('{clock_behind}', array[host]);
  end if;
end
$$;

comment on column swarmplane.node.boot is
  'Made by the kernel of the host at each start of the machine; null before its first handover.';
comment on column swarmplane.node.booted_at is 'When the machine was started, by the database''s clock.';
comment on column swarmplane.node.clock_off is
  'At least so far is the host''s clock ahead of the hub''s; negative: behind.';
reset role;
