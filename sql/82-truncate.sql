-- Truncate is refused wherever deleting is checked, refused or written down: it would pass all of that by. Triggers
-- on truncate are not handed to partitions, so these have their own.
set local role swarmplane_owner;

create or replace function swarmplane.tg_refuse_truncate()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  raise exception 'truncate of %.% would pass by what a delete is checked for and leaves in the audit', tg_table_schema, tg_table_name
    using errcode = 'insufficient_privilege', hint = 'delete its rows; what is old goes by the settings of retention';
end
$$;

-- Of a table with a trigger on delete, its own or its parent's, unless it has one on truncate.
create or replace function swarmplane.refuse_truncate(guarded regclass)
  returns void
  language plpgsql
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if not exists (select from pg_trigger t where t.tgrelid = guarded and t.tgtype & 32 <> 0)
     and exists (select from pg_trigger t where t.tgrelid = guarded and t.tgtype & 8 <> 0 and not t.tgisinternal)
  then
    execute format('create trigger _101_refuse_truncate before truncate on %s
      for each statement execute function swarmplane.tg_refuse_truncate()', guarded);
    execute format('alter table %s enable always trigger _101_refuse_truncate', guarded);
  end if;
end
$$;

do $$
begin
  perform swarmplane.refuse_truncate(c.oid)
    from pg_class c
   where c.relnamespace in ('swarmplane'::regnamespace, 'inventory'::regnamespace) and c.relkind in ('r', 'p')
   order by c.oid;
end
$$;
reset role;
