-- What happens when someone inserts a request: checked, targets fixed, deliveries written, hubs woken.
set local role swarmplane_owner;

-- The nodes that `hosts` names, of those that may be seen (null: all); a mistake is an error that quotes it.
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
       where n.state <> 'left' and (visible is null or n.id = any (visible))
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
       where (n.name = w.name or n.identity = w.name)
         and n.state <> 'left'
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
                  else 'ambiguous, name the node id: ' || string_agg(n.identity, ' or ')
             end as trouble
        from (select distinct h.name from unnest(hosts) as h (name)) w
        left join swarmplane.node n
          on (n.name = w.name or n.identity = w.name)
         and n.state <> 'left'
         and (visible is null or n.id = any (visible))
       group by w.name
      having count(n.id) <> 1
       order by w.name
       limit 5
    ) named;
  raise exception 'can not tell which host is meant: %', wrong
    using errcode = 'invalid_parameter_value', hint = 'names are in table swarmplane.node';
end
$$;

create or replace function swarmplane.tg_request__before_insert()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  earlier bigint;
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
  if new.action is null and new.args is not null then
    raise exception 'args go with an action, not with sql' using errcode = 'invalid_parameter_value';
  end if;
  if new.action is not null then
    new.args := swarmplane.checked_args(new.action, new.args);
    if array_position(new.hosts, '*') is not null then
      raise exception 'action % names no hosts: it is never for every host', new.action
        using errcode = 'invalid_parameter_value',
              hint = 'name them: hosts => ''{web1,web2}'', or select array_agg(name) from swarmplane.node';
    end if;
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
  end if;
  new.asked_at := now();
  new.cancel := false;
  -- the time of a query runs from its first claim
  new.expires_at := case when new.action is not null then now() + new.expires_in end;
  new.closed_at := null;
  new.targets := 0; new.pending := 0; new.running := 0; new.ok := 0; new.failed := 0;
  new.refused := 0; new.expired := 0; new.unreachable := 0; new.cancelled := 0;

  if length(new.idempotency_key) not between 1 and 200 then
    raise exception 'idempotency_key "%..." has % characters', left(new.idempotency_key, 20), length(new.idempotency_key)
      using errcode = 'invalid_parameter_value', hint = 'between 1 and 200 characters';
  end if;
  if new.idempotency_key is not null then
    -- two at once queue here, so that the second sees the first
    perform pg_advisory_xact_lock(hashtextextended(session_user || ' ' || new.idempotency_key, 7340));
    select r.id into earlier
      from swarmplane.request r
     where r.asked_by = session_user and r.idempotency_key = new.idempotency_key;
    if found then
      raise exception 'request % has the idempotency key "%" already', earlier, new.idempotency_key
        using errcode = 'unique_violation', detail = format('request_id=%s', earlier);
    end if;
  end if;
  return new;
end
$$;

create or replace function swarmplane.tg_request__after_insert()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  insert into swarmplane.delivery (request_id, node_id, priority)
  select new.id, node_id, new.priority
    from swarmplane.resolve_hosts(
           new.hosts,
           -- a tick of a schedule asks in the name of its owner
           case when new.schedule_id is null then swarmplane.visible_nodes()
                else swarmplane.nodes_visible_to(new.asked_by) end) as node_id;
  return null;
end
$$;

-- The only thing people may change: cancel, once, while the request is open.
create or replace function swarmplane.tg_request__before_cancel()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if old.closed_at is not null then
    raise exception 'request % has ended already', old.id
      using errcode = 'object_not_in_prerequisite_state';
  end if;
  if old.cancel and not new.cancel then
    raise exception 'request % is cancelled and stays so', old.id
      using errcode = 'object_not_in_prerequisite_state', hint = 'insert it again';
  end if;
  return new;
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

create or replace trigger _100_check
  before insert on swarmplane.request
  for each row execute function swarmplane.tg_request__before_insert();
create or replace trigger _110_check_cancel
  before update of cancel on swarmplane.request
  for each row
  when (new.cancel is distinct from old.cancel)
  execute function swarmplane.tg_request__before_cancel();
create or replace trigger _500_deliver
  after insert on swarmplane.request
  for each row execute function swarmplane.tg_request__after_insert();
create or replace trigger _900_notify
  after insert on swarmplane.request
  for each statement execute function swarmplane.tg_notify();
create or replace trigger _910_notify_cancel
  after update of cancel on swarmplane.request
  for each row
  when (new.cancel and not old.cancel)
  execute function swarmplane.tg_notify();
alter table swarmplane.request enable always trigger _100_check;
alter table swarmplane.request enable always trigger _110_check_cancel;
alter table swarmplane.request enable always trigger _500_deliver;
alter table swarmplane.request enable always trigger _900_notify;
alter table swarmplane.request enable always trigger _910_notify_cancel;

-- Withdraws a request: what has not ended yet ends as cancelled.
create or replace function swarmplane.cancel(request_id bigint)
  returns void
  language plpgsql
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  update swarmplane.request r set cancel = true where r.id = request_id;
  if not found then
    raise exception 'there is no request % that you may cancel', request_id
      using errcode = 'no_data_found';
  end if;
end
$$;

comment on function swarmplane.cancel(bigint) is
  'Public. Withdraws a request of yours; what has not ended yet ends as cancelled.';
comment on table swarmplane.request is
  'Public. What was asked. Insert sql, or action, args and hosts (and expires_in, priority, idempotency_key, reason); read state and counts.';
reset role;
