-- breaking: hubs without this file read takings under their former name.
-- One reading of a tracked table is a taking, and so is its row: the table collection gets that name, and so do
-- its partitions, indexes and constraints.
-- An operator will notice: a short lock on it, no rewrite. Queries of one's own name swarmplane.taking now.
set local role swarmplane_owner;

do $$
declare
  part record;
  named record;
begin
  for part in
    select c.oid, c.relname as name, regexp_replace(c.relname, '^collection', 'taking') as becomes
      from pg_class c
     where c.oid = 'swarmplane.collection'::regclass
        or c.oid in (select i.inhrelid from pg_inherits i where i.inhparent = 'swarmplane.collection'::regclass)
     order by c.oid
  loop
    -- an index of a key takes its constraint along
    for named in
      select x.relname as name, regexp_replace(x.relname, '^collection', 'taking') as becomes
        from pg_index i
        join pg_class x on x.oid = i.indexrelid
       where i.indrelid = part.oid and x.relname like 'collection\_%'
    loop
      execute format('alter index swarmplane.%I rename to %I', named.name, named.becomes);
    end loop;
    -- PostgreSQL 18 names that a column is not null; a partition's is renamed with its parent's, where both have one name
    for named in
      select k.conname as name, regexp_replace(k.conname, '^collection', 'taking') as becomes
        from pg_constraint k
       where k.conrelid = part.oid and k.contype = 'n' and k.conname like 'collection\_%'
    loop
      begin
        execute format('alter table %s rename constraint %I to %I', part.oid::regclass, named.name, named.becomes);
      exception
        when undefined_object or invalid_table_definition then null;
      end;
    end loop;
    if part.name <> part.becomes then
      execute format('alter table swarmplane.%I rename to %I', part.name, part.becomes);
    end if;
  end loop;
end
$$;
reset role;
