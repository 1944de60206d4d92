-- Which hosts are meant: exactly one of `hosts` (names or node ids, '{*}' for all), `labels` (what hosts declare of
-- themselves: all of these), `access_label` (what operators set: any of these) and `site` (of an address, by the
-- networks: any of these). Requests, schedules and tracks keep it as it was written and resolve it each time.
set local role swarmplane_owner;

-- Refuses what selects nothing by its form, and two selectors beside each other.
create or replace function swarmplane.check_selector(hosts text[], labels jsonb, access_label text[], site text[])
  returns void
  language plpgsql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  given constant text := concat_ws(' and ', case when hosts is not null then 'hosts' end, case when labels is not null then 'labels' end,
    case when access_label is not null then 'access_label' end, case when site is not null then 'site' end);
begin
  if given like '% and %' then
    raise exception '% are both given', given using errcode = 'invalid_parameter_value',
      hint = 'give one of them; for more write two rows';
  end if;
  if labels is not null and (jsonb_typeof(labels) <> 'object' or labels = '{}') then
    raise exception 'labels are %', labels using errcode = 'invalid_parameter_value',
      hint = 'write them as ''{"role": "web"}''';
  end if;
  if coalesce(cardinality(access_label), cardinality(site)) = 0
     or array_position(coalesce(access_label, site), null) is not null then
    raise exception '% is %: nobody would be asked', given, coalesce(access_label, site)::text
      using errcode = 'invalid_parameter_value', hint = format('write it as %s => ''{NAME}''', given);
  end if;
end
$$;

create or replace function swarmplane.is_selected(
  host swarmplane.node,
  hosts text[],
  labels jsonb,
  access_label text[],
  site text[]
)
  returns boolean
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select case
    when $2 is not null then $2 = '{*}' or host.name = any ($2) or host.identity = any ($2)
    when $3 is not null then host.labels @> $3
    when $4 is not null then exists (
      select from swarmplane.node_label l where l.node_id = host.id and l.label = any ($4))
    when $5 is not null then exists (
      select from swarmplane.node_address a
        join swarmplane.network w on a.ip <<= w.range
       where a.node_id = host.id and (a.current or a.declared) and w.site = any ($5))
    else false
  end;
$$;

-- Node ids of the hosts that are meant now: those that are not out and may be seen (null: all), sorted by name.
-- For names swarmplane.resolve_hosts is stricter: it refuses a name that nobody bears.
create or replace function swarmplane.selected_hosts(
  hosts text[],
  labels jsonb,
  access_label text[],
  site text[],
  visible integer[]
)
  returns text[]
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select array(
    select n.identity
      from swarmplane.node n
     where n.out_since is null
       and (visible is null or n.id = any (visible))
       and swarmplane.is_selected(n, $1, $2, $3, $4)
     order by n.name, n.id);
$$;

-- A selector in words, for people.
create or replace function swarmplane.selector_words(hosts text[], labels jsonb, access_label text[], site text[])
  returns text
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select concat_ws(' ', case when hosts is not null then 'hosts' when labels is not null then 'labels'
                             when access_label is not null then 'access_label' else 'site' end,
                   coalesce(hosts::text, labels::text, access_label::text, site::text));
$$;
reset role;
