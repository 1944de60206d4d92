-- Ending what nobody works on: leases that ran out, requests that were cancelled or whose time is over,
-- deliveries for hosts that are out.
-- Each call takes one lease or one request, so that no hub ever holds the locks of two requests.
set local role swarmplane_owner;

-- Ends deliveries of one request that are not running. `verdict` null: by whether the host was reached.
create or replace function swarmplane.end_waiting(of_request bigint, verdict text, because text)
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  ended integer;
begin
  with waiting as materialized (
    select d.id, d.reached, d.last_error, d.last_code
      from swarmplane.delivery d
     where d.request_id = of_request and d.state in ('pending', 'parked')
     order by d.id
       for update skip locked
  ), gone as (
    delete from swarmplane.delivery d using waiting w where d.id = w.id returning d.*
  )
  insert into swarmplane.delivery_done (
    node_id, request_id, asked_at, id, host, state, was, attempt, code, error, claimed_at)
  select g.node_id, g.request_id, r.asked_at, g.id, n.name,
         coalesce(verdict, case when g.reached then 'expired' else 'unreachable' end),
         g.state, g.attempt, g.last_code,
         case when verdict is null then coalesce(g.last_error, because)
              else concat_ws('; before that: ', because, g.last_error) end,
         g.claimed_at
    from gone g
    join swarmplane.node n on n.id = g.node_id
    join swarmplane.request r on r.id = g.request_id;
  get diagnostics ended = row_count;
  return ended;
end
$$;

-- Ends deliveries of one request that are not running and whose hosts are out; `reached`: as in end_waiting.
create or replace function swarmplane.end_departed(of_request bigint)
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  ended integer;
begin
  with waiting as materialized (
    select d.id, n.name, n.state
      from swarmplane.delivery d
      join swarmplane.node n on n.id = d.node_id and n.ending
     where d.request_id = of_request and d.state in ('pending', 'parked')
     order by d.id
       for update of d skip locked
  ), gone as (
    delete from swarmplane.delivery d using waiting w where d.id = w.id
    returning d.*, w.name as host, w.state as node_state
  )
  insert into swarmplane.delivery_done (
    node_id, request_id, asked_at, id, host, state, was, attempt, code, error, claimed_at)
  select g.node_id, g.request_id, r.asked_at, g.id, g.host,
         case when g.reached then 'expired' else 'unreachable' end, g.state, g.attempt, g.node_state,
         concat_ws('; before that: ', 'the host ' || swarmplane.out_words(g.node_state),
                   case when g.reached then g.last_error end),
         g.claimed_at
    from gone g
    join swarmplane.request r on r.id = g.request_id;
  get diagnostics ended = row_count;
  return ended;
end
$$;

-- The same for the first request that has any; false where there is none. Nodes without open deliveries
-- are done with: those that run come back here, or end.
create or replace function swarmplane.sweep_departed()
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  of_request bigint;
begin
  for of_request in
    select distinct d.request_id
      from swarmplane.node n
      join swarmplane.delivery d on d.node_id = n.id and d.state in ('pending', 'parked')
     where n.ending
     order by 1
  loop
    perform from swarmplane.request r where r.id = of_request for no key update skip locked;
    continue when not found;
    if swarmplane.end_departed(of_request) > 0 then
      return true;
    end if;
  end loop;
  with idle as materialized (
    select n.id from swarmplane.node n
     where n.ending and not exists (select from swarmplane.delivery d where d.node_id = n.id)
     order by n.id
       for update skip locked
  )
  update swarmplane.node n set ending = false from idle where n.id = idle.id;
  return false;
end
$$;

-- Takes back the work of a lease. The token stays on the deliveries: an answer that comes late counts
-- until somebody claims anew.
create or replace function swarmplane.reap_lease(lease_token uuid, because text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set lock_timeout = '200ms'
as $$
declare
  attempts_max integer := swarmplane.setting_integer('attempts_max');
  from_request bigint;
begin
  delete from swarmplane.lease l where l.token = lease_token returning l.request_id into from_request;
  if not found then
    return;
  end if;
  with lost as materialized (
    select d.id, d.attempt, swarmplane.backoff(d.attempt) as wait
      from swarmplane.delivery d
     where d.request_id = from_request and d.token = lease_token and d.state = 'running'
     order by d.id
       for update
  )
  update swarmplane.delivery d
     set state = 'pending',
         run_at = now() + lost.wait,
         last_code = 'lease_lost',
         last_error = because
    from lost
   where d.id = lost.id;
  if not found then
    return;
  end if;
  perform swarmplane.raise_alert('lease_lost', because, format('%s; its work was taken back', because),
    'warning', jsonb_build_object('request', from_request));

  -- what was tried often enough fails for good
  with tired as materialized (
    select d.id from swarmplane.delivery d
     where d.request_id = from_request and d.token = lease_token and d.state = 'pending'
       and d.attempt >= attempts_max
     order by d.id
       for update
  ), gone as (
    delete from swarmplane.delivery d using tired where d.id = tired.id returning d.*
  )
  insert into swarmplane.delivery_done (
    node_id, request_id, asked_at, id, host, state, was, attempt, code, error, claimed_at)
  select g.node_id, g.request_id, r.asked_at, g.id, n.name, 'failed', g.state, g.attempt,
         g.last_code, g.last_error, g.claimed_at
    from gone g
    join swarmplane.node n on n.id = g.node_id
    join swarmplane.request r on r.id = g.request_id;
  if found then
    perform swarmplane.raise_alert('query_failed', 'lease_lost',
      format('a delivery of request %s was lost %s times', from_request, attempts_max),
      'critical', jsonb_build_object('request', from_request));
  end if;
end
$$;

-- Does one thing that is due and says what; null when nothing was. Expired leases are left alone for one
-- lease after the server started: their hubs could not renew them while it was away.
create or replace function swarmplane.sweep(reap boolean default true)
  returns text
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set lock_timeout = '1s'
as $$
declare
  due record;
begin
  if reap and now() > pg_postmaster_start_time() + swarmplane.setting_interval('lease_time') then
    for due in
      select l.token, h.name
        from swarmplane.lease l join swarmplane.hub h on h.id = l.hub
       where l.until < now()
       order by l.until
       limit 8
         for update of l skip locked
    loop
      begin
        perform swarmplane.reap_lease(due.token, format('the lease of hub %s ran out', due.name));
        return 'lease';
      exception
        -- somebody holds its request or one of its deliveries: the next one
        when lock_not_available then continue;
      end;
    end loop;
  end if;

  -- before anything else is locked
  begin
    if swarmplane.take_node_wishes() > 0 then
      return 'wish';
    end if;
  exception
    -- they wait, the rest does not
    when lock_not_available then null;
  end;
  perform swarmplane.take_cancels();
  for due in
    -- each part by its index: open requests may be many
    select r.id, r.cancel, r.asked_by
      from swarmplane.request r
     where r.closed_at is null and r.cancel and r.pending > 0
     union all
    select r.id, r.cancel, r.asked_by
      from swarmplane.request r
     where r.closed_at is null and r.expires_at <= now() and not r.cancel and r.pending > 0
     order by id
  loop
    -- whoever holds it delays it alone
    perform from swarmplane.request r where r.id = due.id for no key update skip locked;
    continue when not found;
    if swarmplane.end_waiting(
         due.id,
         case when due.cancel then 'cancelled' end,
         case when due.cancel then swarmplane.cancel_words(due.asked_by) else 'the host did not come back in time' end) > 0
    then
      return case when due.cancel then 'cancelled' else 'expired' end;
    end if;
  end loop;

  if exists (select from swarmplane.node n where n.ending) and swarmplane.sweep_departed() then
    return 'departed';
  end if;
  return null;
end
$$;

create or replace function swarmplane.cancel_words(asked_by name)
  returns text
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select case when exists (select from pg_roles r where r.rolname = asked_by) then 'the request was cancelled'
              else format('the request was cancelled: its asker %s is no role of this server any more', asked_by) end;
$$;

-- Every minute: cancels what roles have asked that are gone, dropped or renamed: nobody may read the answers.
create or replace function swarmplane.cancel_of_gone()
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  gone record;
  cancelled integer := 0;
begin
  for gone in
    with held as materialized (
      select r.id, r.asked_by
        from swarmplane.request r
       where r.closed_at is null and not r.cancel
         and r.asked_by in (
           select o.asked_by
             from (select distinct o.asked_by from swarmplane.request o where o.closed_at is null) o
            where not exists (select from pg_roles p where p.rolname = o.asked_by))
       order by r.id
         for no key update skip locked
    ), ended as (
      update swarmplane.request r set cancel = true from held where r.id = held.id returning r.asked_by
    )
    select e.asked_by, count(*) as requests from ended e group by 1 order by 1
  loop
    cancelled := cancelled + gone.requests;
    perform swarmplane.raise_alert('asker_gone', gone.asked_by,
      format('%s is no role of this server any more, dropped or renamed: %s of its requests cancelled',
             gone.asked_by, gone.requests));
  end loop;
  if cancelled > 0 then
    perform pg_notify('swarmplane', '');
  end if;
  return cancelled;
end
$$;

-- Requests this hub works on that somebody cancelled.
create or replace function swarmplane.cancelled_leases(tokens uuid[])
  returns setof uuid
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  return query
    select l.token
      from swarmplane.lease l
      join swarmplane.request r on r.id = l.request_id
     where l.token = any (tokens) and r.cancel;
end
$$;
reset role;
