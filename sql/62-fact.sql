-- The queue in numbers, for metrics and `swarmplane doctor`. Counts hosts and deliveries of every label,
-- so it is for hubs and operators only.
set local role swarmplane_owner;

create or replace function swarmplane.queue_facts()
  returns jsonb
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select jsonb_build_object(
    'deliveries', (
      select jsonb_object_agg(s.state, coalesce(d.count, 0))
        from unnest(array['pending', 'parked', 'running']) as s (state)
        left join (select state, count(*) as count from swarmplane.delivery group by state) d using (state)),
    'oldest_due_seconds', coalesce((
      select greatest(extract(epoch from clock_timestamp() - min(d.run_at)), 0)
        from swarmplane.delivery d where d.state = 'pending'), 0),
    'open_requests', (select count(*) from swarmplane.request r where r.closed_at is null),
    'leases', (select count(*) from swarmplane.lease),
    'hosts', (
      select jsonb_object_agg(s.state, coalesce(n.count, 0))
        from unnest(array['alive', 'suspect', 'dead', 'left', 'forgotten', 'expelled', 'retired']) as s (state)
        left join (select state, count(*) as count from swarmplane.node group by state) n using (state)),
    'alerts', (
      select jsonb_object_agg(s.severity, coalesce(a.count, 0))
        from unnest(array['info', 'warning', 'critical']) as s (severity)
        left join (select severity, count(*) as count from swarmplane.alert
                    where resolved_at is null group by severity) a using (severity)),
    'untold_seconds', coalesce((
      select greatest(extract(epoch from clock_timestamp() - min(e.at)), 0)
        from swarmplane.alert_event e where e.sent_at is null), 0),
    'hubs', (
      select coalesce(jsonb_agg(h.name order by h.name), '[]')
        from swarmplane.hub h
       where h.stopped_at is null and h.seen_at > now() - swarmplane.setting_interval('lease_time')));
$$;
reset role;
