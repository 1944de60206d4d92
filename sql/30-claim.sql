-- Taking work: one request's due deliveries under one lease. Only hubs may.
set local role swarmplane_owner;

-- The first due delivery of a lane: by priority, then by time. Priority by priority, so that what is not due yet
-- stands before nothing. `asks_only`: of what somebody waits for. `hold`: locked, past those that others hold. `past`:
-- requests that are passed over.
create or replace function swarmplane.due_in(
  of_lane text,
  asks_only boolean,
  hold boolean,
  past bigint[],
  out request_id bigint,
  out priority integer,
  out run_at timestamptz
)
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
#variable_conflict use_column
declare
  level integer := -32768;
begin
  loop
    select min(d.priority) into level
      from swarmplane.delivery d
     where d.state = 'pending' and d.lane = of_lane and d.priority >= level;
    exit when level is null;
    -- even: see sql/20-request.sql
    if not asks_only or level % 2 = 0 then
      if hold then
        select d.request_id, d.run_at into request_id, run_at
          from swarmplane.delivery d
          join swarmplane.request r on r.id = d.request_id
         where d.state = 'pending' and d.lane = of_lane and d.priority = level and d.run_at <= now()
           and d.request_id <> all (past)
           and not r.cancel
           and (r.expires_at is null or r.expires_at > now())
         order by d.run_at, d.id
         limit 1
           for update of d skip locked;
      else
        select d.request_id, d.run_at into request_id, run_at
          from swarmplane.delivery d
         where d.state = 'pending' and d.lane = of_lane and d.priority = level and d.run_at <= now()
           and d.request_id <> all (past)
         order by d.run_at, d.id
         limit 1;
      end if;
      if found then
        priority := level;
        return;
      end if;
    end if;
    level := level + 1;
  end loop;
end
$$;

-- The actions that wait to be claimed, of those that `actions` names; each found by one look into the index.
create or replace function swarmplane.waiting_lanes(actions text[])
  returns setof text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  waits text := '';
begin
  if cardinality(actions) = 0 then
    return;
  end if;
  loop
    select min(d.lane) into waits from swarmplane.delivery d where d.state = 'pending' and d.lane > waits;
    exit when waits is null;
    if swarmplane.allows(actions, waits) then
      return next waits;
    end if;
  end loop;
end
$$;

-- The request of the most urgent due delivery, which is locked; null when nothing is due but of those in `past`.
create or replace function swarmplane.take_due(actions text[], asks_only boolean, past bigint[])
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  lanes text[] := array(select swarmplane.waiting_lanes(actions));
  best text;
  taken bigint;
begin
  if lanes = '{}' then
    return (swarmplane.due_in('', asks_only, true, past)).request_id;
  end if;
  for best in
    select l.lane
      from unnest(lanes || ''::text) as l (lane)
     cross join lateral swarmplane.due_in(l.lane, asks_only, false, past) as h
     where h.request_id is not null
     order by h.priority, h.run_at, l.lane
  loop
    taken := (swarmplane.due_in(best, asks_only, true, past)).request_id;
    exit when taken is not null;
  end loop;
  return taken;
end
$$;

-- At most `most` due deliveries of the most urgent request, or no row when nothing is due.
-- `deliveries` is [[delivery id, node identity, attempt], ...]. Queries, and those actions that the hub's
-- certificate names in `actions`, where '*' is all of them. `asks_only`: only what somebody waits for, as by
-- swarmplane.ask. `more`: something else may be due. `sensitive`: the asker may have rows of sensitive tables.
create or replace function swarmplane.claim(
  hub uuid,
  most integer,
  actions text[] default '{}',
  asks_only boolean default false
)
  returns table (
    token uuid,
    request_id bigint,
    sql text,
    action text,
    args jsonb,
    asked_by text,
    wait_for_away boolean,
    whole_swarm boolean,
    remaining_ms double precision,
    deliveries json,
    more boolean,
    sensitive boolean
  )
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  -- Plans are kept, also those made while the queue is empty, which must suit a busy one: without these
  -- every dead row would be read.
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  taken bigint;
  -- requests whose rows others hold
  held bigint[] := '{}';
  new_token uuid := gen_random_uuid();
begin
  -- Losing a claim in a crash of the server costs a second try, nothing else: save the fsync.
  perform set_config('synchronous_commit', 'off', true);
  loop
    taken := swarmplane.take_due(actions, asks_only, held);
    -- Another claim holds a request for a moment, a stranger for as long as he likes: others go first, and only
    -- where there is no other is it waited for.
    if taken is null or cardinality(held) = 8 then
      taken := held[1];
      exit;
    end if;
    perform from swarmplane.request r where r.id = taken for no key update skip locked;
    exit when found;
    held := held || taken;
  end loop;
  if taken is null then
    return;
  end if;

  return query
    with due as materialized (
      select d.id
        from swarmplane.delivery d
       -- pending and due, in words that keep the planner from walking the whole queue
       where d.request_id = taken and d.state <> 'running' and d.run_at <= now()
       order by d.run_at, d.id
       limit most
         for update skip locked
    ), claimed as (
      update swarmplane.delivery d
         set state = 'running', attempt = d.attempt + 1, token = new_token, claimed_at = now()
        from due
       where d.id = due.id
      returning d.id, d.node_id, d.attempt
    ), listed as materialized (
      select json_agg(json_build_array(c.id, n.identity, c.attempt)) as deliveries, count(*) as claimed
        from claimed c
        join swarmplane.node n on n.id = c.node_id
    ), leased as (
      insert into swarmplane.lease (token, hub, request_id, until, open)
      select new_token, hub, taken, now() + swarmplane.setting_interval('lease_time'), l.claimed
        from listed l
    )
    -- the time of a query runs from its first claim: a trigger of delivery writes it
    select new_token, r.id, r.sql, r.action, r.args, r.asked_by::text, r.wait_for_away, r.hosts = '{*}',
           extract(epoch from coalesce(r.expires_at - now(), r.expires_in))::double precision * 1000,
           l.deliveries,
           case when l.claimed = most then true
                else exists (
                  select from swarmplane.delivery d
                   where d.state = 'pending' and d.lane = '' and d.run_at <= now() and d.request_id <> taken)
                  or exists (select from swarmplane.waiting_lanes(actions)) end,
           r.action is null and swarmplane.reads_sensitive(r.asked_by)
      from swarmplane.request r, listed l
     where r.id = taken;
end
$$;

-- Keeps leases alive. `kept` are the tokens that are still this hub's: the work of the others is lost.
-- `active` is false when the hub itself is not known any more and has to say hello again.
create or replace function swarmplane.heartbeat(
  hub_id uuid,
  tokens uuid[],
  out active boolean,
  out kept uuid[]
)
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform set_config('synchronous_commit', 'off', true);
  active := exists (select from swarmplane.hub h where h.id = hub_id and h.stopped_at is null);
  -- a row that somebody holds keeps its time: the others are renewed
  with own as materialized (
    select h.id from swarmplane.hub h where h.id = hub_id and active for no key update skip locked
  )
  update swarmplane.hub h set seen_at = now() from own where h.id = own.id and h.stopped_at is null;
  with mine as materialized (
    select l.token from swarmplane.lease l
     where l.token = any (tokens) and l.hub = hub_id and active
     order by l.token
       for update skip locked
  )
  update swarmplane.lease l
     set until = now() + swarmplane.setting_interval('lease_time')
    from mine
   where l.token = mine.token;
  select coalesce(array_agg(l.token), '{}') into kept
    from swarmplane.lease l
   where l.token = any (tokens) and l.hub = hub_id and active;
end
$$;

-- Gives unfinished work back, as at a graceful stop: no attempt is burnt, others are woken.
create or replace function swarmplane.give_back(lease_token uuid)
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  of_request bigint;
  given integer;
begin
  delete from swarmplane.lease l where l.token = lease_token returning l.request_id into of_request;
  update swarmplane.delivery d
     set state = 'pending', run_at = now(), attempt = d.attempt - 1, token = null
   where d.request_id = of_request and d.token = lease_token and d.state = 'running';
  get diagnostics given = row_count;
  if given > 0 then
    perform pg_notify('swarmplane', '');
  end if;
  return given;
end
$$;

-- When the first delivery of a lane is due; null when none waits.
create or replace function swarmplane.first_due(of_lane text)
  returns timestamptz
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  level integer := -32768;
  found_at timestamptz;
begin
  loop
    select min(d.priority) into level
      from swarmplane.delivery d
     where d.state = 'pending' and d.lane = of_lane and d.priority >= level;
    exit when level is null;
    found_at := least(found_at, (
      select min(d.run_at)
        from swarmplane.delivery d
       where d.state = 'pending' and d.lane = of_lane and d.priority = level));
    level := level + 1;
  end loop;
  return found_at;
end
$$;

-- Milliseconds until something is due to be claimed by a hub that may command `actions`, or to expire;
-- null when nothing is waiting.
create or replace function swarmplane.next_due(actions text[] default '{}')
  returns double precision
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  -- as in claim
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  return (
    select extract(epoch from least(
             swarmplane.first_due(''),
             (select min(swarmplane.first_due(l)) from swarmplane.waiting_lanes(actions) l),
             (select min(r.expires_at) from swarmplane.request r where r.closed_at is null and r.pending > 0)
           ) - clock_timestamp())::double precision * 1000);
end
$$;

comment on table swarmplane.lease is
  'Private. Who works on what until when: one row per claim. The token is a fence, see docs/backplane.md.';
reset role;
