-- What people read of tracked tables: views and functions in schema inventory, made from the columns that
-- each table has. The functions are plain SQL without SET, so that the planner looks through them.
set local role swarmplane_owner;

create or replace function swarmplane.make_inventory(host_table text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  tracked swarmplane.tracked_table;
  listed text;
  readers name := swarmplane.readers_of(host_table);
  part text;
begin
  select * into strict tracked from swarmplane.tracked_table t where t.name = host_table;
  select string_agg(format(', r.%I', c.called), '' order by c.place) into listed
    from swarmplane.tracked_columns(host_table) c;
  execute swarmplane.inventory_view_text(host_table, listed);
  execute swarmplane.inventory_as_of_text(host_table, listed);
  execute swarmplane.inventory_changes_at_text(tracked);
  execute swarmplane.inventory_changes_text(tracked);
  execute swarmplane.inventory_diff_text(tracked);
  foreach part in array array['_current', '_history'] loop
    perform swarmplane.hand_to(readers, 'select', format('table inventory.%I', host_table || part));
  end loop;
  perform swarmplane.hand_out_inventory(readers, host_table, 'view', host_table,
    'Public. Rows of ' || host_table || ' as each host showed them last.');
  perform swarmplane.hand_out_inventory(readers, host_table || '_changes', 'view', host_table || '_changes',
    'Public. What came, went and changed in ' || host_table || ', and when it was seen.');
  perform swarmplane.hand_out_inventory(readers, host_table || '_changes_at', 'function', format('%I(integer, timestamptz)', host_table || '_changes_at'),
    'Public. What came, went and changed in ' || host_table || ' of a node by its taking of an instant.');
  perform swarmplane.hand_out_inventory(readers, host_table || '_as_of', 'function', format('%I(timestamptz)', host_table || '_as_of'),
    'Public. Rows of ' || host_table || ' as they were at an instant.');
  perform swarmplane.hand_out_inventory(readers, host_table || '_diff', 'function', format('%I(timestamptz, timestamptz)', host_table || '_diff'),
    'Public. What was otherwise in ' || host_table || ' at the second instant than at the first.');
end
$$;

-- Who reads what is kept of a host table: of a sensitive one a role of its own.
create or replace function swarmplane.readers_of(host_table text)
  returns name
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select case when exists (select from swarmplane.host_table t where t.name = host_table and t.sensitive)
                or exists (select from swarmplane.tracked_query q where q.name = host_table and q.sensitive)
              then 'swarmplane_sensitive' else 'swarmplane_reader' end;
$$;

create or replace function swarmplane.hand_out_inventory(readers name, name text, kind text, signature text, says text)
  returns void
  language plpgsql
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  object text := 'inventory.' || case kind when 'view' then quote_ident(name) else signature end;
begin
  perform swarmplane.hand_to(readers, case kind when 'view' then 'select' else 'execute' end,
    format('%s %s', case kind when 'view' then 'table' else 'function' end, object));
  execute format('comment on %s %s is %L', kind, object, says);
end
$$;

-- To these readers and the hubs, and to no others: what becomes sensitive is taken back.
create or replace function swarmplane.hand_to(readers name, privilege text, object text)
  returns void
  language plpgsql
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  execute format('revoke all on %s from swarmplane_reader, swarmplane_sensitive', object);
  execute format('grant %s on %s to %I, swarmplane_hub', privilege, object, readers);
end
$$;

-- Tables that a newer release declares sensitive, or no longer so, go to their readers.
create or replace function swarmplane.hand_out_anew()
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  changed text;
begin
  for changed in
    select t.name
      from swarmplane.tracked_table t
     where not has_table_privilege(swarmplane.readers_of(t.name), format('inventory.%I', t.name), 'select')
        or swarmplane.readers_of(t.name) = 'swarmplane_sensitive'
           and has_table_privilege('swarmplane_reader', format('inventory.%I', t.name), 'select')
     order by t.name
  loop
    perform swarmplane.make_inventory(changed);
  end loop;
  if found then
    perform swarmplane.make_inventory_unions();
  end if;
end
$$;

-- Hosts that are out are not part of now.
create or replace function swarmplane.inventory_view_text(host_table text, listed text)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select format(
    'create or replace view inventory.%I with (security_invoker = true) as
     select n.name as host, r.node_id, r.valid_from as since%s
       from inventory.%I r
       join swarmplane.node n on n.id = r.node_id and n.out_since is null',
    host_table, listed, host_table || '_current');
$$;

-- A host that is out was part of it until it went. The condition stands outside of the union: an arm with a condition of its own is not looked into for a host.
create or replace function swarmplane.inventory_as_of_text(host_table text, listed text)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select format(
    'create or replace function inventory.%1$I(instant timestamptz)
       returns setof inventory.%2$I
       language sql
       stable
     begin atomic
       select n.name, r.node_id, r.valid_from%3$s
         from (select r.node_id, r.valid_from, timestamptz ''infinity'' as valid_to%3$s
                 from inventory.%4$I r
                union all
               select r.node_id, r.valid_from, r.valid_to%3$s
                 from inventory.%5$I r) r
         join swarmplane.node n on n.id = r.node_id and coalesce(n.out_since > $1, true)
        where r.valid_from <= $1 and r.valid_to > $1;
     end',
    host_table || '_as_of', host_table, listed, host_table || '_current', host_table || '_history');
$$;

-- The columns of the host table in the rows `r` of an event, under names that meet none of ours: c1, c2, ...
create or replace function swarmplane.event_text(tracked swarmplane.tracked_table)
  returns text
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select string_agg(format(', r.%I as c%s', c.called, c.place), '' order by c.place)
    from swarmplane.tracked_columns(tracked.name) c;
$$;

-- A row that went and one that came in the same event with the same key are one change. Where several rows share a
-- key the first pairs with the first; rows of a table without a key belong together. jsonb is made last, of what
-- is shown, because that takes longer than all the rest. `apart`: columns that events have in common, e.g. the
-- host, so that a condition on it reaches the rows; they come first.
create or replace function swarmplane.paired_text(tracked swarmplane.tracked_table, events text, apart text[])
  returns text
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select format(
    'select %6$s%1$s as key,
            (array_agg(to_jsonb(w)) filter (where not p.came))[1] as before,
            (array_agg(to_jsonb(w)) filter (where p.came))[1] as after
       from (select e.*, row_number() over (partition by %7$se.came%2$s order by e.row_hash) as nth
               from (%4$s) e) p
      cross join lateral (select %3$s) w
      group by %6$sp.nth%5$s',
    coalesce('jsonb_build_object(' || k.pairs || ')', '''{}''::jsonb'), coalesce(k.of_event, ''), r.shown, events,
    coalesce(k.of_pair, ''),
    coalesce((select string_agg(format('p.%I, ', a.name), '' order by a.place) from unnest(apart) with ordinality as a (name, place)), ''),
    coalesce((select string_agg(format('e.%I, ', a.name), '' order by a.place) from unnest(apart) with ordinality as a (name, place)), ''))
    from (
      select string_agg(format('%L, p.c%s', k.name, c.place), ', ' order by k.place) as pairs,
             string_agg(format(', e.c%s', c.place), '' order by k.place) as of_event,
             string_agg(format(', p.c%s', c.place), '' order by k.place) as of_pair
        from unnest(tracked.key) with ordinality as k (name, place)
        join lateral (
          select e.place
            from swarmplane.tracked_columns(tracked.name) e
           where e.name = k.name
           order by e.place desc
           limit 1
        ) c on true
    ) k,
    (
      select string_agg(format('p.c%s as %I', c.place, c.called), ', ' order by c.place) as shown
        from swarmplane.tracked_columns(tracked.name) c
    ) r;
$$;

-- Makes inventory.TABLE_changes_at (node, instant): what changed by one taking. A function, so that a session plans
-- it once: to plan the partitions of a year for every table takes longer than to find twenty changes.
create or replace function swarmplane.inventory_changes_at_text(tracked swarmplane.tracked_table)
  returns text
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select format(
    'create or replace function inventory.%1$I(integer, timestamptz)
       returns table (key jsonb, before jsonb, after jsonb)
       language plpgsql
       stable
       rows 3
       set search_path = pg_catalog, pg_temp
       set plan_cache_mode = force_generic_plan
       set jit = off
     as $read$
     begin
       return query %2$s;
     end
     $read$',
    tracked.name || '_changes_at',
    swarmplane.paired_text(tracked, format(
      'select true as came, r.row_hash%1$s
         from inventory.%2$I r
        where r.node_id = $1 and r.valid_from = $2
        union all
       select e.came, r.row_hash%1$s
         from inventory.%3$I r
        cross join lateral (values (true, r.valid_from), (false, r.valid_to)) as e (came, at)
        where r.node_id = $1 and r.valid_to >= $2 and (r.valid_from = $2 or r.valid_to = $2) and e.at = $2',
      swarmplane.event_text(tracked), tracked.name || '_current', tracked.name || '_history'), '{}'));
$$;

-- Changes are read by way of the takings that made them, and not by the rows: of those there are few in order of
-- time, so the newest are found without sorting a year, and each one's rows are found by index.
create or replace function swarmplane.changes_text(listed text, changes text, condition text)
  returns text
  language sql
  immutable
  strict
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select format(
    'select %s
       from swarmplane.taking t
       join swarmplane.node n on n.id = t.node_id
       left join swarmplane.head h on h.node_id = t.node_id and h.table_name = t.table_name
      cross join lateral (%s) c
      cross join lateral (
        select case when c.before is null and t.at = h.first_at then ''first''
                    when t.reason_code = ''redefined'' then ''redefined''
                    when c.before is null then ''added''
                    when c.after is null then ''removed''
                    else ''changed'' end as change) k
      where t.kind in (''full'', ''delta'') and %s',
    listed, changes, condition);
$$;

create or replace function swarmplane.inventory_changes_text(tracked swarmplane.tracked_table)
  returns text
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select format('create or replace view inventory.%I with (security_invoker = true) as ', tracked.name || '_changes')
    || swarmplane.changes_text('t.at, n.name as host, t.node_id, k.change, c.key, c.before, c.after',
                               format('select a.* from inventory.%I(t.node_id, t.at) a', tracked.name || '_changes_at'),
                               format('t.table_name = %L', tracked.name));
$$;

-- Rows that held at one of the instants and not at the other; one that went and came back did not change.
create or replace function swarmplane.inventory_diff_text(tracked swarmplane.tracked_table)
  returns text
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select format(
    'create or replace function inventory.%I(earlier timestamptz, later timestamptz)
       returns table (host text, node_id integer, change text, key jsonb, before jsonb, after jsonb)
       language sql
       stable
     begin atomic
       select c.host, c.node_id,
              case when c.before is null then ''added'' when c.after is null then ''removed'' else ''changed'' end,
              c.key, c.before, c.after
         from (%s) c;
     end',
    tracked.name || '_diff',
    swarmplane.paired_text(tracked, format(
      'select n.name as host, s.* from (
         select d.*, count(*) over (partition by d.node_id, d.row_hash) as sides
           from (select r.node_id, true as came, r.row_hash%1$s
                   from inventory.%2$I r
                  where r.valid_from <= $2 and not r.valid_from <= $1
                  union all
                 select r.node_id, true, r.row_hash%1$s
                   from inventory.%3$I r
                  where r.valid_from <= $2 and r.valid_to > $2 and not (r.valid_from <= $1 and r.valid_to > $1)
                  union all
                 select r.node_id, false, r.row_hash%1$s
                   from inventory.%3$I r
                  where r.valid_from <= $1 and r.valid_to > $1 and not (r.valid_from <= $2 and r.valid_to > $2)
                  union all
                 select r.node_id, false, r.row_hash%1$s
                   from inventory.%2$I r
                  where r.valid_from <= $1 and not r.valid_from <= $2) d) s
         join swarmplane.node n on n.id = s.node_id
        where s.sides = 1',
      swarmplane.event_text(tracked), tracked.name || '_current', tracked.name || '_history'), '{host,node_id}'));
$$;

-- The views over all tracked tables, and over the sensitive ones: every change, and the check that no row holds
-- twice at a time.
create or replace function swarmplane.make_inventory_unions()
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform swarmplane.make_inventory_union('', 'swarmplane_reader', 'tracked table');
  perform swarmplane.make_inventory_union('sensitive_', 'swarmplane_sensitive', 'sensitive table that is tracked');
end
$$;

create or replace function swarmplane.make_inventory_union(prefix text, readers name, tables text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  changes text;
  doubles text;
begin
  select string_agg(format('select a.* from inventory.%I(t.node_id, t.at) a where t.table_name = %L', t.name || '_changes_at', t.name),
                    E'\n union all\n' order by t.name),
         string_agg(format(
           'select o.node_id, %L::text as "table", o.row_hash, o.valid_from, o.valid_to
              from (select r.*, lag(r.valid_to) over (partition by r.node_id, r.row_hash order by r.valid_from, r.valid_to) as earlier
                      from (select h.node_id, h.row_hash, h.valid_from, h.valid_to from inventory.%I h
                             union all
                            select c.node_id, c.row_hash, c.valid_from, ''infinity'' from inventory.%I c) r) o
             where o.earlier > o.valid_from',
           t.name, t.name || '_history', t.name || '_current'), E'\n union all\n' order by t.name)
    into changes, doubles
    from swarmplane.tracked_table t
   where swarmplane.readers_of(t.name) = readers;
  execute format('create or replace view inventory.%I with (security_invoker = true) as ', prefix || 'changes')
    || coalesce(swarmplane.changes_text(
         'n.name as host, t.table_name as "table", t.at, k.change, c.key, c.before, c.after, t.node_id', changes, 'true'),
    'select null::text as host, null::text as "table", null::timestamptz as at, null::text as change,
            null::jsonb as key, null::jsonb as before, null::jsonb as after, null::integer as node_id where false');
  execute format('create or replace view inventory.%I with (security_invoker = true) as ', prefix || 'overlap')
    || coalesce(doubles,
    'select null::integer as node_id, null::text as "table", null::bytea as row_hash,
            null::timestamptz as valid_from, null::timestamptz as valid_to where false');
  perform swarmplane.hand_out_inventory(readers, prefix || 'changes', 'view', prefix || 'changes',
    format('Public. Every change in every %s: host, table, at, change, key, before, after.', tables));
  perform swarmplane.hand_out_inventory(readers, prefix || 'overlap', 'view', prefix || 'overlap',
    format('Public. Rows of a %s that hold twice at one time; empty, or something is broken.', tables));
end
$$;

-- A release that writes these otherwise writes them anew.
do $$
begin
  perform swarmplane.make_inventory(t.name) from swarmplane.tracked_table t order by t.name;
  perform swarmplane.make_inventory_unions();
end
$$;
reset role;
