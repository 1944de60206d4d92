-- Retention: old partitions go by the settings result_kept and audit_kept. Each call drops
-- little and waits for no lock for long: the hub calls again, and once more an hour later.
set local role swarmplane_owner;

-- The partitions that make_partitions() made, with the end of each.
create or replace function swarmplane.partition_ends()
  returns table (parent text, part text, ends timestamptz)
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select p.relname::text, c.relname::text,
         (to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp
          + case p.relname when 'audit' then interval '1 month' else interval '1 week' end) at time zone 'UTC'
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    join pg_class p on p.oid = i.inhparent
   where p.relnamespace = 'swarmplane'::regnamespace
     and p.relname in ('result', 'delivery_done', 'audit')
     and c.relname ~ ('^' || p.relname || '_\d{8}$');
$$;

-- Drops one old partition of result or delivery_done, with the latter the ended requests of its time.
-- Its name; null when none is old enough. Of the time of an open request nothing goes.
create or replace function swarmplane.drop_old_partition()
  returns text
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set lock_timeout = '1s'
as $$
declare
  old record;
  held text;
begin
  perform swarmplane.limit_waits();
  perform swarmplane.hold_latch('partitions');
  for old in
    select p.parent, p.part, p.ends
      from swarmplane.partition_ends() p
     where p.parent <> 'audit'
       and p.ends <= now() - swarmplane.setting_interval('result_kept')
       and not exists (
         select from swarmplane.request r where r.closed_at is null and r.asked_at < p.ends)
     order by p.ends, p.parent desc
     limit 8
  loop
    begin
      if old.parent = 'delivery_done' then
        delete from swarmplane.request r where r.closed_at is not null and r.asked_at < old.ends;
      end if;
      execute format('drop table swarmplane.%I', old.part);
      return old.part;
    exception
      -- somebody reads it: the next one
      when lock_not_available then held := coalesce(held, old.part);
    end;
  end loop;
  if held is not null then
    raise exception 'another session holds swarmplane.%, which is old enough to go', held
      using errcode = 'lock_not_available';
  end if;
  return null;
end
$$;

-- Every minute, by the hubs: drops alerts, hubs and wish lists that are over. Never the newest wish list, whose version
-- the next one must exceed.
create or replace function swarmplane.forget_ended_rows()
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  delete from swarmplane.alert a
   where a.id in (
     select o.id from swarmplane.alert o
      where o.resolved_at < now() - swarmplane.setting_interval('alert_kept')
      order by o.id
      limit 1000
        for update skip locked);
  delete from swarmplane.hub h
   where h.id in (
     select o.id from swarmplane.hub o
      where greatest(o.seen_at, o.stopped_at) < now() - swarmplane.setting_interval('hub_kept')
        and not exists (select from swarmplane.lease l where l.hub = o.id)
      order by o.id
      limit 1000
        for update skip locked);
  if (select count(*) from swarmplane.wish_list) > (select count(distinct h.version) + 1 from swarmplane.handover h)
     and swarmplane.try_latch('wish_list')
  then
    delete from swarmplane.wish_list l
     where l.version < (select max(m.version) from swarmplane.wish_list m)
       and not exists (select from swarmplane.handover h where l.version in (h.version, h.known_version));
  end if;
end
$$;

-- Begins the seal that says from where on the audit is kept, once months of it are old enough and sealed
-- without a gap. The caller signs as with begin_seal; drop_sealed_audit does it afterwards.
create or replace function swarmplane.begin_checkpoint(hub text)
  returns setof swarmplane.audit_seal
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  newest swarmplane.audit_seal;
  earlier swarmplane.audit_seal;
  made swarmplane.audit_seal;
begin
  if not swarmplane.try_latch('seal') then
    return;
  end if;
  select max(p.ends) into made.dropped_before
    from swarmplane.partition_ends() p
   where p.parent = 'audit' and p.ends <= now() - swarmplane.setting_interval('audit_kept');
  select * into newest from swarmplane.audit_seal s order by s.number desc limit 1;
  select * into earlier
    from swarmplane.audit_seal s
   where s.dropped_before is not null
   order by s.number desc limit 1;
  if made.dropped_before is null or newest.number is null
     or made.dropped_before <= earlier.dropped_before then
    return;
  end if;
  if exists (
    select from swarmplane.audit a
     where a.at < made.dropped_before
       and a.id > newest.settled_id
       and a.id not in (select swarmplane.sealed_ids(newest.settled_id)))
  then
    perform swarmplane.raise_alert('audit_unsealed', 'retention',
      format('audit rows before %s are not sealed yet: they stay, although audit_kept has passed', made.dropped_before));
    return;
  end if;

  made.number := newest.number + 1;
  made.chain := newest.chain;
  made.at := clock_timestamp();
  made.hub := begin_checkpoint.hub;
  made.previous := newest.hash;
  made.count := 0;
  made.first_id := 0;
  made.last_id := 0;
  made.seen_id := newest.seen_id;
  made.settled_id := newest.settled_id;
  made.rows := '';
  made.seen_xid := newest.seen_xid;
  -- the last seal before the first that holds a row which stays
  select coalesce(min(s.number), made.number) - 1 into made.dropped_seal
    from swarmplane.audit_seal s
   where s.last_at >= made.dropped_before;
  made.dropped_hash := coalesce(
    (select s.hash from swarmplane.audit_seal s where s.number = made.dropped_seal),
    earlier.dropped_hash,
    decode(repeat('00', 32), 'hex'));
  select coalesce(earlier.dropped_rows, 0) + count(*) into made.dropped_rows
    from swarmplane.audit a
   where a.at < made.dropped_before and a.at >= coalesce(earlier.dropped_before, '-infinity');
  made.hash := swarmplane.seal_hash(made);
  insert into swarmplane.audit_seal select made.*;
  return next made;
end
$$;

-- Drops the months of the audit that a signed checkpoint lets go, and their seals. How many months.
create or replace function swarmplane.drop_sealed_audit()
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set lock_timeout = '1s'
as $$
declare
  checkpoint swarmplane.audit_seal;
  old record;
  dropped integer := 0;
begin
  perform swarmplane.limit_waits();
  perform swarmplane.hold_latch('partitions');
  select * into checkpoint
    from swarmplane.audit_seal s
   where s.dropped_before is not null and s.head is not null
   order by s.number desc limit 1;
  for old in
    select p.part
      from swarmplane.partition_ends() p
     where p.parent = 'audit' and p.ends <= checkpoint.dropped_before
     order by p.ends
  loop
    execute format('drop table swarmplane.%I', old.part);
    dropped := dropped + 1;
  end loop;
  delete from swarmplane.audit_seal s where s.number <= checkpoint.dropped_seal;
  return dropped;
end
$$;
reset role;
