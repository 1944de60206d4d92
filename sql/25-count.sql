-- The counts of a request: written by these statement triggers and by nothing else. Each goes through its
-- requests in order of id: without that, clients that write outcomes of the same requests deadlock.
set local role swarmplane_owner;

create or replace function swarmplane.tg_delivery__after_insert()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  d record;
begin
  for d in
    select n.request_id, count(*)::integer as added from new_rows n group by 1 order by 1
  loop
    update swarmplane.request r
       set targets = r.targets + d.added,
           pending = r.pending + d.added
     where r.id = d.request_id;
  end loop;
  return null;
end
$$;

-- The time of a query runs from its first claim, an action's from its insert.
create or replace function swarmplane.tg_delivery__after_update()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  d record;
begin
  for d in
    select moved.request_id, sum(moved.by)::integer as started
      from (
        select n.request_id, 1 as by from new_rows n where n.state = 'running'
        union all
        select o.request_id, -1 from old_rows o where o.state = 'running'
      ) moved
     group by 1
    having sum(moved.by) <> 0
     order by 1
  loop
    update swarmplane.request r
       set pending = r.pending - d.started,
           running = r.running + d.started,
           expires_at = coalesce(r.expires_at, now() + r.expires_in)
     where r.id = d.request_id;
  end loop;
  return null;
end
$$;

-- A delivery ends by moving to delivery_done; `was` says which count it leaves. How each host ended with
-- an action is audited here too: a trigger of its own would look up every request once more.
create or replace function swarmplane.tg_delivery_done__after_insert()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  d record;
  asked record;
begin
  for d in
    select n.request_id,
           count(*) filter (where n.was <> 'running') as pending,
           count(*) filter (where n.was = 'running') as running,
           count(*) filter (where n.state = 'ok') as ok,
           count(*) filter (where n.state = 'failed') as failed,
           count(*) filter (where n.state = 'refused') as refused,
           count(*) filter (where n.state = 'expired') as expired,
           count(*) filter (where n.state = 'unreachable') as unreachable,
           count(*) filter (where n.state = 'cancelled') as cancelled
      from new_rows n
     group by 1
     order by 1
  loop
    update swarmplane.request r
       set pending = r.pending - d.pending,
           running = r.running - d.running,
           ok = r.ok + d.ok,
           failed = r.failed + d.failed,
           refused = r.refused + d.refused,
           expired = r.expired + d.expired,
           unreachable = r.unreachable + d.unreachable,
           cancelled = r.cancelled + d.cancelled,
           closed_at = case
             when r.pending - d.pending + r.running - d.running = 0 then clock_timestamp()
           end
     where r.id = d.request_id
    returning r.action, r.args, r.asked_by into asked;
    if asked.action is not null then
      insert into swarmplane.audit (actor, action, object, after)
      select session_user, 'action.' || n.state, format('request %s host %s', n.request_id, n.host),
             jsonb_build_object('action', asked.action, 'args', asked.args, 'asked_by', asked.asked_by,
                                'command', n.id, 'code', n.code, 'error', n.error, 'attempt', n.attempt)
        from new_rows n
       where n.request_id = d.request_id
       order by n.host;
    end if;
  end loop;
  return null;
end
$$;

-- Rows leave delivery only by way of delivery_done.
create or replace function swarmplane.tg_refuse()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  raise exception '% on swarmplane.% would make counts false', lower(tg_op), tg_table_name
    using errcode = 'insufficient_privilege';
end
$$;

create or replace trigger _800_count_insert
  after insert on swarmplane.delivery
  referencing new table as new_rows
  for each statement execute function swarmplane.tg_delivery__after_insert();
create or replace trigger _800_count_update
  after update on swarmplane.delivery
  referencing old table as old_rows new table as new_rows
  for each statement execute function swarmplane.tg_delivery__after_update();
create or replace trigger _800_count_done
  after insert on swarmplane.delivery_done
  referencing new table as new_rows
  for each statement execute function swarmplane.tg_delivery_done__after_insert();
create or replace trigger _100_refuse_truncate
  before truncate on swarmplane.delivery
  for each statement execute function swarmplane.tg_refuse();
create or replace trigger _100_refuse_update
  before update on swarmplane.delivery_done
  for each statement execute function swarmplane.tg_refuse();
alter table swarmplane.delivery enable always trigger _100_refuse_truncate;
alter table swarmplane.delivery_done enable always trigger _100_refuse_update;

-- Any row here is a fault of the software: counts that are not what the deliveries say.
create or replace view swarmplane.count_fault with (security_invoker = true) as
  select r.id as request_id,
         r.targets, r.pending, r.running,
         d.pending as found_pending, d.running as found_running, e.ended as found_ended
    from swarmplane.request r
   cross join lateral (
      select count(*) filter (where state <> 'running') as pending,
             count(*) filter (where state = 'running') as running
        from swarmplane.delivery where request_id = r.id
    ) d
   cross join lateral (
      select count(*) as ended from swarmplane.delivery_done where request_id = r.id
    ) e
   where (r.pending, r.running, r.targets - r.pending - r.running)
      is distinct from (d.pending, d.running, e.ended)
     -- who does not see every delivery cannot count them
     and (select swarmplane.sees_all());

comment on view swarmplane.count_fault is
  'Public. Requests whose counts are not what their deliveries say; empty, or something is broken.';
comment on table swarmplane.delivery is
  'Private. Deliveries that have not ended: one per request and node. Read request_status instead.';
comment on table swarmplane.delivery_done is
  'Private. Deliveries that have ended, with how. Read request_status instead.';
reset role;
