-- Of which swarm this database is, and which nodes its hubs still hear of.
set local role swarmplane_owner;

-- By each hub that starts, before it writes anything: the first makes the database its swarm's.
create or replace function swarmplane.enter_swarm(swarm_id text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  known text;
begin
  insert into swarmplane.swarm (id) values (swarm_id) on conflict do nothing;
  select s.id into known from swarmplane.swarm s;
  if known <> swarm_id then
    raise exception 'this database is of swarm %, and this hub of swarm %', known, swarm_id
      using errcode = 'object_not_in_prerequisite_state',
            hint = format('give each swarm a database of its own; where the new swarm took the place of the old one: select swarmplane.adopt_swarm(%L)', swarm_id);
  end if;
end
$$;

-- Makes the database another swarm's, as after its backup was restored beside a new one. Hosts of the old one are dead
-- once hubs of the new one have been at work for a while.
create or replace function swarmplane.adopt_swarm(swarm_id text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  former text;
begin
  perform swarmplane.require_fleet('the swarm is');
  if swarm_id is null or swarm_id !~ '^[0-9a-f]{64}$' then
    raise exception 'swarm "%" is no id', coalesce(swarm_id, 'null')
      using errcode = 'invalid_parameter_value', hint = '64 hex digits, as the hub that is refused says them';
  end if;
  select s.id into former from swarmplane.swarm s for update;
  insert into swarmplane.swarm (id) select swarm_id where former is null;
  update swarmplane.swarm s set id = swarm_id, since = now() where s.id <> swarm_id;
  insert into swarmplane.audit (action, object, before, after)
  values ('swarm.adopt', 'swarm ' || swarm_id, jsonb_build_object('id', former), jsonb_build_object('id', swarm_id));
end
$$;

-- Every minute: nodes that are said to be there, and that no hub has reported while others were reported, are dead.
-- Hubs report whom they see alive every five minutes at least. How many.
create or replace function swarmplane.end_unreported()
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  newest timestamptz;
  ended integer;
begin
  select max(n.seen_at) into newest from swarmplane.node n;
  -- no hub is at work, so nobody reports anybody; or one has only begun
  if newest is null or newest < now() - interval '6 minutes'
     or not exists (
       select from swarmplane.hub h
        where h.stopped_at is null
          and h.started_at < now() - interval '1 minute'
          and h.seen_at > now() - swarmplane.setting_interval('lease_time')) then
    return 0;
  end if;
  with silent as materialized (
    select n.id
      from swarmplane.node n
     where coalesce(n.swarm_state, n.state) in ('alive', 'suspect')
       and coalesce(n.seen_at, n.first_seen) < newest - interval '15 minutes'
     order by n.id
       for update skip locked
  )
  update swarmplane.node n
     set state = case when n.state = 'retired' then n.state else 'dead' end,
         swarm_state = case when n.state = 'retired' then 'dead' end,
         since = case when n.state = 'retired' then n.since else now() end
    from silent
   where n.id = silent.id;
  get diagnostics ended = row_count;
  return ended;
end
$$;

comment on table swarmplane.swarm is 'Public. The id of the swarm whose database this is.';
comment on function swarmplane.adopt_swarm(text) is
  'Public. Makes this database another swarm''s, whose hubs were refused until then: adopt_swarm(''64 hex digits'').';
reset role;
