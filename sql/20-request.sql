-- What happens when someone inserts a request: checked, targets fixed, deliveries written, hubs woken.
set local role swarmplane_owner;

-- The nodes that `hosts` names, of those that may be seen (null: all); a mistake is an error that quotes it.
-- A whole node id is only ever that; names are unique as agents tell them (`web1`, `web1~91d53fc2`).
create or replace function swarmplane.resolve_hosts(hosts text[], visible integer[])
  returns setof integer
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  -- or it is planned anew for each request, which takes longer than to run it
  set plan_cache_mode = force_generic_plan
as $$
declare
  found_nodes integer[];
  all_known boolean;
  wrong text;
begin
  if hosts is null or cardinality(hosts) = 0 then
    raise exception 'hosts is %: nobody would be asked', case when hosts is null then 'null' else 'empty' end
      using errcode = 'invalid_parameter_value',
            hint = 'leave hosts out to ask every host; a label that matches nothing makes array_agg null';
  end if;
  if hosts = '{*}' then
    return query
      select n.id
        from swarmplane.node n
       where n.out_since is null and (visible is null or n.id = any (visible))
       order by n.id;
    if not found then
      raise exception 'no host is known' using errcode = 'no_data_found',
        hint = 'start a hub, see table swarmplane.node';
    end if;
    return;
  end if;
  if array_position(hosts, '*') is not null then
    raise exception 'hosts % names "*" beside others', hosts
      using errcode = 'invalid_parameter_value', hint = 'write ''{*}'' alone, or names alone';
  end if;

  -- name by name: a join on either of two columns would compare each name with every node
  select array_agg(distinct found.id order by found.id), bool_and(found.matches = 1)
    into found_nodes, all_known
    from (select distinct h.name from unnest(hosts) as h (name)) w
   cross join lateral (
      select min(n.id) as id, count(*) as matches
        from swarmplane.node n
       where (n.identity = w.name or (n.name = w.name and w.name !~ '^[0-9a-f]{64}$'))
         and n.out_since is null
         and (visible is null or n.id = any (visible))
   ) found;
  if all_known then
    return query select unnest(found_nodes);
    return;
  end if;

  select string_agg(format('%s: %s', coalesce(quote_ident(named.name), 'null'), named.trouble), '; ')
    into wrong
    from (
      select w.name,
             case when count(n.id) = 0 then 'unknown'
                  when bool_and(n.out_since is not null) then swarmplane.out_words(
                    (array_agg(n.state order by n.id desc))[1])
                  else 'ambiguous, name the node id: '
                       || string_agg(n.identity, ' or ' order by n.id) filter (where n.out_since is null)
             end as trouble
        from (select distinct h.name from unnest(hosts) as h (name)) w
        left join swarmplane.node n
          on (n.identity = w.name or (n.name = w.name and w.name !~ '^[0-9a-f]{64}$'))
         and (visible is null or n.id = any (visible))
       group by w.name
      having count(n.id) filter (where n.out_since is null) <> 1
       order by w.name
       limit 5
    ) named;
  raise exception 'these hosts cannot be asked: %', wrong
    using errcode = 'invalid_parameter_value', hint = 'names and states are in table swarmplane.node';
end
$$;

create or replace function swarmplane.tg_request__before_insert()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if new.action is null and (new.sql is null or btrim(new.sql, E' \t\r\n') = '') then
    raise exception 'column sql is %', case when new.sql is null then 'null' else 'empty' end
      using errcode = 'invalid_parameter_value',
            hint = 'insert into swarmplane.request (sql) values (''select * from os_version'')';
  end if;
  if new.action is not null and new.sql is not null then
    raise exception 'both action "%" and sql are given', new.action
      using errcode = 'invalid_parameter_value', hint = 'one request asks one thing: insert two rows';
  end if;
  if octet_length(new.sql) > 65536 then
    raise exception 'sql of % bytes is too long, at most 65536', octet_length(new.sql)
      using errcode = 'program_limit_exceeded';
  end if;
  if num_nonnulls(new.labels, new.access_label, new.site) > 0 then
    -- hosts says '{*}' where it was left out
    perform swarmplane.check_selector(nullif(new.hosts, '{*}'), new.labels, new.access_label, new.site);
    new.hosts := swarmplane.selected_hosts(null, new.labels, new.access_label, new.site, swarmplane.visible_nodes());
    if new.hosts = '{}' then
      raise exception 'no host is meant by %', swarmplane.selector_words(null, new.labels, new.access_label, new.site)
        using errcode = 'no_data_found',
              hint = 'labels are in table swarmplane.node, access labels in node_label, sites in site_host';
    end if;
  end if;
  if new.action is null and new.args is not null then
    raise exception 'args go with an action, not with sql' using errcode = 'invalid_parameter_value';
  end if;
  if new.action is not null then
    new.args := swarmplane.checked_args(new.action, new.args);
    new.command_key := coalesce(new.command_key, gen_random_uuid());
    if array_position(new.hosts, '*') is not null then
      raise exception 'action % names no hosts: it is never for every host', new.action
        using errcode = 'invalid_parameter_value',
              hint = 'name them: hosts => ''{web1,web2}'', or select array_agg(name) from swarmplane.node where out_since is null';
    end if;
    perform swarmplane.check_action_hosts(new.action, new.hosts);
  end if;
  if new.include_new and new.hosts is distinct from '{*}'::text[] then
    raise exception 'include_new goes with hosts ''{*}'' only, not with %', new.hosts
      using errcode = 'invalid_parameter_value';
  end if;
  new.expires_in := coalesce(new.expires_in, swarmplane.setting_interval(
    case when new.action is null then 'query_expires_in' else 'action_expires_in' end));
  if new.expires_in < interval '100 milliseconds' or new.expires_in > interval '90 days' then
    raise exception 'expires_in is %', new.expires_in
      using errcode = 'invalid_parameter_value', hint = 'between 100 milliseconds and 90 days';
  end if;

  -- what the inserter may not choose
  new.asked_by := session_user;
  if new.schedule_id is not null then
    -- only hubs can set it, by swarmplane.tick
    select s.owner into new.asked_by from swarmplane.schedule s where s.id = new.schedule_id;
  elsif new.desired_id is not null then
    -- only swarmplane.converge sets it
    select d.owner into new.asked_by from swarmplane.desired d where d.id = new.desired_id;
  end if;
  new.asked_at := now();
  new.cancel := false;
  -- the time of a query runs from its first claim; that of a tick from the tick, so that it is the same at each try
  new.expires_at := case when new.action is not null then coalesce(new.tick, now()) + new.expires_in end;
  new.closed_at := null;
  new.targets := 0; new.pending := 0; new.running := 0; new.ok := 0; new.failed := 0;
  new.refused := 0; new.expired := 0; new.unreachable := 0; new.cancelled := 0;

  if length(new.idempotency_key) not between 1 and 200 then
    raise exception 'idempotency_key "%..." has % characters', left(new.idempotency_key, 20), length(new.idempotency_key)
      using errcode = 'invalid_parameter_value', hint = 'between 1 and 200 characters';
  end if;
  if new.schedule_id is null and new.desired_id is null then
    perform swarmplane.check_priority(new.priority);
  end if;
  return new;
end
$$;

-- The lower the sooner: an asker may step back, never ahead of others. Hubs and the owner are held to nothing.
create or replace function swarmplane.check_priority(priority integer)
  returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if priority = 0 or pg_has_role(session_user, 'swarmplane_owner', 'usage') then
    return;
  end if;
  if priority not between -100 and 100 then
    raise exception 'priority is %', priority
      using errcode = 'invalid_parameter_value', hint = 'between -100 and 100, the lower the sooner';
  end if;
  if priority not between 0 and 10 and not pg_has_role(session_user, 'swarmplane_operator', 'usage') then
    raise exception 'priority is %', priority
      using errcode = 'insufficient_privilege',
            hint = 'between 0 and 10; what is below 0 goes ahead of everybody, which is for operators';
  end if;
end
$$;

-- How many requests one login may have open. Once a statement, since it counts them.
create or replace function swarmplane.tg_request__check_open()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  most integer;
  open_now integer;
begin
  if pg_has_role(session_user, 'swarmplane_owner', 'usage') or pg_has_role(session_user, 'swarmplane_hub', 'usage') then
    return null;
  end if;
  most := swarmplane.setting_integer(
    case when pg_has_role(session_user, 'swarmplane_operator', 'usage') then 'open_requests_operator'
         else 'open_requests_asker' end);
  select count(*) into open_now
    from (select from swarmplane.request r
           where r.asked_by = session_user and r.closed_at is null
           limit most + 1) r;
  if open_now > most then
    raise exception '% would have more than % requests open', session_user, most
      using errcode = 'configuration_limit_exceeded',
            hint = 'wait for some to end, or withdraw some: select swarmplane.cancel(id) from swarmplane.request where closed_at is null and asked_by = session_user';
  end if;
  return null;
end
$$;

-- A delivery's priority: twice its request's, and of two with the same one that does not wait for hosts that are
-- away goes first, as somebody waits for it. So what is even is what is asked at a prompt.
create or replace function swarmplane.place_of(priority smallint, wait_for_away boolean)
  returns smallint
  language plpgsql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  return greatest(least(priority::integer, 16383), -16384) * 2 + wait_for_away::integer;
end
$$;

create or replace function swarmplane.tg_request__after_insert()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  visible constant integer[] :=
    -- a tick of a schedule, or a row of desired, asks in the name of its owner
    case when new.schedule_id is null and new.desired_id is null then swarmplane.visible_nodes()
         else swarmplane.nodes_visible_to(new.asked_by) end;
  place constant smallint := swarmplane.place_of(
    new.priority, new.wait_for_away or new.desired_id is not null);
begin
  if new.action is null then
    insert into swarmplane.delivery (request_id, node_id, priority)
    select new.id, node_id, place from swarmplane.resolve_hosts(new.hosts, visible) as node_id;
  else
    insert into swarmplane.delivery (id, request_id, node_id, priority, lane)
    select swarmplane.command_id(new.command_key, n.identity), new.id, n.id, place, new.action
      from swarmplane.resolve_hosts(new.hosts, visible) as r (node_id)
      join swarmplane.node n on n.id = r.node_id;
  end if;
  return null;
end
$$;

-- A hint, never the truth: hubs look at the table anyway.
create or replace function swarmplane.tg_notify()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform pg_notify('swarmplane', '');
  return null;
end
$$;

-- For whoever waits for a request: its id, as soon as every host has ended.
create or replace function swarmplane.tg_request__notify_done()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform pg_notify('swarmplane_done', new.id::text);
  return null;
end
$$;

create or replace trigger _920_notify_done
  after update on swarmplane.request
  for each row
  when (old.closed_at is null and new.closed_at is not null)
  execute function swarmplane.tg_request__notify_done();

create or replace trigger _100_check
  before insert on swarmplane.request
  for each row execute function swarmplane.tg_request__before_insert();
create or replace trigger _500_deliver
  after insert on swarmplane.request
  for each row execute function swarmplane.tg_request__after_insert();
create or replace trigger _600_check_open
  after insert on swarmplane.request
  for each statement execute function swarmplane.tg_request__check_open();
create or replace trigger _900_notify
  after insert on swarmplane.request
  for each statement execute function swarmplane.tg_notify();
create or replace trigger _900_notify
  after insert on swarmplane.cancel_wish
  for each statement execute function swarmplane.tg_notify();

-- Withdraws a request: what has not ended yet ends as cancelled, as soon as a hub hears of it. A wish is written
-- and the request is left alone: whoever could lock it could stop the queue.
create or replace function swarmplane.cancel(request_id bigint)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  asked swarmplane.request;
begin
  select * into asked from swarmplane.request r where r.id = cancel.request_id;
  if not found or not swarmplane.may_cancel(asked) then
    raise exception 'there is no request % that you may cancel', request_id
      using errcode = 'no_data_found';
  end if;
  if asked.closed_at is not null then
    raise exception 'request % has ended already', request_id
      using errcode = 'object_not_in_prerequisite_state';
  end if;
  if asked.cancel or exists (select from swarmplane.cancel_wish w where w.request_id = cancel.request_id) then
    return;
  end if;
  insert into swarmplane.cancel_wish (request_id) values (cancel.request_id);
  insert into swarmplane.audit (action, object, after)
  values ('request.cancel', format('request %s', request_id),
          jsonb_build_object('asked_by', asked.asked_by, 'sql', asked.sql, 'action', asked.action));
end
$$;

-- One's own; an operator also those that ask only hosts that he sees.
create or replace function swarmplane.may_cancel(asked swarmplane.request)
  returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  visible constant integer[] := swarmplane.visible_nodes();
begin
  if asked.asked_by = session_user then
    return true;
  end if;
  if not pg_has_role(session_user, 'swarmplane_operator', 'usage') then
    return false;
  end if;
  return visible is null
      or not exists (
           select from swarmplane.delivery d where d.request_id = asked.id and d.node_id <> all (visible))
     and not exists (
           select from swarmplane.delivery_done e
            where e.request_id = asked.id and e.asked_at = asked.asked_at and e.node_id <> all (visible));
end
$$;

-- By the hubs: takes up what people wish to have cancelled; how many requests there were.
create or replace function swarmplane.take_cancels()
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  wished bigint[];
  cancelled integer;
begin
  if not exists (select from swarmplane.cancel_wish) then
    return 0;
  end if;
  -- a request that somebody holds is cancelled when he lets go
  with due as materialized (
    select w.id, w.request_id from swarmplane.cancel_wish w order by w.id for update skip locked
  ), free as materialized (
    select r.id from swarmplane.request r
     where r.id in (select due.request_id from due)
     order by r.id
       for no key update skip locked
  ), gone as (
    delete from swarmplane.cancel_wish w
     using due
     where w.id = due.id
       and (due.request_id in (select free.id from free)
            or not exists (select from swarmplane.request r where r.id = due.request_id))
    returning w.request_id
  )
  select array_agg(distinct g.request_id) into wished from gone g;
  with held as materialized (
    select r.id from swarmplane.request r
     where r.id = any (wished) and r.closed_at is null and not r.cancel
     order by r.id
       for no key update
  )
  update swarmplane.request r set cancel = true from held where r.id = held.id;
  get diagnostics cancelled = row_count;
  return cancelled;
end
$$;

comment on table swarmplane.cancel_wish is
  'Private. Requests that somebody withdrew, until a hub has heard of it: written by swarmplane.cancel.';
comment on function swarmplane.cancel(bigint) is
  'Public. Withdraws a request of yours; what has not ended yet ends as cancelled.';
comment on table swarmplane.request is
  'Public. What was asked. Insert sql, or action, args and hosts (and expires_in, priority, idempotency_key, reason); read state and counts.';
reset role;
