-- Queries that are tracked as tables are, and what a hub found that the texts of queries and schedules give.
-- An operator will notice: short locks on schedule and table_shape, no rewrite.
set local role swarmplane_owner;

create table swarmplane.tracked_query (
  name text primary key
    constraint name_fits check (name ~ '^[a-z][a-z0-9_]{0,39}$'),
  sql text not null
    constraint sql_is_short check (octet_length(sql) between 1 and 8192),
  key text[] not null,
  owner name not null default session_user,
  declared_at timestamptz not null default now(),
  described jsonb,
  described_at timestamptz,
  told jsonb,
  sensitive boolean not null default false
);
comment on table swarmplane.tracked_query is
  'Public. Queries that hosts take as they take tables; rows and history are in schema inventory under the name.';

alter table swarmplane.table_shape add column query text;

alter table swarmplane.schedule
  add column described jsonb,
  add column described_at timestamptz;
reset role;

-- What administrators say of alerts. An operator will notice: a short lock on alert, no rewrite.
set local role swarmplane_owner;

alter table swarmplane.alert
  add column acknowledged_at timestamptz,
  add column acknowledged_by name,
  add column acknowledged_why text;

create table swarmplane.alert_mute (
  kind text not null,
  key text not null,
  until timestamptz not null,
  why text not null
    constraint why_is_not_empty check (why <> ''),
  muted_by name not null default session_user,
  muted_at timestamptz not null default now(),
  primary key (kind, key)
);
comment on table swarmplane.alert_mute is
  'Public. Causes of alerts that nobody is told of until then: by whom, since when and why.';
reset role;

-- Backups that hubs make by themselves.
set local role swarmplane_owner;

create table swarmplane.backup_plan (
  hub text primary key,
  name text not null,
  every interval not null,
  folder text not null,
  keep integer not null,
  verify boolean not null,
  planned_at timestamptz not null default now()
);
comment on table swarmplane.backup_plan is
  'Public. What hubs have in their configuration of backups: how often, where, how many, and whether they are verified.';

create table swarmplane.backup (
  id bigint generated always as identity primary key,
  hub text not null,
  name text not null,
  folder text not null,
  began_at timestamptz not null default now(),
  lease_until timestamptz not null,
  ended_at timestamptz,
  file text,
  bytes bigint,
  rows bigint,
  verified boolean not null default false,
  trouble text,
  removed_at timestamptz
);
create index backup_began_at on swarmplane.backup (began_at);
comment on table swarmplane.backup is
  'Public. Backups that hubs made by themselves: where, when, verified or not, why one failed, when its file was removed.';
reset role;
