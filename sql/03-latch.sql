-- Latches: one transaction at a time does a thing. They are rows, because any login may hold an advisory lock, and
-- nobody but the owner may lock these.
set local role swarmplane_owner;

-- Waits for the latch and holds it until the transaction ends.
create or replace function swarmplane.hold_latch(latch_name text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform from swarmplane.latch l where l.name = latch_name for update;
  if not found then
    raise exception 'there is no latch "%"', latch_name;
  end if;
end
$$;

-- Holds the latch until the transaction ends; false when another transaction does.
create or replace function swarmplane.try_latch(latch_name text)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform from swarmplane.latch l where l.name = latch_name for update skip locked;
  return found;
end
$$;

comment on table swarmplane.latch is
  'Private. What one transaction at a time does; locked row by row.';
reset role;
