-- Actions: what may be inserted, what no hub may command, and the audit of how they ended.
set local role swarmplane_owner;

-- Checks an action and its arguments, whose values become text: '{"count": 5}' is '{"count": "5"}'.
create or replace function swarmplane.checked_args(action text, args jsonb)
  returns jsonb
  language plpgsql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  wrong text;
  checked jsonb;
begin
  if action !~ '^[a-z0-9][a-z0-9_.-]{0,63}$' then
    raise exception 'action "%" is no name', action
      using errcode = 'invalid_parameter_value',
            hint = 'a name as `swarmplane actions` lists them on a host, such as restart-service';
  end if;
  if jsonb_typeof(coalesce(args, '{}')) <> 'object' then
    raise exception 'args is %, not an object', args
      using errcode = 'invalid_parameter_value', hint = 'write it as ''{"unit": "nginx"}''';
  end if;
  select format('%I: %s', a.key, a.value) into wrong
    from jsonb_each(args) a
   where jsonb_typeof(a.value) not in ('string', 'number');
  if wrong is not null then
    raise exception 'args holds what is no text: %', wrong using errcode = 'invalid_parameter_value';
  end if;
  select coalesce(jsonb_object_agg(a.key, a.value), '{}') into checked from jsonb_each_text(args) a;
  if octet_length(checked::text) > 16384 then
    raise exception 'args of % bytes is too long, at most 16384', octet_length(checked::text)
      using errcode = 'program_limit_exceeded';
  end if;
  return checked;
end
$$;

-- Names that a second host has claimed and that the operator gave to none by a token: they are not enough for an
-- action, which cannot be taken back. Who is retired or expelled was put out by people and claims nothing; who is
-- only dead, gone or forgotten does, since a member can bring that about and take the name.
create or replace function swarmplane.contested_names()
  returns table (name text, claimers text[])
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select c.name, c.claimers
    from (
      select split_part(n.name, '~', 1) as name,
             array_agg(n.identity order by n.out_since nulls first, n.id) as claimers,
             -- to one that bears it now: with who is out the name went to whoever took it
             bool_or(n.name_given and strpos(n.name, '~') = 0 and n.out_since is null) as given
        from swarmplane.node n
       where n.state not in ('retired', 'expelled')
       group by 1
      having count(*) > 1
    ) c
   where not c.given;
$$;

-- Refuses an action for hosts by names that do not say for sure who is meant.
create or replace function swarmplane.check_action_hosts(action text, hosts text[])
  returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  wrong text;
begin
  select string_agg(format('%s (%s)', w.name, array_to_string(w.claimers, ', ')), '; ') into wrong
    from (
      select c.name, c.claimers
        from swarmplane.contested_names() c
       where c.name in (select split_part(h.name, '~', 1) from unnest(hosts) as h (name))
       order by 1
       limit 5
    ) w;
  if wrong is not null then
    raise exception 'action %: more than one host has claimed a name: %', action, wrong
      using errcode = 'invalid_parameter_value',
            hint = 'write the node id in place of the name, or `swarmplane retire ID` the one that is gone';
  end if;
end
$$;

-- A UUID of version 8 (RFC 9562) of the first 16 bytes of a hash.
create or replace function swarmplane.uuid_of(hash bytea)
  returns uuid
  language sql
  immutable
  strict
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select encode(
    substr(set_byte(set_byte(hash, 6, (get_byte(hash, 6) & 15) | 128), 8, (get_byte(hash, 8) & 63) | 128), 1, 16),
    'hex')::uuid;
$$;

-- The id of a command at one host, of what is said in docs/protocol.md section 9.
create or replace function swarmplane.command_id(key uuid, node_identity text)
  returns uuid
  language sql
  stable
  strict
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select swarmplane.uuid_of(sha256(
    swarmplane.field(convert_to('swarmplane/1 command id', 'UTF8'))
    || swarmplane.field(uuid_send(key))
    || swarmplane.field(decode(node_identity, 'hex'))));
$$;

-- Whether one of these names, as hubs report them, allows the action.
create or replace function swarmplane.allows(actions text[], action text)
  returns boolean
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select action = any (actions) or '*' = any (actions);
$$;

-- Actions of open requests; each found by one look into the index.
create or replace function swarmplane.waiting_actions()
  returns setof text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  waits text := '';
begin
  loop
    select min(r.action) into waits from swarmplane.request r where r.closed_at is null and r.action > waits;
    exit when waits is null;
    return next waits;
  end loop;
end
$$;

-- What the hubs that are at work may command.
create or replace function swarmplane.allowed_actions()
  returns text[]
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select array(
    select distinct a.name
      from swarmplane.hub h
     cross join unnest(h.actions) as a (name)
     where h.stopped_at is null
       and h.seen_at > now() - swarmplane.setting_interval('lease_time'));
$$;

-- What to run so that a hub may command this.
create or replace function swarmplane.grant_command(action text)
  returns text
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select format(
    'swarmplane operator grant %s --role commander --actions %s',
    coalesce((select h.name from swarmplane.hub h order by h.stopped_at desc nulls first, h.seen_at desc limit 1), 'HUB'),
    action);
$$;

-- By the hubs, at each heartbeat: what their certificates allow. Opens an alert for each action that waits
-- and that no hub may command, and resolves those that no longer hold.
create or replace function swarmplane.report_actions(hub_id uuid, hub_actions text[])
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  waits text;
  waiting text[];
  allowed text[];
begin
  update swarmplane.hub h set actions = hub_actions where h.id = hub_id and h.actions <> hub_actions;
  allowed := swarmplane.allowed_actions();
  waiting := array(select w from swarmplane.waiting_actions() w where not swarmplane.allows(allowed, w));
  for waits in
    select w
      from unnest(waiting) w
     where not exists (
       select from swarmplane.alert a
        where a.kind = 'no_commander' and a.key = w and a.resolved_at is null)
     order by 1
  loop
    perform swarmplane.alert_no_commander(waits);
  end loop;
  perform swarmplane.resolve_alerts(
    array['no_commander'],
    array(
      select a.key
        from swarmplane.alert a
       where a.kind = 'no_commander' and a.resolved_at is null and a.key <> all (waiting)));
end
$$;

create or replace function swarmplane.alert_no_commander(action text)
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select swarmplane.raise_alert('no_commander', action,
    format('action %s waits: no hub may command it; run, where the operator key is: %s',
           action, swarmplane.grant_command(action)));
$$;

-- Whoever inserts what no hub may command hears of it at once. The alert is the hubs', at their next heartbeat: an
-- insert that stays open would hold its row, and all hubs behind it.
create or replace function swarmplane.tg_request__after_insert_action()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if not swarmplane.allows(swarmplane.allowed_actions(), new.action) then
    raise warning 'no hub may command %: request % waits', new.action, new.id
      using hint = swarmplane.grant_command(new.action);
  end if;
  return null;
end
$$;

create or replace trigger _600_commander
  after insert on swarmplane.request
  for each row
  when (new.action is not null)
  execute function swarmplane.tg_request__after_insert_action();
reset role;
