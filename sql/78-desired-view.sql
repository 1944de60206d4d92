-- What people read of desired state.
set local role swarmplane_owner;

-- Counts are of the hosts that whoever reads may see.
create or replace view swarmplane.desired_status with (security_invoker = true) as
  select d.name,
         case
           when not d.active then 'off'
           when d.stopped_at is not null then 'stopped'
           when d.action is not null and d.dry_run then case when c.wrong + c.stuck > 0 then 'dry run' else 'ok' end
           when c.acting > 0 then 'at work'
           when d.hold_after is not null and d.approved_version is distinct from d.version
                and c.acted >= d.hold_after and c.wrong > 0 then 'waits for approval'
           when d.action is null and c.wrong > 0 then 'failed'
           when c.wrong > 0 then 'waiting'
           when c.stuck > 0 then 'stuck'
           when c.unknown > 0 then 'looking'
           else 'ok'
         end as state,
         c.hosts, c.ok, c.wrong, c.acting, c.stuck, c.unknown, c.away,
         d.action, d.dry_run, d.version, d.owner, d.stopped_why, d.waits_since, d.last_error, d.description, d.resolution
    from swarmplane.desired d
   cross join lateral (
      select count(*) as hosts,
             count(*) filter (where h.state = 'ok') as ok,
             count(*) filter (where h.state = 'wrong') as wrong,
             count(*) filter (where h.state in ('acting', 'proving')) as acting,
             count(*) filter (where h.state = 'stuck') as stuck,
             count(*) filter (where h.state = 'unknown') as unknown,
             count(*) filter (where n.state <> 'alive') as away,
             count(*) filter (where h.acted_at >= d.changed_at or h.state = 'acting') as acted
        from swarmplane.desired_host h
        join swarmplane.node n on n.id = h.node_id
       where h.desired_id = d.id) c;

create or replace view swarmplane.desired_host_status with (security_invoker = true) as
  select d.name, n.name as host, h.state, h.since, h.why, h.args, h.tries, h.retry_at, h.checked_at, h.acted_at,
         h.request_id, h.error, n.state as node, h.node_id
    from swarmplane.desired_host h
    join swarmplane.desired d on d.id = h.desired_id
    join swarmplane.node n on n.id = h.node_id;

create or replace view swarmplane.policy_status with (security_invoker = true) as
  select s.name, s.state, s.ok as passed, s.wrong as failed, s.unknown, s.hosts,
         round(100.0 * s.ok / nullif(s.hosts, 0), 1) as percent, s.description, s.resolution, s.last_error
    from swarmplane.desired_status s
   where s.action is null;

-- At each instant how many hosts held, of those of whom something was known; from the steps that are kept.
create or replace function swarmplane.policy_share(
  desired_name text,
  since timestamptz default now() - interval '30 days',
  step interval default '1 day'
)
  returns table (at timestamptz, hosts bigint, passed bigint, percent numeric)
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select i.at, count(s.became), count(*) filter (where s.became = 'ok'),
         round(100.0 * count(*) filter (where s.became = 'ok') / nullif(count(s.became), 0), 1)
    from generate_series(since, now(), step) as i (at)
   cross join (select d.id from swarmplane.desired d where d.name = desired_name) d
    left join lateral (
      select distinct on (e.node_id) e.became
        from swarmplane.desired_event e
       where e.desired_id = d.id and e.at <= i.at
       order by e.node_id, e.at desc) s on s.became <> 'unknown'
   group by i.at
   order by i.at;
$$;

comment on view swarmplane.desired_status is
  'Public. How each row of desired stands: state, and how many of its hosts hold, are wrong, are being acted on, are stuck, are unknown.';
comment on view swarmplane.desired_host_status is
  'Public. How each host stands to each row of desired: state, why (the row that its check gave), tries, the request of its last action.';
comment on view swarmplane.policy_status is
  'Public. Rows of desired without an action: how many hosts passed and failed.';
comment on function swarmplane.policy_share(text, timestamptz, interval) is
  'Public. The share of hosts that a row of desired held for, at each instant since then.';
reset role;
