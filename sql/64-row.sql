-- How rows of a shape are read, hashed and written: for each shape a function of its own, made when the shape
-- is first seen, so that a session plans it once and not at every taking.
set local role swarmplane_owner;

-- Makes inventory.TABLE_write_SHAPE (instant, node, whole, added, removed). It writes what came and went at an
-- instant and gives the hash and the number of the rows that hold then. added: [[value, ...], ...] in the order
-- of the shape's columns; what a whole state does not have is gone, otherwise what is removed.
create or replace function swarmplane.make_writer(shape swarmplane.table_shape)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $make$
declare
  writer text := swarmplane.writer_name(shape.table_name, shape.id);
begin
  -- The order of the key's index is wanted, and a table that was small at the first plan does not stay so.
  execute format(
    'create or replace function inventory.%1$I(timestamptz, integer, boolean, jsonb, bytea[], out hash bytea, out rows integer)
       language plpgsql
       set search_path = pg_catalog, pg_temp
       set plan_cache_mode = force_generic_plan
       set enable_seqscan = off
       set enable_bitmapscan = off
     as $write$
     begin
       if $3 then
         %5$s%2$s;
       else
         %3$s;
       end if;
       select sha256(coalesce(string_agg(c.row_hash, ''''), '''')), count(*)
         into hash, rows
         from (select o.row_hash from inventory.%4$I o where o.node_id = $2 order by o.row_hash) c;
     end
     $write$',
    writer,
    swarmplane.writing_text(shape, 'not exists (select from said s where s.row_hash = c.row_hash)'),
    swarmplane.writing_text(shape, 'c.row_hash = any ($5)'),
    shape.table_name || '_current',
    swarmplane.ending_text(shape));
  execute format('comment on function inventory.%I is %L', writer,
    'Private. Writes takings of ' || shape.table_name || '.');
end
$make$;

create or replace function swarmplane.writer_name(host_table text, shape integer)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select host_table || '_write_' || shape;
$$;

-- SQL that closes all rows of other shapes, for queries: they answered another question. Nothing for tables, of which
-- a row that a newer agent shows as before is the same row.
create or replace function swarmplane.ending_text(shape swarmplane.table_shape)
  returns text
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select case when shape.query is null then '' else format(
    'with gone as (
       delete from inventory.%1$I c
        where c.node_id = $2 and c.shape <> %3$s
       returning c.*
     )
     insert into inventory.%2$I (valid_to, valid_from, node_id, shape, row_hash%4$s)
     select $1, g.valid_from, g.node_id, g.shape, g.row_hash%5$s from gone g;
         ',
    shape.table_name || '_current', shape.table_name || '_history', shape.id,
    string_agg(format(', %I', t.called), '' order by t.place),
    string_agg(format(', g.%I', t.called), '' order by t.place)) end
    from swarmplane.tracked_columns(shape.table_name) t;
$$;

-- SQL that closes the current rows `c` for which `is_gone` holds, and adds those of the taking, in the order of
-- the index that they are looked up by.
create or replace function swarmplane.writing_text(shape swarmplane.table_shape, is_gone text)
  returns text
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select format(
    'with said as materialized (
       select r.*, sha256(%4$s) as row_hash
         from (select %3$s from jsonb_array_elements($4) v (row) offset 0) r
     ), gone as (
       delete from inventory.%1$I c
        where c.node_id = $2 and %5$s
       returning c.*
     ), closed as (
       insert into inventory.%2$I (valid_to, valid_from, node_id, shape, row_hash%6$s)
       select $1, g.valid_from, g.node_id, g.shape, g.row_hash%7$s from gone g
     )
     insert into inventory.%1$I (valid_from, node_id, shape, row_hash%8$s)
     select $1, $2, %10$s, s.row_hash%9$s from said s
      order by s.row_hash
     on conflict do nothing',
    shape.table_name || '_current', shape.table_name || '_history',
    said.readers, said.encoding, is_gone, kept.names, kept.gone, said.names, said.said, shape.id)
    from (
      select string_agg(swarmplane.reader_text(t.type, s.place - 1) || format(' as %I', t.called), ', ' order by s.place) as readers,
             string_agg(swarmplane.encoding_text(t.type, format('r.%I', t.called)), ' || ' order by s.place) as encoding,
             string_agg(format(', %I', t.called), '' order by s.place) as names,
             string_agg(format(', s.%I', t.called), '' order by s.place) as said
        from jsonb_array_elements(shape.columns) with ordinality as s (spec, place)
        join swarmplane.tracked_columns(shape.table_name) t
          on t.name = s.spec ->> 'name' and t.type = s.spec ->> 'type'
    ) said,
    (
      select string_agg(format(', %I', t.called), '' order by t.place) as names,
             string_agg(format(', g.%I', t.called), '' order by t.place) as gone
        from swarmplane.tracked_columns(shape.table_name) t
    ) kept;
$$;

-- Unsigned numbers come as the signed ones with the same bits.
create or replace function swarmplane.reader_text(type text, place bigint)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select case type
    when 'TEXT' then format('v.row ->> %s', place)
    when 'UNSIGNED_BIGINT' then format(
      'case when (v.row ->> %1$s)::numeric < 0 then (v.row ->> %1$s)::numeric + 18446744073709551616 else (v.row ->> %1$s)::numeric end', place)
    else format('(v.row ->> %s)::%s', place, swarmplane.column_type(type))
  end;
$$;

-- SQL for the canonical encoding of a value (docs/protocol.md): src/tables/canonical.ts says the same.
create or replace function swarmplane.encoding_text(type text, value text)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select format('case when %1$s is null then ''\x00''::bytea else %2$s end', value, case type
    when 'TEXT' then format('''\x03''::bytea || int4send(octet_length(%1$s)) || convert_to(%1$s, ''UTF8'')', value)
    when 'BLOB' then format('''\x04''::bytea || int4send(octet_length(%1$s)) || %1$s', value)
    when 'DOUBLE' then format('''\x02''::bytea || float8send(%s)', value)
    when 'UNSIGNED_BIGINT' then format(
      '''\x01''::bytea || int8send((case when %1$s > 9223372036854775807 then %1$s - 18446744073709551616 else %1$s end)::bigint)', value)
    else format('''\x01''::bytea || int8send(%s)', value)
  end);
$$;

-- A release that writes these otherwise writes them anew.
do $$
begin
  perform swarmplane.make_writer(s) from swarmplane.table_shape s order by s.id;
end
$$;
reset role;
