-- What people answer to an alert: that somebody sees to it, or that it may be quiet until a time. Both are audited.
set local role swarmplane_owner;

-- Says that somebody sees to an open alert. It stays open; a new one of the same cause is not acknowledged.
create or replace function swarmplane.acknowledge(alert bigint, why text default '')
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set lock_timeout = '1s'
as $$
declare
  open swarmplane.alert := swarmplane.open_alert(acknowledge.alert);
begin
  update swarmplane.alert a
     set acknowledged_at = now(), acknowledged_by = session_user, acknowledged_why = nullif(acknowledge.why, '')
   where a.id = open.id;
end
$$;

-- Nobody is told of an open alert and its cause until then: no webhook, and `swarmplane alerts` only counts it. It
-- counts and ends as before; if it is open still when the time is over, webhooks are told that it opened.
create or replace function swarmplane.mute(alert bigint, until timestamptz, why text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set lock_timeout = '1s'
as $$
declare
  open swarmplane.alert := swarmplane.open_alert(mute.alert);
begin
  perform swarmplane.require_fleet('muting alerts is');
  if mute.until is null or mute.until <= now() or mute.until > now() + interval '366 days' then
    raise exception 'until is %', coalesce(mute.until::text, 'null') using errcode = 'invalid_parameter_value',
      hint = 'a time to come, within a year: now() + interval ''2 hours''';
  end if;
  if coalesce(mute.why, '') = '' then
    raise exception 'why is empty' using errcode = 'invalid_parameter_value',
      hint = 'say for others why nobody need look';
  end if;
  insert into swarmplane.alert_mute (kind, key, until, why) values (open.kind, open.key, mute.until, mute.why)
  -- muted_at stays: what opened since then nobody was told of
  on conflict (kind, key) do update
    set until = excluded.until, why = excluded.why, muted_by = excluded.muted_by;
  perform pg_notify('swarmplane_alert', '');
end
$$;

-- Ends a mute before its time.
create or replace function swarmplane.unmute(kind text, key text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set lock_timeout = '1s'
as $$
begin
  perform swarmplane.require_fleet('muting alerts is');
  if not exists (select from swarmplane.alert_mute m where (m.kind, m.key) = (unmute.kind, unmute.key)) then
    raise exception 'alert "% %" is not muted', unmute.kind, unmute.key using errcode = 'no_data_found',
      hint = 'those that are: table swarmplane.alert_mute';
  end if;
  perform swarmplane.end_mutes(array[unmute.kind], array[unmute.key]);
end
$$;

create or replace function swarmplane.open_alert(id bigint)
  returns swarmplane.alert
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  open swarmplane.alert;
begin
  select * into open from swarmplane.alert a where a.id = open_alert.id and a.resolved_at is null;
  if not found then
    raise exception 'alert % is not open', coalesce(open_alert.id::text, 'null') using errcode = 'no_data_found',
      hint = 'select id, kind, key from swarmplane.alert where resolved_at is null';
  end if;
  return open;
end
$$;

-- Takes mutes away, and tells of what opened meanwhile and is open still.
create or replace function swarmplane.end_mutes(kinds text[], keys text[])
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  with ended as (
    delete from swarmplane.alert_mute m
     using unnest(kinds, keys) as c (kind, key)
     where (m.kind, m.key) = (c.kind, c.key)
    returning m.*
  )
  insert into swarmplane.alert_event (alert_id, event)
  select a.id, 'opened'
    from ended e
    join swarmplane.alert a on a.kind = e.kind and a.key = e.key and a.resolved_at is null and a.first_at > e.muted_at
   order by a.id;
  perform pg_notify('swarmplane_alert', '');
end
$$;

-- Every minute, by the hubs: mutes whose time is over.
create or replace function swarmplane.end_old_mutes()
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select swarmplane.end_mutes(array_agg(m.kind order by m.kind, m.key), array_agg(m.key order by m.kind, m.key))
    from swarmplane.alert_mute m
   where m.until <= now()
  having count(*) > 0;
$$;

create or replace trigger _700_audit
  after update of acknowledged_at on swarmplane.alert
  for each row
  when (new.acknowledged_at is distinct from old.acknowledged_at)
  execute function swarmplane.tg_audit('alert');
create or replace trigger _700_audit
  after insert or update or delete on swarmplane.alert_mute
  for each row execute function swarmplane.tg_audit('alert_mute');

comment on function swarmplane.acknowledge(bigint, text) is
  'Public. Says that somebody sees to an open alert: acknowledge(12, ''disk is ordered'').';
comment on function swarmplane.mute(bigint, timestamptz, text) is
  'Public. Nobody is told of an open alert and its cause until then: mute(12, now() + interval ''2 hours'', ''maintenance'').';
comment on function swarmplane.unmute(text, text) is
  'Public. Ends a mute before its time: unmute(''host_away'', ''web1'').';
reset role;
