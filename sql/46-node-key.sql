-- Key lists of nodes: only ever added to, so that a swapped key cannot hide what was there before.
set local role swarmplane_owner;

-- Entries that a hub has pinned: [{identity, version, sign_key, box_key, entry (all hex), time (s)}, ...].
-- A second entry of one version is kept beside the first, and is an alert. How many were new.
create or replace function swarmplane.report_keys(entries jsonb)
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  fresh record;
  added integer := 0;
begin
  -- one reporter at a time: two hubs that report one half of a fork each would both miss it
  perform swarmplane.hold_latch('node_key');
  for fresh in
    insert into swarmplane.node_key (node_id, version, sign_key, box_key, made_at, entry)
    select n.id, k.version, decode(k.sign_key, 'hex'), decode(k.box_key, 'hex'), to_timestamp(k.time),
           decode(k.entry, 'hex')
      from jsonb_to_recordset(entries) as k (
        identity text, version integer, sign_key text, box_key text, time double precision, entry text)
      join swarmplane.node n on n.identity = k.identity
     order by n.id, k.version
    on conflict do nothing
    returning node_id, version, hash
  loop
    added := added + 1;
    perform swarmplane.raise_alert(
      'key_conflict', n.identity,
      format('%s has signed two different key entries of version %s: see swarmplane.node_key', n.name, fresh.version))
      from swarmplane.node n
     where n.id = fresh.node_id
       and exists (
         select from swarmplane.node_key k
          where k.node_id = fresh.node_id and k.version = fresh.version and k.hash <> fresh.hash);
  end loop;
  return added;
end
$$;

create or replace function swarmplane.tg_node_key__append_only()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  raise exception 'key lists are only ever added to'
    using errcode = 'object_not_in_prerequisite_state',
          hint = 'a key that was seen once stays as evidence';
end
$$;

create or replace trigger _100_append_only
  before update or delete or truncate on swarmplane.node_key
  for each statement execute function swarmplane.tg_node_key__append_only();
alter table swarmplane.node_key enable always trigger _100_append_only;

comment on table swarmplane.node_key is
  'Public. The keys of every node as hubs pinned them, with each entry as signed; only ever added to.';
reset role;
