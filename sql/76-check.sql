-- Views of checks are read by swarmplane_checker, who is a reader and nothing else: what a view calls runs as that
-- role, and in a function like these it can become nobody else. It sees the hosts that the row's owner sees.
set local role swarmplane_owner;
grant create on schema swarmplane to swarmplane_checker;
grant usage on schema swarmplane to swarmplane_checker;

-- The view, if both the checker and whoever wrote the row may read it.
create or replace function swarmplane.find_check(view text, writer name)
  returns regclass
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  found_view regclass;
  said constant text := find_check.view;
begin
  begin
    found_view := said::regclass;
  exception
    when insufficient_privilege then
      raise exception 'swarmplane_checker may not use the schema of %', said using errcode = 'insufficient_privilege',
        hint = format('grant usage on schema %s to swarmplane_checker', split_part(said, '.', 1));
    when undefined_table or invalid_schema_name or syntax_error or invalid_name then
      raise exception 'there is no view "%"', said using errcode = 'undefined_table',
        hint = 'write it with its schema, as my.failed_unit';
  end;
  if not has_table_privilege('swarmplane_checker', found_view, 'select') then
    raise exception 'swarmplane_checker may not read %', found_view using errcode = 'insufficient_privilege',
      hint = format('grant select on %s to swarmplane_checker', found_view);
  end if;
  if not has_table_privilege(writer, found_view, 'select') then
    raise exception '% may not read %', writer, found_view using errcode = 'insufficient_privilege';
  end if;
  if not exists (
    select from pg_attribute a
     where a.attrelid = found_view and a.attname = 'host' and a.attnum > 0 and not a.attisdropped)
  then
    raise exception '% has no column host', found_view using errcode = 'undefined_column',
      hint = 'a check gives a row for each host where something is wrong, with the host''s name in column host';
  end if;
  return found_view;
end
$$;

-- Its first row for each host, in the order of their text.
create or replace function swarmplane.read_check(view regclass)
  returns table (host text, "row" jsonb)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  return query execute format(
    'select v.host, (array_agg(v.row order by v.row::text))[1]
       from (select w.host::text as host, to_jsonb(w) as row from %s w) v
      where v.host is not null
      group by v.host', view);
end
$$;

alter function swarmplane.find_check(text, name) owner to swarmplane_checker;
alter function swarmplane.read_check(regclass) owner to swarmplane_checker;
revoke create on schema swarmplane from swarmplane_checker;
-- as the checker, whose functions they are
set local role swarmplane_checker;
revoke execute on function swarmplane.find_check(text, name), swarmplane.read_check(regclass) from public;
grant execute on function swarmplane.find_check(text, name), swarmplane.read_check(regclass) to swarmplane_owner;
reset role;
