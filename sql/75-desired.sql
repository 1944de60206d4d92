-- Desired state: what people write, checked at the write, and what follows from a change of it.
set local role swarmplane_owner;

-- The nodes that a selector means now, of those that may be seen (null: all). A host that left is passed over.
-- Of two nodes of one name it is the one that is there.
create or replace function swarmplane.selected_nodes(
  hosts text[],
  labels jsonb,
  access_label text[],
  site text[],
  visible integer[]
)
  returns integer[]
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select array(
    select distinct on (n.name) n.id
      from swarmplane.node n
     where n.out_since is null
       and (visible is null or n.id = any (visible))
       and swarmplane.is_selected(n, $1, $2, $3, $4)
     order by n.name, (n.state = 'alive') desc, n.back_at desc nulls last, n.id desc);
$$;

-- The site of a node, by the first network that one of its addresses is in; null where it is in none.
create or replace function swarmplane.site_of(of_node integer)
  returns text
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select min(w.site)
    from swarmplane.node_address a
    join swarmplane.network w on a.ip <<= w.range
   where a.node_id = of_node and (a.current or a.declared);
$$;

-- What a place is counted by: the site, or the value of a label that hosts declare.
create or replace function swarmplane.spread_of(node swarmplane.node, label text)
  returns text
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select case when label = 'site' then swarmplane.site_of(node.id) else node.labels ->> label end;
$$;

create or replace function swarmplane.tg_desired__before_write()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if tg_op = 'UPDATE' then
    perform swarmplane.require_owner('desired', old.name, old.owner);
  end if;
  new.dry_run := coalesce(new.dry_run, new.action is not null);
  perform swarmplane.check_desired(new);
  -- of hosts that were named before some may be gone, and the row can still be changed, or switched off
  if new.hosts <> '{*}'
     and (tg_op = 'INSERT' or (new.hosts, new.action) is distinct from (old.hosts, old.action))
  then
    perform swarmplane.resolve_hosts(new.hosts, swarmplane.visible_nodes());
    if new.action is not null then
      perform swarmplane.check_action_hosts(new.action, new.hosts);
    end if;
  end if;
  -- whoever wrote it last answers for it
  new.owner := session_user;
  new.look_at := now();
  if tg_op = 'UPDATE'
     and (new.sql, new.view, new.action, new.args, new.hosts, new.labels, new.access_label, new.site, new.after)
       is not distinct from
         (old.sql, old.view, old.action, old.args, old.hosts, old.labels, old.access_label, old.site, old.after)
  then
    if new.approved_by = new.owner then
      new.approved_by := null;
      new.approved_version := null;
    end if;
    return new;
  end if;
  new.version := case when tg_op = 'UPDATE' then old.version + 1 else 1 end;
  new.changed_at := now();
  new.resumed_at := now();
  new.approved_by := null;
  new.approved_version := null;
  new.stopped_at := null;
  new.stopped_why := null;
  new.waits_since := null;
  return new;
end
$$;

-- A mistake is an error that quotes it.
create or replace function swarmplane.check_desired(d swarmplane.desired)
  returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  wrong text;
begin
  perform swarmplane.check_row_name(d.name);
  perform swarmplane.check_selector(d.hosts, d.labels, d.access_label, d.site);
  if btrim(d.sql, E' \t\r\n') = '' or octet_length(d.sql) > 65536 then
    raise exception 'sql has % bytes', octet_length(d.sql)
      using errcode = 'invalid_parameter_value', hint = 'write a query that gives a row where something is wrong, at most 65536 bytes';
  end if;
  if d.view is not null then
    perform swarmplane.find_check(d.view, session_user);
  end if;
  perform swarmplane.check_desired_times(d);
  perform swarmplane.in_window(d.windows, d.zone, now());
  if jsonb_typeof(d.at_once_per) <> 'object'
     or exists (select from jsonb_each(d.at_once_per) p where jsonb_typeof(p.value) <> 'number' or (p.value #>> '{}') !~ '^[1-9][0-9]{0,5}$')
     or (select count(*) from jsonb_each(d.at_once_per)) > 1
  then
    raise exception 'at_once_per is %', d.at_once_per
      using errcode = 'invalid_parameter_value', hint = 'write one label and how many hosts of each value at once, as ''{"site": 2}''';
  end if;
  if d.action is null then
    if d.args <> '{}' then
      raise exception 'args go with an action' using errcode = 'invalid_parameter_value';
    end if;
  else
    perform swarmplane.checked_args(d.action, d.args);
    select format('%s: %s', a.key, a.value) into wrong
      from jsonb_each_text(d.args) a where a.value ~ '^\{[a-z0-9_]+\}$' and num_nonnulls(d.sql, d.view) = 0 limit 1;
    if wrong is not null then
      raise exception 'args take % from a row, and there is no check that gives one', wrong
        using errcode = 'invalid_parameter_value', hint = 'give sql or view, or write the value itself';
    end if;
  end if;
  perform swarmplane.check_after(d);
end
$$;

create or replace function swarmplane.check_desired_times(d swarmplane.desired)
  returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  wrong record;
begin
  select t.name, t.value, t.least, t.most into wrong
    from (values ('every', d.every, interval '1 second', interval '366 days'),
                 ('per', d.per, interval '1 second', interval '366 days'),
                 ('settle', d.settle, interval '0', interval '1 day'),
                 ('expires_in', d.expires_in, interval '100 milliseconds', interval '90 days')) as t (name, value, least, most)
   where t.value not between t.least and t.most
   limit 1;
  if found then
    raise exception '% is %', wrong.name, wrong.value
      using errcode = 'invalid_parameter_value', hint = format('between %s and %s', wrong.least, wrong.most);
  end if;
  perform swarmplane.check_zone(d.zone);
end
$$;

-- What it waits for exists, and does not wait for it.
create or replace function swarmplane.check_after(d swarmplane.desired)
  returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  wrong text;
begin
  select a into wrong from unnest(d.after) a
   where a <> d.name and not exists (select from swarmplane.desired x where x.name = a) limit 1;
  if found then
    raise exception 'after names "%", and there is no such row', wrong
      using errcode = 'invalid_parameter_value', hint = 'names are in table swarmplane.desired';
  end if;
  if exists (
    with recursive before (name) as (
      select a from unnest(d.after) a
       union
      select a from before b join swarmplane.desired x on x.name = b.name and x.id <> d.id cross join unnest(x.after) a
    )
    select from before b where b.name = d.name)
  then
    raise exception 'after % goes in a circle: "%" would wait for itself', d.after, d.name
      using errcode = 'invalid_parameter_value';
  end if;
end
$$;

create or replace function swarmplane.tg_desired__before_delete()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform swarmplane.require_owner('desired', old.name, old.owner);
  return old;
end
$$;

-- What no host has taken yet is withdrawn; nothing that ran is undone.
create or replace function swarmplane.withdraw_desired(desired_ids bigint[], actions_only boolean)
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  insert into swarmplane.cancel_wish (request_id)
  select r.id
    from swarmplane.request r
   where r.desired_id = any (desired_ids) and r.closed_at is null and not r.cancel
     and (r.action is not null or not actions_only)
   order by r.id;
$$;

create or replace function swarmplane.tg_desired__after_change()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform swarmplane.withdraw_desired(array[old.id], false);
  perform swarmplane.resolve_alerts(
    '{desired_stuck,desired_stopped,desired_check_failed,desired_waits}', array[old.name]);
  if tg_op = 'UPDATE' and new.version <> old.version then
    delete from swarmplane.desired_try t where t.desired_id = old.id;
  end if;
  return null;
end
$$;

create or replace function swarmplane.tg_freeze__before_write()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform swarmplane.require_fleet(format('freeze "%s" is', coalesce(new.reason, old.reason)));
  if tg_op <> 'DELETE' then
    new.owner := session_user;
  end if;
  return coalesce(new, old);
end
$$;

create or replace function swarmplane.tg_freeze__after_write()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform swarmplane.withdraw_desired(array(select d.id from swarmplane.desired d where d.action is not null), true);
  perform swarmplane.look_again(array(select d.id from swarmplane.desired d));
  return null;
end
$$;

-- In the order of ids, so that no two wait for each other.
create or replace function swarmplane.look_again(desired_ids bigint[])
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  with held as materialized (
    select d.id from swarmplane.desired d where d.id = any (desired_ids) order by d.id for no key update
  )
  update swarmplane.desired d set look_at = now() from held where d.id = held.id;
  perform pg_notify('swarmplane', '');
end
$$;

-- Every step of a host is kept: what held when.
create or replace function swarmplane.tg_desired_host__after_state()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  insert into swarmplane.desired_event (desired_id, node_id, name, version, was, became, request_id, why, error)
  select old.desired_id, old.node_id, d.name, coalesce(new.version, old.version), old.state, new.state,
         new.request_id, new.why, new.error
    from swarmplane.desired d where d.id = old.desired_id;
  return null;
end
$$;

-- A host that is back, or started anew, is looked at at once, by the clock of the database.
create or replace function swarmplane.tg_node__before_back()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if tg_op = 'INSERT' or old.state <> 'alive' or old.incarnation is distinct from new.incarnation then
    new.back_at := clock_timestamp();
    if exists (select from swarmplane.desired d where d.active) then
      perform pg_notify('swarmplane', '');
    end if;
  end if;
  return new;
end
$$;

create or replace trigger _100_check
  before insert or update of name, description, resolution, sql, view, action, args, hosts, labels, access_label, site,
    every, at_once, at_once_per, stop_after, tries, per, settle, expires_in, hold_after, windows, zone, after, dry_run, active
  on swarmplane.desired
  for each row execute function swarmplane.tg_desired__before_write();
create or replace trigger _100_check_delete
  before delete on swarmplane.desired
  for each row execute function swarmplane.tg_desired__before_delete();
create or replace trigger _600_withdraw
  after update on swarmplane.desired
  for each row
  when (new.version <> old.version or old.active > new.active or new.dry_run > old.dry_run)
  execute function swarmplane.tg_desired__after_change();
create or replace trigger _610_withdraw_deleted
  after delete on swarmplane.desired
  for each row execute function swarmplane.tg_desired__after_change();
-- "update of" would look at what the statement names, not at what the check above sets
create or replace trigger _700_audit
  after insert or delete on swarmplane.desired
  for each row execute function swarmplane.tg_audit('desired');
create or replace trigger _710_audit_change
  after update on swarmplane.desired
  for each row
  when (new.version <> old.version or new.active <> old.active or new.dry_run <> old.dry_run or new.owner <> old.owner
        or new.approved_version is distinct from old.approved_version
        or new.stopped_at is distinct from old.stopped_at or new.resumed_at <> old.resumed_at)
  execute function swarmplane.tg_audit('desired');
create or replace trigger _900_notify
  after insert on swarmplane.desired
  for each statement execute function swarmplane.tg_notify();
create or replace trigger _910_notify_change
  after update on swarmplane.desired
  for each row
  when (new.version <> old.version or new.active <> old.active or new.dry_run <> old.dry_run
        or new.approved_version is distinct from old.approved_version or new.resumed_at <> old.resumed_at)
  execute function swarmplane.tg_notify();
create or replace trigger _100_check
  before insert or update or delete on swarmplane.freeze
  for each row execute function swarmplane.tg_freeze__before_write();
create or replace trigger _600_withdraw
  after insert or update or delete on swarmplane.freeze
  for each statement execute function swarmplane.tg_freeze__after_write();
create or replace trigger _700_audit
  after insert or update or delete on swarmplane.freeze
  for each row execute function swarmplane.tg_audit('freeze');
create or replace trigger _500_event
  after update of state on swarmplane.desired_host
  for each row
  when (new.state <> old.state)
  execute function swarmplane.tg_desired_host__after_state();
create or replace trigger _300_back
  before insert or update of state, incarnation on swarmplane.node
  for each row
  when (new.state = 'alive')
  execute function swarmplane.tg_node__before_back();
create or replace trigger _920_notify_desired
  after update of closed_at on swarmplane.request
  for each row
  when (new.desired_id is not null and new.closed_at is not null and old.closed_at is null)
  execute function swarmplane.tg_notify();

-- The row of that name, locked.
create or replace function swarmplane.held_desired(desired_name text)
  returns swarmplane.desired
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  d swarmplane.desired;
begin
  select * into d from swarmplane.desired x where x.name = desired_name for no key update;
  if not found then
    raise exception 'there is no desired "%"', desired_name
      using errcode = 'no_data_found', hint = 'names are in table swarmplane.desired';
  end if;
  return d;
end
$$;

-- A second person's yes, to this version of the row only.
create or replace function swarmplane.approve(desired_name text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  d constant swarmplane.desired := swarmplane.held_desired(desired_name);
begin
  if d.owner = session_user then
    raise exception '% wrote "%" last: somebody else has to approve it', session_user, desired_name
      using errcode = 'insufficient_privilege';
  end if;
  if d.hold_after is null then
    raise exception '"%" waits for no approval', desired_name
      using errcode = 'object_not_in_prerequisite_state', hint = 'its column hold_after is null';
  end if;
  if not swarmplane.sees_all() and exists (
    select from unnest(swarmplane.selected_nodes(d.hosts, d.labels, d.access_label, d.site, swarmplane.nodes_visible_to(d.owner))) as n (id)
     where n.id <> all (swarmplane.visible_nodes()))
  then
    raise exception '"%" is about hosts that % does not see', desired_name, session_user
      using errcode = 'insufficient_privilege', hint = 'ask an operator with the access label *';
  end if;
  update swarmplane.desired x
     set approved_by = session_user, approved_version = x.version, look_at = now()
   where x.id = d.id;
end
$$;

-- Goes on after a stop: hosts that are stuck are tried anew.
create or replace function swarmplane.resume(desired_name text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  d constant swarmplane.desired := swarmplane.held_desired(desired_name);
begin
  perform swarmplane.require_owner('desired', d.name, d.owner);
  delete from swarmplane.desired_try t where t.desired_id = d.id;
  update swarmplane.desired_host h
     set state = 'wrong', tries = 0, retry_at = null, checked_at = null, lost = false, error = null
   where h.desired_id = d.id and h.state = 'stuck';
  update swarmplane.desired x
     set stopped_at = null, stopped_why = null, resumed_at = clock_timestamp(), look_at = now()
   where x.id = d.id;
  perform swarmplane.resolve_alerts('{desired_stopped}', array[d.name]);
end
$$;

-- Every host of the row is looked at now; for triggers of one's own tables that a view reads, too.
create or replace function swarmplane.recheck(desired_name text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  d constant swarmplane.desired := swarmplane.held_desired(desired_name);
begin
  update swarmplane.desired_host h set next_at = '-infinity' where h.desired_id = d.id;
  perform swarmplane.look_again(array[d.id]);
end
$$;

comment on table swarmplane.desired is
  'Public. What shall be true of hosts: a check (sql, view or both) says what is wrong, an action mends it. Insert a row; read desired_status.';
comment on table swarmplane.desired_host is
  'Private. How each host stands to each row of desired; people read desired_host_status.';
comment on table swarmplane.desired_try is
  'Private. Actions that were tried for a row of desired within its time `per`.';
comment on table swarmplane.desired_event is
  'Public. Each step of a host in a row of desired, and when: what held when, and what was done.';
comment on table swarmplane.freeze is
  'Public. While a row stands and its time is not over, desired state starts no action, anywhere or on hosts of these labels or sites.';
comment on function swarmplane.approve(text) is
  'Public. Says yes to a row of desired that waits for a second person (hold_after); void when the row is changed.';
comment on function swarmplane.resume(text) is
  'Public. Lets a row of desired that was stopped go on, and tries hosts that are stuck anew.';
comment on function swarmplane.recheck(text) is
  'Public. Looks at every host of a row of desired now.';
reset role;
