-- Telling webhooks of alerts: each opening and each resolution, at least once, by one hub at a time.
set local role swarmplane_owner;

create or replace function swarmplane.tg_alert__tell()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  -- nobody is told of the end of what nobody was told of
  if exists (
    select from swarmplane.alert_mute m
     where (m.kind, m.key) = (new.kind, new.key) and m.until > now()
       and (new.resolved_at is null or new.first_at > m.muted_at))
  then
    return null;
  end if;
  insert into swarmplane.alert_event (alert_id, event)
  values (new.id, case when new.resolved_at is null then 'opened' else 'resolved' end);
  return null;
end
$$;

create or replace trigger _600_tell
  after insert on swarmplane.alert
  for each row execute function swarmplane.tg_alert__tell();
create or replace trigger _610_tell_resolved
  after update on swarmplane.alert
  for each row
  when (new.resolved_at is distinct from old.resolved_at)
  execute function swarmplane.tg_alert__tell();

-- The oldest event that is due, put off for `lease` so that other hubs leave it alone; null when none is.
-- A hub that dies before it says how it went: after the lease another one tells it again.
create or replace function swarmplane.claim_alert_event(lease interval)
  returns jsonb
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  with due as materialized (
    select e.id
      from swarmplane.alert_event e
     where e.sent_at is null
       and e.run_at <= clock_timestamp()
       and e.at > now() - swarmplane.setting_interval('alert_events_kept')
     order by e.id
     limit 1
       for update skip locked
  ), claimed as (
    update swarmplane.alert_event e
       set run_at = clock_timestamp() + lease, attempt = e.attempt + 1
      from due
     where e.id = due.id
    returning e.*
  )
  select jsonb_build_object(
           'id', c.id, 'event', c.event, 'at', c.at, 'attempt', c.attempt,
           'alert', jsonb_build_object(
             'id', a.id, 'kind', a.kind, 'key', a.key, 'severity', a.severity, 'message', a.message,
             'detail', a.detail, 'count', a.count, 'first_at', a.first_at, 'last_at', a.last_at,
             'resolved_at', a.resolved_at))
    from claimed c join swarmplane.alert a on a.id = c.alert_id;
$$;

-- How telling it went: `trouble` null when the webhook took it, else it is tried again, 1 s to 5 minutes later.
create or replace function swarmplane.end_alert_event(event_id bigint, trouble text default null)
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  update swarmplane.alert_event e
     set sent_at = case when trouble is null then clock_timestamp() end,
         last_error = trouble,
         run_at = clock_timestamp()
           + least(interval '1 second' * power(2, least(e.attempt, 20) - 1), interval '5 minutes')
   where e.id = event_id and e.sent_at is null;
$$;

-- Every minute, by the hubs: forgets events by age, and the oldest beyond `most`, told or not.
create or replace function swarmplane.forget_alert_events(most integer default 10000)
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  forgotten integer;
begin
  with old as materialized (
    select e.id
      from swarmplane.alert_event e
     where e.at < now() - swarmplane.setting_interval('alert_events_kept')
        or e.id <= (select e2.id from swarmplane.alert_event e2 order by e2.id desc offset most limit 1)
     order by e.id
       for update skip locked
  )
  delete from swarmplane.alert_event e using old where e.id = old.id;
  get diagnostics forgotten = row_count;
  return forgotten;
end
$$;

comment on table swarmplane.alert_event is
  'Private. Openings and resolutions of alerts that a webhook is told of; sent_at once it took one.';
reset role;
