-- Sequences: logical replication copies rows and not where their sequences stand, and a second row of one id is not
-- always an error.
set local role swarmplane_owner;

-- By each hub that starts: sets sequences of identity columns behind the highest id that is there. How many were not.
-- No insert is under way meanwhile: what it took would be given out twice.
create or replace function swarmplane.raise_sequences()
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  counted record;
  highest bigint;
  raised integer := 0;
begin
  for counted in
    select a.attrelid::regclass as of_table, a.attname as of_column,
           pg_get_serial_sequence(a.attrelid::regclass::text, a.attname)::regclass as sequence
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid
     where c.relnamespace = 'swarmplane'::regnamespace
       and a.attidentity <> ''
       and not c.relispartition
     order by a.attrelid
  loop
    execute format('select max(%I) from %s', counted.of_column, counted.of_table) into highest;
    if highest > coalesce(pg_sequence_last_value(counted.sequence), 0) then
      execute format('lock table %s in share row exclusive mode', counted.of_table);
      execute format('select max(%I) from %s', counted.of_column, counted.of_table) into highest;
      perform setval(counted.sequence, greatest(highest, coalesce(pg_sequence_last_value(counted.sequence), 0)));
      raised := raised + 1;
    end if;
  end loop;
  return raised;
end
$$;
reset role;
