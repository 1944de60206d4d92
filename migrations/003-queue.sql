-- What was asked, and the queue of its deliveries. docs/backplane.md has the states.
set local role swarmplane_owner;

create table swarmplane.request (
  id bigint generated always as identity primary key,
  sql text,
  action text,
  args jsonb,
  hosts text[] default '{*}',
  include_new boolean not null default false,
  wait_for_away boolean not null default true,
  priority smallint not null default 0,
  expires_in interval,
  idempotency_key text
    constraint idempotency_key_is_short check (length(idempotency_key) between 1 and 200),
  reason text,
  asked_by name not null default session_user,
  asked_at timestamptz not null default now(),
  cancel boolean not null default false,
  expires_at timestamptz,
  targets integer not null default 0,
  pending integer not null default 0,
  running integer not null default 0,
  ok integer not null default 0,
  failed integer not null default 0,
  refused integer not null default 0,
  expired integer not null default 0,
  unreachable integer not null default 0,
  cancelled integer not null default 0,
  state text not null generated always as (
    case when targets = 0 then 'new' when pending + running > 0 then 'open' else 'done' end
  ) stored,
  closed_at timestamptz,
  constraint asks_one_thing check (num_nonnulls(sql, action) = 1),
  constraint counts_add_up check (
    targets = pending + running + ok + failed + refused + expired + unreachable + cancelled),
  constraint counts_are_not_negative check (
    least(pending, running, ok, failed, refused, expired, unreachable, cancelled) >= 0),
  constraint idempotency_key_is_used_once unique (asked_by, idempotency_key)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
create index request_open on swarmplane.request (expires_at) where closed_at is null;
create index request_cancelling on swarmplane.request (id) where cancel and closed_at is null;
create index request_asked_at on swarmplane.request (asked_at);

create table swarmplane.lease (
  token uuid primary key,
  hub uuid not null references swarmplane.hub,
  request_id bigint not null references swarmplane.request,
  claimed_at timestamptz not null default now(),
  until timestamptz not null
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
create index lease_until on swarmplane.lease (until);

-- Open deliveries only; `token` outlives its lease on purpose: a late answer counts until a new claim.
create table swarmplane.delivery (
  id uuid primary key default gen_random_uuid(),
  request_id bigint not null references swarmplane.request,
  node_id integer not null references swarmplane.node,
  state text not null default 'pending'
    constraint state_is_open check (state in ('pending', 'parked', 'running')),
  priority smallint not null default 0,
  run_at timestamptz not null default now(),
  attempt integer not null default 0
    constraint attempt_is_not_negative check (attempt >= 0),
  reached boolean not null default false,
  token uuid,
  claimed_at timestamptz,
  last_code text,
  last_error text,
  constraint one_per_request_and_node unique (request_id, node_id),
  constraint parked_waits_for_ever check ((state = 'parked') = (run_at = 'infinity')),
  constraint running_has_a_token check (state <> 'running' or token is not null)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
create index delivery_due on swarmplane.delivery (priority, run_at, id) where state = 'pending';
create index delivery_parked on swarmplane.delivery (node_id) where state = 'parked';
create index delivery_token on swarmplane.delivery (token);
reset role;
