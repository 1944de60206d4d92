-- Clocks that jump: what was stamped with a time that has not come yet would keep work waiting until it has.
set local role swarmplane_owner;

-- By the hubs, every minute, and with `jumped` when they start and when a clock did: a next time that is further
-- away than one period is due now, and no stamp of the future stays where something is told by it. How many rows.
-- Not by least(), which makes a time of null.
-- Times in results, history and audit stay as they were written.
create or replace function swarmplane.mend_clock(jumped boolean default true)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  mended bigint := 0;
  rows bigint;
  longest_turn interval := greatest(interval '10 minutes',
    (select count(*) from swarmplane.handover) * interval '150 milliseconds');
begin
  with late as materialized (
    select s.id from swarmplane.schedule s
     where s.active
       and (s.every is not null and s.next_at > now() + s.every + interval '1 second'
            -- read anew by a hub: it makes no tick of that
            or jumped and s.cron is not null and s.next_at > now() and s.next_at < 'infinity'
            or s.last_at > now())
     order by s.id
       for update skip locked
  )
  update swarmplane.schedule s
     set next_at = case when s.cron is not null and s.next_at > now() then null
                        when s.every is not null and s.next_at > now() + s.every + interval '1 second' then now()
                        else s.next_at end,
         last_at = case when s.last_at > now() then now() else s.last_at end
    from late
   where s.id = late.id;
  get diagnostics rows = row_count;
  mended := mended + rows;

  with late as materialized (
    select d.id from swarmplane.desired d
     where d.look_at > now() + interval '1 minute 1 second' or d.looked_at > now()
     order by d.id
       for no key update skip locked
  )
  update swarmplane.desired d
     set look_at = least(d.look_at, now()), looked_at = least(d.looked_at, now())
    from late
   where d.id = late.id;
  get diagnostics rows = row_count;
  mended := mended + rows;
  update swarmplane.desired_host h
     set next_at = least(h.next_at, now()), retry_at = case when h.retry_at > now() then now() else h.retry_at end, checked_at = case when h.checked_at > now() then now() else h.checked_at end
    from swarmplane.desired d
   where d.id = h.desired_id and h.next_at < 'infinity'
     and (h.next_at > now() + d.every + d.settle or h.checked_at > now() or h.retry_at > now() + d.per + interval '1 hour');

  with late as materialized (
    select h.node_id from swarmplane.handover h
     where h.due_at > now() + longest_turn or h.asked_at > now() or h.answered_at > now()
     order by h.node_id
       for update skip locked
  )
  update swarmplane.handover h
     set due_at = case when h.due_at > now() + longest_turn then now() else h.due_at end,
         asked_at = case when h.asked_at > now() then now() else h.asked_at end,
         answered_at = case when h.answered_at > now() then now() else h.answered_at end
    from late
   where h.node_id = late.node_id;
  get diagnostics rows = row_count;
  mended := mended + rows;

  with late as materialized (
    select n.id from swarmplane.node n
     where n.seen_at > now() or n.since > now() + interval '5 minutes'
     order by n.id
       for no key update skip locked
  )
  update swarmplane.node n
     set seen_at = case when n.seen_at > now() then now() else n.seen_at end, since = least(n.since, now())
    from late
   where n.id = late.id;
  get diagnostics rows = row_count;
  mended := mended + rows;

  with late as materialized (
    select h.id from swarmplane.hub h where h.seen_at > now() order by h.id for no key update skip locked
  )
  update swarmplane.hub h set seen_at = now() from late where h.id = late.id;

  with late as materialized (
    select a.id from swarmplane.alert a
     where a.resolved_at is null and a.last_at > now()
     order by a.kind, a.key
       for update skip locked
  )
  update swarmplane.alert a
     set first_at = least(a.first_at, now()), last_at = now()
    from late
   where a.id = late.id;
  get diagnostics rows = row_count;
  mended := mended + rows;

  with late as materialized (
    select e.id from swarmplane.alert_event e
     where e.sent_at is null and (e.at > now() or e.run_at > now() + interval '10 minutes')
     order by e.id
       for update skip locked
  )
  update swarmplane.alert_event e
     set at = least(e.at, now()), run_at = least(e.run_at, now())
    from late
   where e.id = late.id;

  with late as materialized (
    select l.token from swarmplane.lease l
     where l.until > now() + 2 * swarmplane.setting_interval('lease_time')
     order by l.token
       for update skip locked
  )
  update swarmplane.lease l
     set until = now() + swarmplane.setting_interval('lease_time')
    from late
   where l.token = late.token;
  get diagnostics rows = row_count;
  mended := mended + rows;

  -- what a hub says again every third of its lease, and is made anew when that ends
  with late as materialized (
    select b.id from swarmplane.backup b
     where b.began_at > now() or b.ended_at > now() or b.ended_at is null and b.lease_until > now() + interval '1 hour'
     order by b.id
       for update skip locked
  )
  update swarmplane.backup b
     set began_at = least(b.began_at, now()),
         ended_at = case when b.ended_at > now() then now() else b.ended_at end,
         lease_until = case when b.ended_at is null then least(b.lease_until, now() + interval '5 minutes') else b.lease_until end
    from late
   where b.id = late.id;
  get diagnostics rows = row_count;
  mended := mended + rows;
  update swarmplane.backup_plan p set planned_at = now() where p.planned_at > now();

  -- as long as it was to be
  update swarmplane.alert_mute m
     set until = now() + (m.until - m.muted_at), muted_at = now()
   where m.muted_at > now();

  with late as materialized (
    select q.name from swarmplane.tracked_query q where q.described_at > now() order by q.name for update skip locked
  )
  update swarmplane.tracked_query q set described_at = now() from late where q.name = late.name;
  with late as materialized (
    select s.id from swarmplane.schedule s where s.described_at > now() order by s.id for update skip locked
  )
  update swarmplane.schedule s set described_at = now() from late where s.id = late.id;
  if not jumped then
    return mended;
  end if;

  with late as materialized (
    select d.id from swarmplane.delivery d
     where d.state = 'pending'
       and d.run_at > now() + 2 * swarmplane.setting_interval('retry_max') + interval '1 second'
     order by d.id
       for update skip locked
  )
  update swarmplane.delivery d set run_at = now() from late where d.id = late.id;
  get diagnostics rows = row_count;
  mended := mended + rows;

  with late as materialized (
    select r.id from swarmplane.request r
     where r.closed_at is null and r.expires_at > now() + r.expires_in + interval '1 second'
     order by r.id
       for no key update skip locked
  )
  update swarmplane.request r set expires_at = now() + r.expires_in from late where r.id = late.id;
  get diagnostics rows = row_count;
  mended := mended + rows;
  perform pg_notify('swarmplane', '');
  return mended;
end
$$;
reset role;
