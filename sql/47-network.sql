-- Networks and the addresses in them.
set local role swarmplane_owner;

-- The address in a text of a host table or of node_address: `10.0.0.1`, `10.0.0.0/8`, `fe80::1%eth0`, `10.0.0.1:7411`,
-- `[fd00::1]:7411`. Null for what is none, such as `*`, `localhost` or an empty text.
create or replace function swarmplane.ip(address text)
  returns inet
  language plpgsql
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  bare constant text := regexp_replace(address, '%[^/]*', '');
begin
  if bare !~ '^[][0-9a-fA-F:./]+$' then
    return null;
  end if;
  return coalesce(
    (regexp_match(bare, '^\[(.+)\](?::[0-9]{1,5})?$'))[1],
    (regexp_match(bare, '^([0-9.]+):[0-9]{1,5}$'))[1],
    bare)::inet;
exception
  when data_exception then return null;
end
$$;

comment on function swarmplane.ip(text) is
  'Public. The address in a text, such as a column of inventory, as inet; null for what is none.';

-- An address that somebody declared lies in a network, whichever of the two is changed.
create or replace function swarmplane.tg_node_address__check_declared()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  -- nobody changes a network until this has been committed
  lock table swarmplane.network in share mode;
  if not exists (select from swarmplane.network n where new.ip <<= n.range) then
    raise exception 'address % is in no network', host(new.ip)
      using errcode = 'foreign_key_violation', hint = 'insert its range into swarmplane.network first';
  end if;
  return null;
end
$$;

create or replace function swarmplane.tg_network__check_declared()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  orphan text;
begin
  select host(a.ip) into orphan
    from swarmplane.node_address a
   where a.declared and a.ip <<= old.range
     and not exists (select from swarmplane.network n where a.ip <<= n.range)
   limit 1;
  if found then
    raise exception 'network % still holds the declared address %', old.range, orphan
      using errcode = 'foreign_key_violation', hint = 'take "declared" off the address first';
  end if;
  return null;
end
$$;

create or replace function swarmplane.tg_network__before_write()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform swarmplane.require_fleet(format('network %s is', coalesce(new.range, old.range)));
  return coalesce(new, old);
end
$$;

create or replace trigger _100_check
  before insert or update or delete on swarmplane.network
  for each row execute function swarmplane.tg_network__before_write();

create or replace trigger _200_check_declared
  after insert or update on swarmplane.node_address
  for each row
  when (new.declared)
  execute function swarmplane.tg_node_address__check_declared();
create or replace trigger _200_check_declared
  after update or delete on swarmplane.network
  for each row execute function swarmplane.tg_network__check_declared();
create or replace trigger _700_audit
  after insert or update or delete on swarmplane.network
  for each row execute function swarmplane.tg_audit('network');

create or replace function swarmplane.is_outside(ip inet)
  returns boolean
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select not (is_outside.ip <<= '127.0.0.0/8' or is_outside.ip = '::1')
     and not exists (select from swarmplane.network w where is_outside.ip <<= w.range);
$$;

-- Alerts for addresses that hosts report outside of every network; none while no network is known.
create or replace function swarmplane.alert_outside_addresses()
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  outside record;
  names text[] := '{}';
begin
  if exists (select from swarmplane.network) then
    for outside in
      select n.name, string_agg(a.address, ', ' order by a.address) as addresses
        from swarmplane.node_address a
        join swarmplane.node n on n.id = a.node_id and n.out_since is null
       where a.current and a.ip is not null and swarmplane.is_outside(a.ip)
       group by n.name
       order by n.name
    loop
      names := names || outside.name;
      perform swarmplane.keep_alert('address_outside', outside.name,
        format('%s reports %s, in no network', outside.name, outside.addresses));
    end loop;
  end if;
  perform swarmplane.resolve_alerts('{address_outside}', array(
    select o.key from swarmplane.alert o
     where o.kind = 'address_outside' and o.resolved_at is null and o.key <> all (names)));
end
$$;

create or replace view swarmplane.site_host with (security_invoker = true) as
  select w.site, w.name as network, n.name as host, a.address, n.state
    from swarmplane.node_address a
    join swarmplane.node n on n.id = a.node_id and n.out_since is null
    join swarmplane.network w on a.ip <<= w.range
   where a.current or a.declared;

comment on table swarmplane.network is
  'Public. Address ranges that do not overlap, each with a name and the site it is at.';
comment on view swarmplane.site_host is 'Public. Hosts of each site, by the network their address is in.';
reset role;
