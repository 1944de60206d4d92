-- What the ids of an action's commands are made of: a copy of the request, in whatever database, has the same ids, by
-- which each host knows that it has run the command already.
-- And triggers that make work no longer fire for rows that were replicated or restored; those that refuse do.
-- An operator will notice: short locks on the tables of the queue, no rewrite.
set local role swarmplane_owner;

alter table swarmplane.request add column command_key uuid;
comment on column swarmplane.request.command_key is
  'Of an action: with the node id of a host it makes the id of the command there; null for a query.';

do $$
declare
  working record;
begin
  for working in
    select t.tgrelid::regclass as of_table, t.tgname as name
      from pg_trigger t
      join pg_class c on c.oid = t.tgrelid
     where c.relnamespace = 'swarmplane'::regnamespace
       and not t.tgisinternal
       and t.tgparentid = 0
       and t.tgenabled = 'A'
       and t.tgname !~ 'refuse|append_only'
       and (t.tgrelid, t.tgname) <> ('swarmplane.setting'::regclass, '_100_check')
     order by 1, 2
  loop
    execute format('alter table %s enable trigger %I', working.of_table, working.name);
  end loop;
end
$$;
reset role;
