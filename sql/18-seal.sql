-- Seals: audit rows in batches, chained and signed by a hub; see docs/protocol.md section 10.
set local role swarmplane_owner;

-- The hash of a seal: everything that is said in it but for the signature.
create or replace function swarmplane.seal_hash(seal swarmplane.audit_seal)
  returns bytea
  language sql
  stable
  return sha256(
    swarmplane.field(convert_to('swarmplane/1 audit seal', 'UTF8'))
    || swarmplane.field(uuid_send(seal.chain))
    || swarmplane.field(int8send(seal.number))
    || swarmplane.field(int8send(swarmplane.micros(seal.at)))
    || swarmplane.field(decode(seal.hub, 'hex'))
    || swarmplane.field(seal.previous)
    || swarmplane.field(int8send(seal.count))
    || swarmplane.field(int8send(seal.first_id))
    || swarmplane.field(int8send(seal.last_id))
    || swarmplane.field(int8send(seal.seen_id))
    || swarmplane.field(int8send(seal.settled_id))
    || swarmplane.field(sha256(seal.rows))
    || swarmplane.field(case when seal.dropped_before is null then ''::bytea else
         swarmplane.field(int8send(swarmplane.micros(seal.dropped_before)))
         || swarmplane.field(int8send(seal.dropped_seal))
         || swarmplane.field(seal.dropped_hash)
         || swarmplane.field(int8send(seal.dropped_rows)) end));

-- Ids that some seal above `after_id` holds.
create or replace function swarmplane.sealed_ids(after_id bigint)
  returns setof bigint
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  -- an int8 of a bytea, as bits
  select ('x' || encode(substr(s.rows, place * 48 + 1, 8), 'hex'))::bit(64)::bigint
    from swarmplane.audit_seal s, generate_series(0, s.count - 1) place
   where s.last_id > after_id;
$$;

-- Begins a seal over at most `most` rows; nothing when there are none, or another hub is at it. The
-- caller signs and calls finish_seal in the same transaction. A new chain is begun where `afresh` says so.
create or replace function swarmplane.begin_seal(
  hub text,
  most integer default 5000,
  afresh boolean default false
)
  returns setof swarmplane.audit_seal
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  newest swarmplane.audit_seal;
  made swarmplane.audit_seal;
  horizon xid8;
  settled bigint;
begin
  if not swarmplane.try_latch('seal') then
    return;
  end if;
  select * into newest from swarmplane.audit_seal s order by s.number desc limit 1;
  made.number := coalesce(newest.number, 0) + 1;
  made.chain := case when afresh or newest.chain is null then gen_random_uuid() else newest.chain end;
  made.at := clock_timestamp();
  made.hub := begin_seal.hub;
  made.previous := coalesce(newest.hash, decode(repeat('00', 32), 'hex'));
  settled := coalesce(newest.settled_id, 0);

  -- The sequence first, then the snapshot: who took an id up to this one has a transaction id below
  -- the end of the snapshot, as rows are written after what they tell of.
  select coalesce(pg_sequence_last_value('swarmplane.audit_id_seq'), 0) into made.seen_id;
  made.seen_xid := pg_snapshot_xmax(pg_current_snapshot());

  -- One statement, one snapshot. Rows at or above its end are visible only when they were restored from
  -- another server's backup.
  with due as (
    select a.id, a.at, coalesce(a.hash, swarmplane.audit_hash(a)) as hash
      from swarmplane.audit a
     where a.id > settled
       and (a.xid < pg_snapshot_xmin(pg_current_snapshot())
            or a.xid >= pg_snapshot_xmax(pg_current_snapshot()))
       and a.id not in (select swarmplane.sealed_ids(settled))
     order by a.id
     limit most
  )
  select count(*), coalesce(min(d.id), 0), coalesce(max(d.id), 0), max(d.at),
         coalesce(string_agg(int8send(d.id) || int8send(swarmplane.micros(d.at)) || d.hash, '' order by d.id), ''),
         pg_snapshot_xmin(pg_current_snapshot())
    into made.count, made.first_id, made.last_id, made.last_at, made.rows, horizon
    from due d;
  if made.count = 0 then
    return;
  end if;

  -- Of ids that were given out before an earlier seal, whose transactions have all ended since, every
  -- row is in the seals by now; where the batch was cut, up to its last.
  select greatest(settled, least(max(s.seen_id), case when made.count = most then made.last_id end))
    into made.settled_id
    from (
      select earlier.seen_id, earlier.seen_xid
        from swarmplane.audit_seal earlier
       order by earlier.number desc
       limit 100
    ) s
   where s.seen_xid <= horizon;
  made.settled_id := coalesce(made.settled_id, settled);
  made.hash := swarmplane.seal_hash(made);
  insert into swarmplane.audit_seal select made.*;
  return next made;
end
$$;

-- Puts the hub's signature on the seal that this transaction began.
create or replace function swarmplane.finish_seal(number bigint, head bytea, key_version bigint)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  update swarmplane.audit_seal s
     set head = finish_seal.head, key_version = finish_seal.key_version
   where s.number = finish_seal.number and s.head is null and finish_seal.head is not null;
  if not found then
    raise exception 'no seal % waits for a signature', finish_seal.number
      using errcode = 'object_not_in_prerequisite_state';
  end if;
end
$$;

create or replace function swarmplane.tg_audit_seal__refuse_change()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if tg_op = 'UPDATE' and old.head is null
     and to_jsonb(new) - array['head', 'key_version'] = to_jsonb(old) - array['head', 'key_version'] then
    return new;
  end if;
  if tg_op = 'DELETE' and exists (
    select from swarmplane.audit_seal c
     where c.dropped_seal >= old.number and c.number > old.number and c.head is not null)
  then
    return old;
  end if;
  raise exception 'seals are never changed or deleted'
    using errcode = 'insufficient_privilege',
          hint = 'old ones go with the rows they seal, by the setting audit_kept';
end
$$;

create or replace trigger _100_refuse_change
  before update or delete on swarmplane.audit_seal
  for each row execute function swarmplane.tg_audit_seal__refuse_change();
create or replace trigger _101_refuse_truncate
  before truncate on swarmplane.audit_seal
  for each statement execute function swarmplane.tg_audit_seal__refuse_change();
alter table swarmplane.audit_seal enable always trigger _100_refuse_change;
alter table swarmplane.audit_seal enable always trigger _101_refuse_truncate;

comment on table swarmplane.audit_seal is
  'Public. Seals over batches of audit rows, chained and signed by hubs; `swarmplane audit verify` checks them.';
reset role;
