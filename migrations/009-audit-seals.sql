-- Audit that can be proved: a hash in every row, batches of rows sealed into a chain that hubs sign, and
-- what is kept how long.
set local role swarmplane_owner;

-- Guards of an earlier release would refuse what follows; sql/ puts them back.
alter table swarmplane.audit disable trigger user;
alter table swarmplane.audit
  -- hubs seal a row when no transaction as old as its own is open any more
  add column xid xid8 not null default pg_current_xact_id(),
  add column hash bytea;
-- the encoding of docs/protocol.md section 10, which swarmplane.audit_hash() computes from now on
update swarmplane.audit
   set hash = sha256((
     select string_agg(int4send(octet_length(field)) || field, '' order by place)
       from unnest(array[
              convert_to('swarmplane/1 audit row', 'UTF8'),
              int8send(id),
              int8send((extract(epoch from at) * 1000000)::bigint),
              convert_to(actor::text, 'UTF8'),
              convert_to(action, 'UTF8'),
              convert_to(object, 'UTF8'),
              convert_to(coalesce(before::text, ''), 'UTF8'),
              convert_to(coalesce(after::text, ''), 'UTF8')
            ]) with ordinality as part (field, place)));
alter table swarmplane.audit alter column hash set not null;
alter table swarmplane.audit enable trigger user;

create table swarmplane.audit_seal (
  number bigint primary key
    constraint number_is_positive check (number > 0),
  chain uuid not null,
  at timestamptz not null,
  hub text not null
    constraint hub_is_a_node_id check (hub ~ '^[0-9a-f]{64}$'),
  previous bytea not null,
  count integer not null,
  first_id bigint not null,
  last_id bigint not null,
  -- the highest id that was given out by then
  seen_id bigint not null,
  -- no row up to this id was missing from the seals by then
  settled_id bigint not null,
  -- id, microseconds since 1970 and hash of each row, 48 bytes, by id
  rows bytea not null
    constraint rows_are_counted check (octet_length(rows) = count * 48),
  dropped_before timestamptz,
  dropped_seal bigint,
  dropped_hash bytea,
  dropped_rows bigint,
  hash bytea not null,
  -- SEAL, as the hub signed it, and the version of its key; null only inside of the transaction that
  -- makes the seal
  head bytea,
  key_version bigint,
  last_at timestamptz,
  -- from the snapshot of the seal: transactions from here on had not begun
  seen_xid xid8 not null,
  constraint checkpoint_is_whole
    check (num_nulls(dropped_before, dropped_seal, dropped_hash, dropped_rows) in (0, 4))
);

update swarmplane.setting
   set description = 'how long ended requests, results and how hosts ended are kept; dropped by whole weeks'
 where name = 'result_kept';
update swarmplane.setting
   set description = 'how long audit rows are kept; dropped by whole months, once they are sealed'
 where name = 'audit_kept';
reset role;
