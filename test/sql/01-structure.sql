-- Rules that hold for every object of the schema.
begin;

select pg_temp.equal('definer functions and triggers pin their search_path', string_agg(p.oid::regprocedure::text, ', '), null)
  from pg_proc p
 where p.pronamespace = 'swarmplane'::regnamespace
   and (p.prosecdef or p.prorettype = 'trigger'::regtype)
   and not coalesce(p.proconfig, '{}') @> array['search_path=pg_catalog, swarmplane, pg_temp'];

select pg_temp.equal('nothing may be executed by everybody', string_agg(p.oid::regprocedure::text, ', '), null)
  from pg_proc p
 where p.pronamespace = 'swarmplane'::regnamespace
   and has_function_privilege('public', p.oid, 'execute');

select pg_temp.equal('nothing may be read or written by everybody', string_agg(c.oid::regclass::text, ', '), null)
  from pg_class c
 where c.relnamespace = 'swarmplane'::regnamespace
   and c.relkind in ('r', 'p', 'v')
   and has_table_privilege('public', c.oid, 'select, insert, update, delete');

-- replicated and restored rows are data: what makes work or changes a row has done so already
select pg_temp.equal('guards fire in replica mode too, and nothing else does', string_agg(t.tgrelid::regclass || '.' || t.tgname, ', '), null)
  from pg_trigger t
  join pg_class c on c.oid = t.tgrelid
 where c.relnamespace in ('swarmplane'::regnamespace, 'inventory'::regnamespace)
   and not t.tgisinternal
   and t.tgenabled <> case
         when t.tgname ~ 'refuse|append_only' or t.tgrelid = 'swarmplane.setting'::regclass and t.tgname = '_100_check'
         then 'A' else 'O' end;

-- with partitions, of this month and of tracked tables
select swarmplane.make_partitions();
select pg_temp.equal('truncate is refused where a delete is checked or written down', string_agg(c.oid::regclass::text, ', '), null)
  from pg_class c
 where c.relnamespace in ('swarmplane'::regnamespace, 'inventory'::regnamespace)
   and c.relkind in ('r', 'p')
   and exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgtype & 8 <> 0 and not t.tgisinternal)
   and not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgtype & 32 <> 0 and t.tgenabled = 'A');
do $$
declare
  guarded regclass;
begin
  for guarded in
    select c.oid::regclass
      from pg_class c
     where c.relnamespace in ('swarmplane'::regnamespace, 'inventory'::regnamespace)
       and c.relkind in ('r', 'p')
       and exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgtype & 8 <> 0 and not t.tgisinternal)
  loop
    begin
      execute format('truncate %s cascade', guarded);
    exception when insufficient_privilege or object_not_in_prerequisite_state then
      continue;
    end;
    raise exception 'truncate of % went through', guarded;
  end loop;
  perform pg_temp.equal('schedules and the newest audit are among them', count(*)::text, '2')
    from pg_trigger t
   where t.tgname = '_101_refuse_truncate'
     and t.tgrelid in ('swarmplane.schedule'::regclass,
       to_regclass(format('swarmplane.audit_%s', to_char(date_trunc('month', now() at time zone 'UTC'), 'YYYYMMDD'))));
end
$$;

select pg_temp.equal('partitions carry no grants of their own', string_agg(c.oid::regclass::text, ', '), null)
  from pg_class c
 cross join unnest(array['swarmplane_reader', 'swarmplane_operator', 'swarmplane_hub', 'swarmplane_auditor']) as r (name)
 where c.relnamespace = 'swarmplane'::regnamespace
   and c.relispartition and c.relkind = 'r'
   and has_table_privilege(r.name, c.oid, 'select');

select pg_temp.equal('views run with the rights of who reads', string_agg(c.oid::regclass::text, ', '), null)
  from pg_class c
 where c.relnamespace = 'swarmplane'::regnamespace
   and c.relkind = 'v'
   and not coalesce(c.reloptions, '{}') @> array['security_invoker=true'];

select pg_temp.equal('every table and view says whether it is public', string_agg(c.oid::regclass::text, ', '), null)
  from pg_class c
 where c.relnamespace = 'swarmplane'::regnamespace
   and c.relkind in ('r', 'p', 'v')
   and not c.relispartition
   and coalesce(obj_description(c.oid), '') !~ '^(Public|Private)\.';

select pg_temp.equal('every table with node_id is guarded by label', string_agg(c.oid::regclass::text, ', '), null)
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attname = 'node_id' and not a.attisdropped
 where c.relnamespace = 'swarmplane'::regnamespace
   and c.relkind in ('r', 'p')
   and not c.relispartition
   and (not c.relrowsecurity or not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'by_label'));

select pg_temp.equal('the owner is no person', r.rolcanlogin::text, 'false')
  from pg_roles r where r.rolname = 'swarmplane_owner';

select pg_temp.equal('every column of what is public says what it is (sql/95-comment.sql)',
  string_agg(c.relname || '.' || a.attname, ', '), null)
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
 where c.relnamespace = 'swarmplane'::regnamespace
   and c.relkind in ('r', 'p', 'v')
   and not c.relispartition
   and obj_description(c.oid, 'pg_class') like 'Public.%'
   and col_description(c.oid, a.attnum) is null;

select pg_temp.equal('and every function that somebody may call', string_agg(p.oid::regprocedure::text, ', '), null)
  from pg_proc p
 cross join unnest(array['swarmplane_reader', 'swarmplane_operator', 'swarmplane_auditor']) as r (name)
 where p.pronamespace = 'swarmplane'::regnamespace
   and has_function_privilege(r.name, p.oid, 'execute')
   and obj_description(p.oid, 'pg_proc') is null;
rollback;
