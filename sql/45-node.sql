-- Hubs and nodes as the hubs see them.
set local role swarmplane_owner;

-- A hub process says hello. Work that an earlier process of the same node left behind is taken back at once.
create or replace function swarmplane.hub_hello(
  hub_identity text,
  hub_name text,
  hub_version text,
  hub_process integer
)
  returns uuid
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  new_id uuid;
  left_over uuid[];
  of_requests bigint[];
  token uuid;
begin
  update swarmplane.hub h set stopped_at = now()
   where h.identity = hub_identity and h.stopped_at is null;
  begin
    -- All are locked first: who writes outcomes holds a lease while it waits for the request.
    with held as materialized (
      select l.token, l.request_id
        from swarmplane.lease l
        join swarmplane.hub h on h.id = l.hub
       where h.identity = hub_identity
       order by l.token
         for update of l
    )
    select array_agg(held.token order by held.request_id, held.token), array_agg(distinct held.request_id)
      into left_over, of_requests
      from held;
    -- Then all of their deliveries, before any request: a claim that came upon one which another claim had just
    -- taken keeps it locked while it waits for the request.
    perform d.id
       from swarmplane.delivery d
      where d.request_id = any (of_requests) and d.token = any (left_over) and d.state = 'running'
      order by d.id
        for update;
    foreach token in array coalesce(left_over, '{}') loop
      perform swarmplane.reap_lease(token, format('hub %s started anew', hub_name));
    end loop;
  exception
    -- somebody holds some of it: it goes back when the leases run out
    when lock_not_available then null;
  end;
  insert into swarmplane.hub (identity, name, version, process)
  values (hub_identity, hub_name, hub_version, hub_process)
  returning id into new_id;
  perform pg_notify('swarmplane', '');
  return new_id;
end
$$;

create or replace function swarmplane.hub_goodbye(hub_id uuid)
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  update swarmplane.hub h set stopped_at = now() where h.id = hub_id and h.stopped_at is null;
$$;

-- What a hub sees of the swarm: [{identity, name, state, labels, version, hub, incarnation, since (ms),
-- addresses: [host:port, ...], token (its tag), named (the operator made the token for that name)}, ...]. Only what differs is written. Wakes deliveries parked for hosts that
-- are back; how many.
create or replace function swarmplane.report_nodes(members jsonb)
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  woken integer;
  back_again integer;
begin
  -- one reporter at a time: two hubs that learn of the same nodes would take turns at their rows
  perform swarmplane.hold_latch('nodes');
  members := swarmplane.free_members(members);
  insert into swarmplane.node as n (
    identity, name, state, labels, version, hub, incarnation, since, seen_at, token, name_given)
  select m.identity, m.name, m.state, m.labels, m.version, m.hub, m.incarnation,
         to_timestamp(m.since / 1000.0), case when m.state = 'alive' then now() end, m.token, coalesce(m.named, false)
    from jsonb_to_recordset(members) as m (
      identity text, name text, state text, labels jsonb, version text, hub boolean,
      incarnation bigint, since double precision, token text, named boolean)
   order by m.identity
  on conflict (identity) do update
    set name = excluded.name,
        token = coalesce(excluded.token, n.token),
        -- the tokens of an epoch end with it; what the operator said with one holds while the name does
        name_given = excluded.name_given or n.name_given and n.name = excluded.name,
        state = case when n.state = 'retired' then n.state
                     else swarmplane.state_after(n.state, n.incarnation, excluded.state, excluded.incarnation) end,
        swarm_state = case when n.state = 'retired' then
          swarmplane.state_after(n.swarm_state, n.incarnation, excluded.state, excluded.incarnation) end,
        labels = excluded.labels,
        version = excluded.version,
        hub = excluded.hub,
        incarnation = greatest(excluded.incarnation, n.incarnation),
        since = case when n.state in (
                       'retired', swarmplane.state_after(n.state, n.incarnation, excluded.state, excluded.incarnation))
                     then n.since else excluded.since end,
        seen_at = coalesce(excluded.seen_at, n.seen_at)
   -- an expelled one is out, whatever it has said of itself since
   where (excluded.incarnation >= n.incarnation or excluded.state = 'expelled')
     and ((n.name, n.token, n.name_given, coalesce(n.swarm_state, n.state), n.labels, n.version, n.hub, n.incarnation)
            is distinct from (
              excluded.name,
              coalesce(excluded.token, n.token),
              excluded.name_given or n.name_given and n.name = excluded.name,
              swarmplane.state_after(coalesce(n.swarm_state, n.state), n.incarnation, excluded.state, excluded.incarnation),
              excluded.labels, excluded.version, excluded.hub, excluded.incarnation)
          or (excluded.state = 'alive' and coalesce(n.seen_at, '-infinity') < now() - interval '5 minutes'));

  perform swarmplane.report_addresses(members);
  perform swarmplane.tell_joined(members);
  perform swarmplane.end_host_away(array(
    select a.key from swarmplane.alert a
     where a.kind = 'host_away' and a.resolved_at is null
       and not exists (
         select from jsonb_to_recordset(members) as m (name text, state text)
          where m.name = a.key and m.state = 'alive')));
  perform swarmplane.alert_retired();
  woken := swarmplane.add_new_targets();

  with back as materialized (
    select d.id
      from swarmplane.delivery d
      join swarmplane.node n on n.id = d.node_id
     where d.state = 'parked'
       and n.state = 'alive'
       and n.identity in (select m ->> 'identity' from jsonb_array_elements(members) m)
     order by d.id
       for update of d skip locked
  )
  update swarmplane.delivery d set state = 'pending', run_at = now()
    from back
   where d.id = back.id;
  get diagnostics back_again = row_count;
  woken := woken + back_again;
  if woken > 0 or exists (select from swarmplane.node n where n.ending) then
    perform pg_notify('swarmplane', '');
  end if;
  return woken;
end
$$;

-- Those of a report whose rows nobody holds; of the others an alert tells, and the next report takes them.
create or replace function swarmplane.free_members(members jsonb)
  returns jsonb
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set lock_timeout = '200ms'
as $$
declare
  said constant text[] := array(select m ->> 'identity' from jsonb_array_elements(members) m);
  free text[];
  held record;
  tries integer := 0;
  alerts integer := 0;
begin
  with locked as materialized (
    select n.identity from swarmplane.node n
     where n.identity = any (said)
     order by n.identity
       for no key update skip locked
  )
  select array_agg(l.identity) into free from locked l;
  for held in
    select n.identity, n.name from swarmplane.node n
     where n.identity = any (said) and n.identity <> all (coalesce(free, '{}'))
     order by n.identity
  loop
    -- a hub that notes what a host said holds its row for a moment
    if tries < 3 then
      begin
        perform from swarmplane.node n where n.identity = held.identity for no key update;
        continue;
      exception
        when lock_not_available then tries := tries + 1;
      end;
    end if;
    alerts := alerts + 1;
    if alerts <= 5 then
      perform swarmplane.raise_alert('node_held', held.name,
        format('another session holds the row of %s: what hubs see of it waits', held.name), times => 0);
    end if;
    members := (
      select coalesce(jsonb_agg(m), '[]') from jsonb_array_elements(members) m
       where m ->> 'identity' <> held.identity);
  end loop;
  perform swarmplane.resolve_alerts('{node_held}', array(
    select m ->> 'name' from jsonb_array_elements(members) m));
  return members;
end
$$;

-- An alert that is over at once, for people and webhooks, of each host that this database had not seen before. The
-- hosts that a first hub finds there are no news.
create or replace function swarmplane.tell_joined(members jsonb)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  joined record;
begin
  if not exists (select from swarmplane.node n where n.first_seen < now() - interval '1 minute') then
    return;
  end if;
  for joined in
    select n.identity, n.name, n.token
      from swarmplane.node n
     where n.first_seen = now() and n.identity in (select m ->> 'identity' from jsonb_array_elements(members) m)
     order by n.identity
  loop
    perform swarmplane.raise_alert('joined', joined.identity,
      format('%s joined, node id %s, by %s', joined.name, joined.identity, coalesce('join token ' || joined.token, 'the roll')),
      'info', jsonb_build_object('node', joined.identity, 'name', joined.name, 'token', joined.token));
    perform swarmplane.resolve_alerts('{joined}', array[joined.identity]);
  end loop;
end
$$;

-- Open requests that asked for it (include_new) get the hosts that joined since; how many deliveries.
create or replace function swarmplane.add_new_targets()
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  added integer;
begin
  -- with a minute to spare, for nodes whose report was not yet committed when the request was made
  insert into swarmplane.delivery (request_id, node_id, priority)
  select r.id, n.id, swarmplane.place_of(r.priority, r.wait_for_away)
    from swarmplane.request r
    join swarmplane.node n on n.first_seen > r.asked_at - interval '1 minute' and n.out_since is null
   where r.include_new
     and r.closed_at is null
     and not r.cancel
     and coalesce(n.id = any (swarmplane.nodes_visible_to(r.asked_by)), true)
     and not exists (select from swarmplane.delivery d where d.request_id = r.id and d.node_id = n.id)
     and not exists (
       select from swarmplane.delivery_done e
        where e.node_id = n.id and e.request_id = r.id and e.asked_at = r.asked_at)
   order by r.id, n.id
  on conflict do nothing;
  get diagnostics added = row_count;
  return added;
exception
  -- somebody holds one of the hosts: by the next report
  when lock_not_available then return 0;
end
$$;

create or replace function swarmplane.report_addresses(members jsonb)
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  with said as materialized (
    select distinct n.id as node_id, a.address
      from jsonb_to_recordset(members) as m (identity text, addresses text[])
      join swarmplane.node n on n.identity = m.identity
     cross join unnest(m.addresses) as a (address)
     where a.address <> ''
  ), gone as (
    update swarmplane.node_address a
       set current = false
      from swarmplane.node n
     where a.node_id = n.id
       and a.current
       and n.identity in (select m ->> 'identity' from jsonb_array_elements(members) m)
       and not exists (select from said s where s.node_id = a.node_id and s.address = a.address)
  )
  insert into swarmplane.node_address as a (node_id, address, ip, port)
  select s.node_id, s.address, swarmplane.address_ip(s.address), swarmplane.address_port(s.address)
    from said s
   order by 1, 2
  on conflict (node_id, address) do update
    set current = true, last_seen = now()
   where not a.current or a.last_seen < now() - interval '1 hour';
$$;

-- '10.0.0.1:7946' and '[fd00::1]:7946' have an address; 'web1.example:7946' has none.
create or replace function swarmplane.address_ip(address text)
  returns inet
  language plpgsql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  return (regexp_match(address, '^\[?(.*?)\]?:[0-9]{1,5}$'))[1]::inet;
exception
  when data_exception then return null;
end
$$;

create or replace function swarmplane.address_port(address text)
  returns integer
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select p.port
    from (select (regexp_match(address, ':([0-9]{1,5})$'))[1]::integer as port) p
   where p.port between 1 and 65535;
$$;

-- The declarations of host tables that this hub knows. Those that are wished for get their tables.
create or replace function swarmplane.report_host_tables(tables jsonb)
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  insert into swarmplane.host_table as h (name, description, columns, key, sensitive)
  select t.name, t.description, t.columns, t.key, t.sensitive
    from jsonb_to_recordset(tables) as t (
      name text, description text, columns jsonb, key text[], sensitive boolean)
   order by t.name
  on conflict (name) do update
    set description = excluded.description,
        columns = excluded.columns,
        key = excluded.key,
        sensitive = excluded.sensitive,
        seen_at = now()
   where (h.description, h.columns, h.key, h.sensitive)
      is distinct from (excluded.description, excluded.columns, excluded.key, excluded.sensitive);
  select swarmplane.make_tracked(w.name)
    from (select distinct w.table_name as name
            from swarmplane.track_wish w
            join swarmplane.host_table h on h.name = w.table_name
           where swarmplane.shown_columns(h.columns) <> '[]'
             -- a query of that name was there before: hosts refuse it, and say so
             and not exists (select from swarmplane.tracked_query q where q.name = h.name)
           order by 1) w;
  select swarmplane.hand_out_anew();
$$;

comment on table swarmplane.node is
  'Public. Every node ever seen: identity is its node id in the swarm, state as the hubs see it or as people decided (retired), labels it declares.';
comment on table swarmplane.node_address is 'Public. Addresses that nodes report: current ones and earlier ones.';
comment on table swarmplane.hub is 'Public. Hub processes that work or worked on this database.';
comment on table swarmplane.host_table is 'Public. The tables that hosts offer to queries, with their columns.';
reset role;
