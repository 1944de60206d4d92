-- Hosts that are out: who left, was forgotten, expelled or retired. docs/backplane.md has the table of states.
set local role swarmplane_owner;

create or replace function swarmplane.tg_node__before_write()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  was_out timestamptz := case when tg_op = 'UPDATE' then old.out_since end;
begin
  new.out_since := case
    -- a row of a backup knows it
    when new.state in ('left', 'forgotten', 'expelled', 'retired') then
      coalesce(was_out, new.out_since, least(new.since, now()))
  end;
  -- deliveries for it are to be ended; no more where it is back
  new.ending := new.out_since is not null and (was_out is null or new.ending);
  return new;
end
$$;

create or replace trigger _100_out
  before insert or update of state on swarmplane.node
  for each row execute function swarmplane.tg_node__before_write();

-- What is said of a host that is out.
create or replace function swarmplane.out_words(state text)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select case state
           when 'left' then 'has left the swarm'
           when 'forgotten' then 'was forgotten'
           when 'expelled' then 'was expelled'
           when 'retired' then 'was retired'
         end;
$$;

-- What a node is when a hub says `said` of it: an expelled one stays so, and a forgotten one until it has
-- shown itself again, which a higher incarnation says.
create or replace function swarmplane.state_after(known text, known_incarnation bigint, said text, incarnation bigint)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select case
           when known = 'expelled' then known
           when known = 'forgotten' and incarnation <= known_incarnation and said <> 'expelled' then known
           else said
         end;
$$;

-- The node that a person means: one that is not out before one that is. `retired`: among those alone, or that
-- are to be.
create or replace function swarmplane.node_meant(host text, retired boolean default false)
  returns swarmplane.node
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  visible integer[] := swarmplane.visible_nodes();
  found_nodes integer[];
  several text;
  meant swarmplane.node;
begin
  select array_agg(f.id), string_agg(format('%s (%s)', f.identity, f.state), ' or ' order by f.id)
    into found_nodes, several
    from (
      select n.id, n.identity, n.state, rank() over (order by n.out_since is not null) as place
        from swarmplane.node n
       where (n.identity = host or (n.name = host and host !~ '^[0-9a-f]{64}$'))
         and (visible is null or n.id = any (visible))
         and (not retired or swarmplane.standing(n) = 'retired')
    ) f
   where f.place = 1;
  if cardinality(found_nodes) > 1 then
    raise exception '% hosts are called %', cardinality(found_nodes), quote_ident(host)
      using errcode = 'invalid_parameter_value', hint = 'name the node id: ' || several;
  end if;
  if found_nodes is null then
    raise exception 'no % is called %', case when retired then 'retired host' else 'host' end,
        coalesce(quote_ident(host), 'null')
      using errcode = 'no_data_found', hint = 'names and states are in table swarmplane.node';
  end if;
  select * into strict meant from swarmplane.node n where n.id = found_nodes[1];
  return meant;
end
$$;

-- The state of a node, or the one that it gets when a hub takes up what people wish.
create or replace function swarmplane.standing(node swarmplane.node)
  returns text
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select coalesce(
    (select case w.wish when 'forget' then 'forgotten' when 'retire' then 'retired'
                        else coalesce(node.swarm_state, node.state) end
       from swarmplane.node_wish w
      where w.node_id = node.id
      order by w.id desc
      limit 1),
    node.state);
$$;

-- One that is there would take part again at once.
create or replace function swarmplane.refuse_present(host swarmplane.node, verb text)
  returns void
  language plpgsql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if host.state in ('alive', 'suspect') then
    raise exception '% is %, so it cannot be %', host.name, host.state, verb
      using errcode = 'object_not_in_prerequisite_state',
            hint = case host.state
                     when 'alive' then 'run `swarmplane leave` on it, or put it out with `swarmplane secret rotate --expel`'
                     else 'within half a minute it is dead or alive: try again then' end;
  end if;
end
$$;

-- For a hub to take up. The node itself is left alone: whoever could lock it could stop the hubs.
create or replace function swarmplane.wish_for_node(host swarmplane.node, wish text, after jsonb)
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  insert into swarmplane.node_wish (node_id, wish, reason) values (host.id, wish, after ->> 'reason');
  insert into swarmplane.audit (actor, action, object, before, after)
  values (session_user, 'node.' || wish, format('node %s %s', host.id, host.name),
          jsonb_build_object('identity', host.identity, 'state', host.state), after);
  select pg_notify('swarmplane', '');
$$;

-- No longer expects a host that is dead or has left, as soon as a hub hears of it. Its node id.
create or replace function swarmplane.forget(host text)
  returns text
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  meant swarmplane.node := swarmplane.node_meant(host);
  standing text := swarmplane.standing(meant);
begin
  perform swarmplane.refuse_present(meant, 'forgotten');
  if standing in ('retired', 'expelled') then
    raise exception '% % already, which is more than forgotten', meant.name, swarmplane.out_words(standing)
      using errcode = 'object_not_in_prerequisite_state';
  end if;
  if standing <> 'forgotten' then
    perform swarmplane.wish_for_node(meant, 'forget', '{"state": "forgotten"}');
  end if;
  return meant.identity;
end
$$;

-- Marks a host as gone for good, as soon as a hub hears of it: nothing but unretire makes it a target again.
-- Its node id.
create or replace function swarmplane.retire(host text, reason text default null)
  returns text
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  meant swarmplane.node := swarmplane.node_meant(host);
begin
  perform swarmplane.refuse_present(meant, 'retired');
  if swarmplane.standing(meant) = 'retired' then
    raise exception '% was retired already', meant.name
      using errcode = 'object_not_in_prerequisite_state', detail = format('at %s by %s', meant.retired_at, meant.retired_by);
  end if;
  perform swarmplane.wish_for_node(meant, 'retire', jsonb_build_object('state', 'retired', 'reason', retire.reason));
  return meant.identity;
end
$$;

-- Takes a retirement back, as soon as a hub hears of it: the host is again what the hubs see of it. Its node id.
create or replace function swarmplane.unretire(host text)
  returns text
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  meant swarmplane.node := swarmplane.node_meant(host, true);
begin
  perform swarmplane.wish_for_node(meant, 'unretire', jsonb_build_object('state', coalesce(meant.swarm_state, meant.state)));
  return meant.identity;
end
$$;

-- By the hubs: takes up what people wish of nodes, in their order; how many there were. A host that has come
-- back since is left alone, and an alert says so.
create or replace function swarmplane.take_node_wishes()
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  wished swarmplane.node_wish;
  taken integer := 0;
begin
  if not exists (select from swarmplane.node_wish) then
    return 0;
  end if;
  -- no hub reports meanwhile
  perform swarmplane.hold_latch('nodes');
  for wished in
    select * from swarmplane.node_wish w order by w.id for update skip locked
  loop
    perform swarmplane.take_node_wish(wished, n) from swarmplane.node n where n.id = wished.node_id;
    delete from swarmplane.node_wish w where w.id = wished.id;
    taken := taken + 1;
  end loop;
  perform swarmplane.alert_retired();
  return taken;
end
$$;

create or replace function swarmplane.take_node_wish(wished swarmplane.node_wish, host swarmplane.node)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if wished.wish = 'unretire' then
    update swarmplane.node n
       set state = n.swarm_state,
           since = now(),
           swarm_state = null,
           retired_at = null,
           retired_by = null,
           retired_for = null
     where n.id = host.id and n.state = 'retired';
  elsif host.state in ('alive', 'suspect') then
    perform swarmplane.raise_alert('came_back', host.name,
      format('%s came back before a hub heard that %s wished to %s it: it stays as it is', host.name, wished.wished_by, wished.wish));
  elsif wished.wish = 'forget' then
    update swarmplane.node n set state = 'forgotten', since = now()
     where n.id = host.id and n.state in ('dead', 'left');
  else
    update swarmplane.node n
       set state = 'retired',
           since = now(),
           swarm_state = n.state,
           retired_at = wished.wished_at,
           retired_by = wished.wished_by,
           retired_for = wished.reason
     where n.id = host.id and n.state <> 'retired';
  end if;
end
$$;

-- Whom people have taken out here: hubs make the swarm forget them where it has not. `incarnation`: the
-- highest that this is meant for; null for any.
create or replace function swarmplane.departed()
  returns table (identity text, incarnation bigint)
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select n.identity, case n.state when 'forgotten' then n.incarnation end
    from swarmplane.node n
   where n.state in ('forgotten', 'retired');
$$;

-- Alerts for retired hosts that are in the swarm all the same; by each report of hubs, and every minute.
create or replace function swarmplane.alert_retired()
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  back record;
  names text[] := '{}';
begin
  for back in
    select n.name, n.identity from swarmplane.node n
     where n.state = 'retired' and n.swarm_state = 'alive'
     order by n.name
  loop
    names := names || back.name;
    perform swarmplane.keep_alert('retired_alive', back.name, format(
      '%s was retired and is alive in the swarm: run select swarmplane.unretire(%L), or put it out with swarmplane secret rotate --expel',
      back.name, back.identity));
  end loop;
  perform swarmplane.resolve_alerts('{retired_alive}', array(
    select o.key from swarmplane.alert o
     where o.kind = 'retired_alive' and o.resolved_at is null and o.key <> all (names)));
end
$$;

-- Every minute: what was to be looked at about a host has ended with it, unless another one has its name.
create or replace function swarmplane.resolve_alerts_of_departed()
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select swarmplane.resolve_alerts(
    array['host_retried', 'host_gave_no_answer', 'host_refuses', 'clock_ahead', 'clock_behind', 'address_outside',
          'history_new_line', 'history_went_back', 'history_gap', 'history_refused'],
    array(
      select o.key
        from swarmplane.alert o
        join swarmplane.node n
          on n.name = case when o.kind like 'history%' then split_part(o.key, ' ', 1) else o.key end
       where o.resolved_at is null
       group by o.key
      having bool_and(n.out_since is not null)));
$$;

-- Every minute: deliveries that were inserted while their host went out, of which nobody knew.
create or replace function swarmplane.look_for_departed()
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  with late as materialized (
    select n.id from swarmplane.node n
     where n.out_since is not null and not n.ending
       and exists (select from swarmplane.delivery d where d.node_id = n.id)
     order by n.id
       for update skip locked
  )
  update swarmplane.node n set ending = true from late where n.id = late.id;
$$;

comment on table swarmplane.node_wish is
  'Private. What people wish of nodes, until a hub has heard of it: written by swarmplane.forget, retire and unretire.';
comment on function swarmplane.forget(text) is
  'Public. No longer expects a host that is dead or has left; it counts again when it comes back: forget(''web1'').';
comment on function swarmplane.retire(text, text) is
  'Public. Marks a host as gone for good; its history stays: retire(''web1'', ''sold'').';
comment on function swarmplane.unretire(text) is
  'Public. Takes a retirement back: unretire(''web1'').';
reset role;
