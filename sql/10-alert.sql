-- Alerts: one open row per cause, counted; see docs/backplane.md.
set local role swarmplane_owner;

-- Opens an alert or counts the open one of the same cause.
create or replace function swarmplane.raise_alert(
  kind text,
  key text,
  message text,
  severity text default 'warning',
  detail jsonb default '{}',
  times integer default 1
)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set lock_timeout = '1s'
as $$
#variable_conflict use_column
begin
  insert into swarmplane.alert as a (kind, key, severity, message, detail, count)
  -- 0: it is open still, which is no news
  values ($1, $2, $4, $3, $5, greatest($6, 1))
  on conflict (kind, key) where resolved_at is null do update
    set count = a.count + $6,
        last_at = excluded.last_at,
        severity = excluded.severity,
        message = excluded.message,
        detail = excluded.detail;
exception
  when lock_not_available then
    -- Somebody holds the open row, which says it all but this time. Where he holds the table, this fails as well.
    perform from swarmplane.alert a where a.kind = $1 and a.key = $2 and a.resolved_at is null;
    if not found then
      raise;
    end if;
end
$$;

-- For a cause that lasts and is looked at again and again: opens an alert, and says it anew only so often
-- that it does not go quiet.
create or replace function swarmplane.keep_alert(
  kind text,
  key text,
  message text,
  severity text default 'warning',
  detail jsonb default '{}'
)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform from swarmplane.alert a
    where a.kind = keep_alert.kind and a.key = keep_alert.key and a.resolved_at is null
      and a.last_at > now() - least(swarmplane.setting_interval('alert_quiet_after') / 3, interval '10 minutes');
  if not found then
    perform swarmplane.raise_alert(kind, key, message, severity, detail);
  end if;
end
$$;

-- Resolves the open alerts of these kinds and keys; how many there were.
create or replace function swarmplane.resolve_alerts(kinds text[], keys text[])
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set lock_timeout = '1s'
as $$
declare
  found_ids bigint[];
begin
  if not exists (
    select from swarmplane.alert a
     where a.resolved_at is null and a.kind = any (kinds) and a.key = any (keys))
  then
    return 0;
  end if;
  -- locked in one order, so that two hubs never wait for each other
  select array_agg(locked.id) into found_ids
    from (
      select a.id
        from swarmplane.alert a
       where a.resolved_at is null and a.kind = any (kinds) and a.key = any (keys)
       order by a.kind, a.key
         for update
    ) locked;
  update swarmplane.alert a set resolved_at = now() where a.id = any (found_ids);
  return coalesce(cardinality(found_ids), 0);
exception
  -- somebody holds one of them: it goes when it is quiet, and what ended goes on
  when lock_not_available then return 0;
end
$$;

-- Every minute, by the hubs: resolves alerts that nothing raised again for the time set, compares addresses
-- with networks, and looks which hosts are away and which are out.
create or replace function swarmplane.look_after_alerts()
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform swarmplane.alert_outside_addresses();
  perform swarmplane.end_unreported();
  perform swarmplane.look_after_hosts();
  perform swarmplane.alert_retired();
  perform swarmplane.resolve_alerts_of_departed();
  perform swarmplane.look_for_departed();
  perform swarmplane.cancel_of_gone();
  perform swarmplane.end_old_mutes();
  perform swarmplane.look_after_backups();
  perform swarmplane.forget_alert_events();
  perform swarmplane.forget_ended_rows();
  perform swarmplane.drop_old_desired_events();
  with quiet as materialized (
    select a.id
      from swarmplane.alert a
     where a.resolved_at is null
       -- drift ends when it is mended (sql/13-drift.sql)
       and a.kind <> 'drift'
       and a.last_at < now() - swarmplane.setting_interval('alert_quiet_after')
     order by a.kind, a.key
       for update skip locked
  )
  update swarmplane.alert a set resolved_at = now() from quiet where a.id = quiet.id;
end
$$;

-- For whoever watches: alerts that opened or were resolved, not each count.
create or replace function swarmplane.tg_alert__notify()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform pg_notify('swarmplane_alert', '');
  return null;
end
$$;

create or replace trigger _900_notify
  after insert on swarmplane.alert
  for each row execute function swarmplane.tg_alert__notify();
create or replace trigger _910_notify_resolved
  after update on swarmplane.alert
  for each row
  when (new.resolved_at is distinct from old.resolved_at)
  execute function swarmplane.tg_alert__notify();

comment on table swarmplane.alert is
  'Public. What people must know of: one open row per (kind, key) with a counter; resolved_at is set when the cause ended.';
reset role;
