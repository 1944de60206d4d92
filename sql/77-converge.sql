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
         checking_xid = null, stopped_at = d.stopped_at, stopped_why = d.stopped_why, waits_since = d.waits_since
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
