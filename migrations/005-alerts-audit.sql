-- What people must know of, and who did what.
set local role swarmplane_owner;

create table swarmplane.alert (
  id bigint generated always as identity primary key,
  kind text not null,
  key text not null,
  severity text not null default 'warning'
    constraint severity_is_known check (severity in ('info', 'warning', 'critical')),
  message text not null,
  detail jsonb not null default '{}',
  count bigint not null default 1,
  first_at timestamptz not null default now(),
  last_at timestamptz not null default now(),
  resolved_at timestamptz
) with (fillfactor = 80);
create unique index one_open_alert_per_cause on swarmplane.alert (kind, key)
  where resolved_at is null;
create index alert_first_at on swarmplane.alert (first_at);

create table swarmplane.audit (
  id bigint generated always as identity,
  at timestamptz not null default clock_timestamp(),
  actor name not null default session_user,
  action text not null,
  object text not null,
  before jsonb,
  after jsonb,
  primary key (id, at)
) partition by range (at);
create index audit_at on swarmplane.audit (at);
-- The default partition keeps a person's insert from failing for lack of one.
create table swarmplane.audit_default partition of swarmplane.audit default;
reset role;
