-- Shapes: the columns that hosts declare their tables to have, and what they are called in ours.
set local role swarmplane_owner;

create or replace function swarmplane.column_type(declared text)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select case declared
    when 'TEXT' then 'text'
    when 'INTEGER' then 'bigint'
    when 'BIGINT' then 'bigint'
    when 'UNSIGNED_BIGINT' then 'numeric(20, 0)'
    when 'DOUBLE' then 'double precision'
    when 'BLOB' then 'bytea'
  end;
$$;

-- The columns of a tracked table: `called` is a column's name in our tables.
create or replace function swarmplane.tracked_columns(host_table text)
  returns table (place bigint, name text, type text, called text)
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select c.place, c.spec ->> 'name', c.spec ->> 'type', c.spec ->> 'column'
    from swarmplane.tracked_table t, jsonb_array_elements(t.columns) with ordinality as c (spec, place)
   where t.name = host_table;
$$;

-- Columns as takings carry them: [{name, type}], hidden ones and load left out, as shapeOf of src/tables does.
create or replace function swarmplane.shown_columns(declared jsonb)
  returns jsonb
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select coalesce(jsonb_agg(jsonb_build_object('name', c.spec ->> 'name', 'type', c.spec ->> 'type') order by c.place), '[]')
    from jsonb_array_elements(declared) with ordinality as c (spec, place)
   where not coalesce((c.spec -> 'hidden')::boolean, false) and not coalesce((c.spec -> 'load')::boolean, false);
$$;

-- [{name, type, column}] of `wanted` that `known` lacks; `column` is what it is called in our tables.
create or replace function swarmplane.missing_columns(known jsonb, wanted jsonb)
  returns jsonb
  language plpgsql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  missing jsonb := '[]';
  wish record;
  called text;
begin
  for wish in select * from jsonb_to_recordset(wanted) as w (name text, type text) loop
    if (known || missing) @> jsonb_build_array(jsonb_build_object('name', wish.name, 'type', wish.type)) then
      continue;
    end if;
    if wish.name !~ '^[A-Za-z_][A-Za-z0-9_]{0,49}$' or swarmplane.column_type(wish.type) is null then
      raise exception 'column "%" of type "%" cannot be kept', left(wish.name, 80), left(wish.type, 80)
        using errcode = 'invalid_column_definition';
    end if;
    -- our own columns and those every table has come first
    called := wish.name || case when lower(wish.name) in (
      'node_id', 'valid_from', 'valid_to', 'shape', 'row_hash', 'host', 'since',
      'ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid') then '_' else '' end;
    if (known || missing) @> jsonb_build_array(jsonb_build_object('column', called)) then
      called := called || '_' || lower(wish.type);
    end if;
    missing := missing || jsonb_build_object('name', wish.name, 'type', wish.type, 'column', called);
  end loop;
  return missing;
end
$$;

-- Refuses what is more than one host's share of a table: eight declarations in a month, and a quarter of the columns
-- that hosts may add to those which the hub knows. Each declaration is a function of its own, each column one of every
-- host's rows.
create or replace function swarmplane.check_shape_share(host swarmplane.node, table_name text, added integer)
  returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
#variable_conflict use_column
declare
  room constant integer := (
    select (jsonb_array_length(d.columns) + 20) / 4 from swarmplane.host_table d where d.name = $2);
  brought record;
begin
  select count(*) filter (where s.first_seen > now() - interval '30 days') as shapes, coalesce(sum(o.columns), 0) as columns
    into brought
    from swarmplane.shape_source o
    join swarmplane.table_shape s on s.id = o.shape_id
   where o.declared_by = host.id and s.table_name = $2;
  if brought.shapes >= 8 then
    raise exception 'it has declared it in 8 ways within 30 days' using errcode = 'program_limit_exceeded';
  end if;
  if added > 0 and brought.columns + added > room then
    raise exception 'it would add % columns, of % that one host may', brought.columns + added, room
      using errcode = 'program_limit_exceeded';
  end if;
end
$$;

-- Declarations not seen before. Columns of an agent that is newer than this hub are added, within bounds.
create or replace function swarmplane.note_shapes(host swarmplane.node, shapes jsonb)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  fresh record;
  unheard text;
  added swarmplane.table_shape;
begin
  for fresh in
    select s.hash, s."table" as name, s.columns, s.key, s.query
      from jsonb_to_recordset(shapes) as s (hash text, "table" text, columns jsonb, key text[], query text)
     where not exists (
       select from swarmplane.table_shape k where k.table_name = s."table" and k.hash = decode(s.hash, 'hex'))
     order by 2, 1
  loop
    -- one at a time, as whoever adds columns: what writes rows must know them all
    perform swarmplane.hold_latch('tracked');
    continue when exists (
      select from swarmplane.table_shape k where k.table_name = fresh.name and k.hash = decode(fresh.hash, 'hex'));
    begin
      if not exists (select from swarmplane.tracked_table t where t.name = fresh.name) then
        raise exception 'table "%" is not tracked', left(fresh.name, 80);
      end if;
      select string_agg(c ->> 'name', ', ') into unheard
        from swarmplane.tracked_table t,
             jsonb_array_elements(swarmplane.missing_columns(t.columns, fresh.columns)) c
       where t.name = fresh.name;
      -- what a query gives is said by its declaration
      if (fresh.query is null) = exists (select from swarmplane.tracked_query q where q.name = fresh.name)
         or fresh.query is not null and unheard is not null then
        raise exception '"%" is tracked otherwise', fresh.name;
      end if;
      if array_length(string_to_array(unheard, ', '), 1)
           + (select count(*) from swarmplane.tracked_columns(fresh.name))
         > 2 * (select jsonb_array_length(d.columns) from swarmplane.host_table d where d.name = fresh.name) + 20 then
        raise exception 'table "%" would win too many columns: %', fresh.name, left(unheard, 200);
      end if;
      perform swarmplane.check_shape_share(host, fresh.name, coalesce(array_length(string_to_array(unheard, ', '), 1), 0));
      if unheard is not null then
        perform swarmplane.extend_tracked(fresh.name, fresh.columns, (
          select t.key from swarmplane.tracked_table t where t.name = fresh.name));
        perform swarmplane.raise_alert('history_columns', fresh.name,
          format('%s declares columns of %s that this hub does not know: %s', host.name, fresh.name, unheard), 'info');
      end if;
      insert into swarmplane.table_shape (table_name, hash, columns, key, query)
      values (fresh.name, decode(fresh.hash, 'hex'), fresh.columns, fresh.key, fresh.query)
      returning * into added;
      insert into swarmplane.shape_source (shape_id, declared_by, columns)
      values (added.id, host.id, coalesce(array_length(string_to_array(unheard, ', '), 1), 0));
      perform swarmplane.make_writer(added);
    exception
      when data_exception or raise_exception or program_limit_exceeded or invalid_column_definition then
        perform swarmplane.raise_alert('history_refused', host.name || ' ' || left(fresh.name, 80),
          format('what %s declares of "%s" cannot be kept: %s', host.name, left(fresh.name, 80), sqlerrm));
    end;
  end loop;
end
$$;

comment on table swarmplane.shape_source is
  'Private. Which host brought which declaration first, and how many columns with it.';
comment on table swarmplane.table_shape is
  'Public. Declarations by which takings were made: the columns in the order in which a row is encoded.';
reset role;
