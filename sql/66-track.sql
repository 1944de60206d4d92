-- What is tracked: wishes of people, and the typed tables that their answers are kept in.
set local role swarmplane_owner;

-- Tracks a host table from now on, at the hosts named or at those whose own labels hold `labels`. Several
-- wishes for one table add up; the shortest interval counts. The same wish again changes its interval. A wish
-- reaches the hosts that its owner sees, so '{*}' of whoever sees some hosts is for those.
create or replace function swarmplane.track(
  table_name text,
  every interval default '1 hour',
  hosts text[] default null,
  labels jsonb default null,
  access_label text[] default null,
  site text[] default null
)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  -- readers queue behind who waits for one of them
  set lock_timeout = '1s'
as $$
begin
  perform swarmplane.limit_waits();
  perform swarmplane.make_tracked(track.table_name);
  perform swarmplane.wish_track(track.table_name, track.every, track.hosts, track.labels, track.access_label, track.site);
end
$$;

-- Writes the wish: of a host table, or of a query that is tracked under that name.
create or replace function swarmplane.wish_track(
  table_name text,
  every interval,
  hosts text[],
  labels jsonb,
  access_label text[],
  site text[]
)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
#variable_conflict use_column
declare
  targets text[] := case when num_nonnulls(wish_track.labels, wish_track.access_label, wish_track.site) = 0
                         then coalesce(wish_track.hosts, '{*}') else wish_track.hosts end;
begin
  perform swarmplane.check_selector(targets, wish_track.labels, wish_track.access_label, wish_track.site);
  if wish_track.every is null or wish_track.every < interval '10 seconds' or wish_track.every > interval '31 days' then
    raise exception 'every is %', coalesce(wish_track.every::text, 'null') using errcode = 'invalid_parameter_value',
      hint = 'between 10 seconds and 31 days';
  end if;
  if targets is not null then
    perform swarmplane.resolve_hosts(targets, swarmplane.visible_nodes()) where targets <> '{*}';
  end if;
  -- whoever sees every host changes the wish of another who does; nobody narrows it to the hosts that he sees
  update swarmplane.track_wish w
     set every = wish_track.every, owner = session_user, fleet = swarmplane.sees_all(), wished_at = now()
   where w.table_name = wish_track.table_name
     and (w.hosts, w.labels, w.access_label, w.site)
         is not distinct from (targets, wish_track.labels, wish_track.access_label, wish_track.site)
     and (w.owner = session_user
          or w.fleet and swarmplane.sees_all()
             and not exists (
               select from swarmplane.track_wish own
                where own.table_name = w.table_name and own.owner = session_user
                  and (own.hosts, own.labels, own.access_label, own.site)
                      is not distinct from (targets, wish_track.labels, wish_track.access_label, wish_track.site)));
  if not found then
    insert into swarmplane.track_wish (table_name, every, hosts, labels, access_label, site, fleet)
    values (wish_track.table_name, wish_track.every, targets, wish_track.labels, wish_track.access_label, wish_track.site, swarmplane.sees_all())
    on conflict on constraint one_wish_per_target_and_owner do update
      set every = excluded.every, fleet = excluded.fleet, wished_at = now();
  end if;
  perform swarmplane.wish_soon();
end
$$;

-- Ends the tracking of a table at every host; what was kept stays. How many wishes there were. Whoever sees only
-- some hosts takes his own wishes back.
create or replace function swarmplane.untrack(table_name text)
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  gone integer;
begin
  delete from swarmplane.track_wish w
   where w.table_name = untrack.table_name and (swarmplane.sees_all() or w.owner = session_user);
  get diagnostics gone = row_count;
  if gone = 0 and exists (select from swarmplane.track_wish w where w.table_name = untrack.table_name) then
    raise exception 'table "%" is tracked by others', untrack.table_name using errcode = 'insufficient_privilege',
      hint = 'ask an operator with the access label *; owners are in swarmplane.track_wish';
  end if;
  if gone = 0 then
    raise exception 'table "%" is not tracked', untrack.table_name using errcode = 'no_data_found',
      hint = 'tracked ones are in swarmplane.track_wish';
  end if;
  perform swarmplane.wish_soon();
  return gone;
end
$$;

-- Hosts learn of changed wishes at the next round, which is now. The hint goes out at commit. The turns of hosts
-- are left alone: whoever locked them could keep the hubs from asking anybody.
create or replace function swarmplane.wish_soon()
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  insert into swarmplane.turn_wish default values;
  select pg_notify('swarmplane', '');
$$;

comment on table swarmplane.turn_wish is
  'Private. Wishes for history were changed: hubs ask every host now, and take the row away.';

-- Makes the tables of a host table, or adds columns that its declaration has won.
create or replace function swarmplane.make_tracked(host_table text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  declared swarmplane.host_table;
  needed text;
  kept jsonb;
begin
  select * into declared from swarmplane.host_table t where t.name = host_table;
  if not found then
    raise exception 'no host table is called "%"', host_table using errcode = 'undefined_table',
      hint = case when exists (select from swarmplane.tracked_query q where q.name = host_table)
                  then 'it is a query: say swarmplane.track_query with its text'
                  else 'they are in swarmplane.host_table, once a hub has started' end;
  end if;
  select string_agg(c ->> 'name', ' or ') into needed
    from jsonb_array_elements(declared.columns) c
   where (c -> 'required')::boolean;
  if needed is not null then
    raise exception 'table "%" cannot be tracked: a query must constrain %', host_table, needed
      using errcode = 'feature_not_supported', hint = 'schedule a query with that constraint instead';
  end if;
  kept := swarmplane.shown_columns(declared.columns);
  if kept = '[]' then
    raise exception 'table "%" cannot be tracked: it shows nothing but load', host_table
      using errcode = 'feature_not_supported', hint = 'schedule a query of it instead';
  end if;
  -- load tells no two rows of history apart
  perform swarmplane.extend_tracked(host_table, kept, array(
    select k.name from unnest(declared.key) with ordinality as k (name, place)
     where kept @> jsonb_build_array(jsonb_build_object('name', k.name))
     order by k.place));
end
$$;

-- Makes the current and the history table, or adds what is missing in them. A column that comes back with
-- another type gets a column of its own: what was kept stays as it was said.
create or replace function swarmplane.extend_tracked(host_table text, wanted jsonb, wanted_key text[])
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  known jsonb;
  fresh jsonb;
  added record;
begin
  perform swarmplane.hold_latch('tracked');
  select t.columns into known from swarmplane.tracked_table t where t.name = host_table;
  if not found then
    perform swarmplane.create_tracked(host_table, wanted_key);
    known := '[]';
  end if;
  fresh := swarmplane.missing_columns(known, wanted);
  if fresh = '[]' and exists (
    select from swarmplane.tracked_table t where t.name = host_table and t.key = wanted_key and t.columns <> '[]')
  then
    return;
  end if;
  if jsonb_array_length(known || fresh) > 300 then
    raise exception 'table "%" would get % columns', host_table, jsonb_array_length(known || fresh)
      using errcode = 'too_many_columns';
  end if;
  for added in
    select f."column" as called, swarmplane.column_type(f.type) as type, grown.part
      from jsonb_to_recordset(fresh) as f (type text, "column" text)
     cross join unnest(array['_current', '_history']) as grown (part)
  loop
    execute format('alter table inventory.%I add column %I %s', host_table || added.part, added.called, added.type);
  end loop;
  update swarmplane.tracked_table t set columns = known || fresh, key = wanted_key where t.name = host_table;
  perform swarmplane.index_tracked(host_table);
  perform swarmplane.make_inventory(host_table);
  perform swarmplane.make_inventory_unions();
  perform swarmplane.make_writer(s) from swarmplane.table_shape s where s.table_name = host_table order by s.id;
end
$$;

-- Refuses a name of whose tables and views in inventory one is there already, or may be made for a host table:
-- shell and shell_history, say.
create or replace function swarmplane.check_inventory_names(host_table text)
  returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  names constant text[] := array[host_table, host_table || '_current', host_table || '_history', host_table || '_changes'];
  there text := (
    select min(c.relname) from pg_class c
     where c.relnamespace = 'inventory'::regnamespace and c.relname = any (names));
  meant text := (select min(t.name) from swarmplane.host_table t where t.name = any (names) and t.name <> host_table);
begin
  -- the views over all sensitive tables
  if there is null and host_table = 'sensitive' then
    there := 'sensitive_changes';
  end if;
  if there is not null then
    raise exception 'inventory.% is there already', quote_ident(there) using errcode = 'duplicate_table',
      hint = format('"%s" would need that name: a query can be tracked under another one', host_table);
  end if;
  if meant is not null and not exists (select from swarmplane.host_table t where t.name = host_table) then
    raise exception 'inventory.% is for a table of the hosts', quote_ident(meant) using errcode = 'duplicate_table',
      hint = format('"%s" would need that name: track the query under another one', host_table);
  end if;
end
$$;

-- The tables with our own columns only.
create or replace function swarmplane.create_tracked(host_table text, host_key text[])
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  current_name text := host_table || '_current';
  history_name text := host_table || '_history';
begin
  if host_table !~ '^[a-z][a-z0-9_]{0,39}$' then
    raise exception 'table "%" cannot be tracked: its name does not fit', left(host_table, 80)
      using errcode = 'invalid_name';
  end if;
  perform swarmplane.check_inventory_names(host_table);
  execute format('create table inventory.%I (
      valid_from timestamptz not null,
      node_id integer not null,
      shape integer not null,
      row_hash bytea not null,
      primary key (node_id, row_hash)
    ) with (autovacuum_vacuum_scale_factor = 0.02)', current_name);
  execute format('create table inventory.%I (
      valid_from timestamptz not null,
      valid_to timestamptz not null,
      node_id integer not null,
      shape integer not null,
      row_hash bytea not null,
      constraint ends_after_it_began check (valid_from < valid_to)
    ) partition by range (valid_to)', history_name);
  execute format('create index on inventory.%I (node_id, valid_to)', history_name);
  execute format('create index on inventory.%I using brin (valid_to, valid_from)
    with (pages_per_range = 16, autosummarize = on)', history_name);
  perform swarmplane.guard_tracked(host_table);
  insert into swarmplane.tracked_table (name, columns, key) values (host_table, '[]', host_key);
end
$$;

-- Who may do what with the tables of a host table, and what they say of themselves. Anew with each release, and
-- after a restore, which brings columns and rows only.
create or replace function swarmplane.guard_tracked(host_table text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  current_name text := host_table || '_current';
  history_name text := host_table || '_history';
  guarded text;
begin
  execute format('create or replace trigger _100_refuse_change before update or delete on inventory.%I
    for each row execute function swarmplane.tg_history__refuse_change()', history_name);
  execute format('alter table inventory.%I enable always trigger _100_refuse_change', history_name);
  execute format('create or replace trigger _101_refuse_truncate before truncate on inventory.%I
    for each statement execute function swarmplane.tg_history__refuse_change()', history_name);
  execute format('alter table inventory.%I enable always trigger _101_refuse_truncate', history_name);
  foreach guarded in array array[current_name, history_name] loop
    perform swarmplane.guard_by_label('inventory', guarded);
  end loop;
  execute format('comment on table inventory.%I is %L', current_name,
    'Public. Rows of ' || host_table || ' that hold now, each since valid_from; row_hash proves them.');
  execute format('comment on table inventory.%I is %L', history_name,
    'Public. Rows of ' || host_table || ' that held from valid_from until valid_to.');
end
$$;

-- Indexes for questions to the whole fleet: what came when, and one key at every host. The latter are by hash,
-- because a value may be longer than a B-tree takes.
create or replace function swarmplane.index_tracked(host_table text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  part text;
  key_column text := (
    select c.called
      from swarmplane.tracked_table t, swarmplane.tracked_columns(t.name) c
     where t.name = host_table and c.name = t.key[1]
     order by c.place
     limit 1);
begin
  foreach part in array array[host_table || '_current', host_table || '_history'] loop
    execute format('create index if not exists %I on inventory.%I (valid_from)', part || '_valid_from_idx', part);
    if key_column is not null then
      execute format('create index if not exists %I on inventory.%I using hash (%I)', part || '_key', part, key_column);
    end if;
  end loop;
end
$$;

create or replace function swarmplane.tg_history__refuse_change()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  raise exception 'rows of % are never changed or deleted', tg_table_name
    using errcode = 'insufficient_privilege', hint = 'old ones go by the setting history_kept';
end
$$;

create or replace trigger _700_audit
  after insert or update or delete on swarmplane.track_wish
  for each row execute function swarmplane.tg_audit('track_wish');

-- Of tables that an earlier release made, or a restore.
do $$
begin
  perform swarmplane.guard_tracked(t.name), swarmplane.index_tracked(t.name)
    from swarmplane.tracked_table t order by t.name;
end
$$;

comment on function swarmplane.track(text, interval, text[], jsonb, text[], text[]) is
  'Public. Keeps the history of a host table from now on: track(''deb_packages'', every => ''1 hour'').';
comment on function swarmplane.untrack(text) is
  'Public. Ends the tracking of a table; its history stays.';
comment on table swarmplane.track_wish is
  'Public. What is tracked, how often, and where; written by swarmplane.track and untrack.';
comment on table swarmplane.tracked_table is
  'Public. Tables of schema inventory: how columns of the host table are called there, and since when history is kept.';
reset role;
