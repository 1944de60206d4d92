-- Desired state: what shall be true of which hosts, how each host stands to it, and when nothing may start.
-- An operator will notice: one new role, and a short lock on request and node; no rewrite.

-- Step 1: who reads the views of checks. It reads what readers read, writes nothing and becomes nobody else.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'swarmplane_checker') then
    create role swarmplane_checker nologin;
  end if;
exception
  -- another database of this cluster made it between our look and our try
  when duplicate_object or unique_violation then null;
end
$$;

-- Skipped where it holds, since only an administrator of the roles may grant. The owner acts as the checker.
do $$
declare
  pair text[];
begin
  foreach pair slice 1 in array array[
    ['swarmplane_reader', 'swarmplane_checker'],
    ['swarmplane_checker', 'swarmplane_owner']
  ] loop
    if not exists (
      select from pg_catalog.pg_auth_members m
       where m.roleid = pair[1]::pg_catalog.regrole and m.member = pair[2]::pg_catalog.regrole)
    then
      execute format('grant %I to %I', pair[1], pair[2]);
    end if;
  end loop;
end
$$;

set local role swarmplane_owner;

-- Step 2: what people write.
create table swarmplane.desired (
  id bigint generated always as identity primary key,
  name text not null
    constraint name_is_not_empty check (name <> ''),
  description text,
  resolution text,
  sql text,
  view text,
  action text,
  args jsonb not null default '{}',
  hosts text[],
  labels jsonb
    constraint labels_are_an_object check (jsonb_typeof(labels) = 'object' and labels <> '{}'),
  access_label text[],
  site text[],
  every interval not null default '1 hour',
  at_once integer not null default 10
    constraint at_once_is_positive check (at_once > 0),
  at_once_per jsonb not null default '{}',
  stop_after integer
    constraint stop_after_is_positive check (stop_after > 0),
  tries integer not null default 3
    constraint tries_is_bounded check (tries between 1 and 100),
  per interval not null default '1 hour',
  settle interval not null default '0',
  expires_in interval not null default '15 minutes',
  hold_after integer
    constraint hold_after_is_not_negative check (hold_after >= 0),
  windows text,
  zone text not null default 'UTC',
  after text[] not null default '{}',
  dry_run boolean,
  active boolean not null default true,
  -- the rest is the hubs'
  owner name not null default session_user,
  version integer not null default 1,
  changed_at timestamptz not null default now(),
  resumed_at timestamptz not null default now(),
  approved_by name,
  approved_version integer,
  stopped_at timestamptz,
  stopped_why text,
  waits_since timestamptz,
  looked_at timestamptz not null default '-infinity',
  look_at timestamptz not null default now(),
  checking_xid xid8,
  last_error text,
  constraint desired_name_is_unique unique (name),
  constraint checks_or_acts check (num_nonnulls(sql, view, action) > 0),
  constraint one_selector check (num_nonnulls(hosts, labels, access_label, site) = 1),
  constraint an_action_names_its_hosts check (action is null or hosts is distinct from '{*}')
);

-- Step 3: how each host stands to each row; one row for each, one action at a time on a host over all rows.
create table swarmplane.desired_host (
  desired_id bigint not null references swarmplane.desired on delete cascade,
  node_id integer not null references swarmplane.node,
  version integer not null,
  state text not null default 'unknown'
    constraint state_is_known check (state in ('unknown', 'ok', 'wrong', 'acting', 'proving', 'stuck')),
  since timestamptz not null default clock_timestamp(),
  named jsonb,
  why jsonb,
  args jsonb,
  tries integer not null default 0,
  retry_at timestamptz,
  checked_at timestamptz,
  next_at timestamptz not null default '-infinity',
  asked bigint,
  request_id bigint,
  acted_at timestamptz,
  lost boolean not null default false,
  error text,
  primary key (desired_id, node_id)
) with (fillfactor = 80);
create unique index one_action_per_host on swarmplane.desired_host (node_id) where state = 'acting';

create table swarmplane.desired_try (
  desired_id bigint not null references swarmplane.desired on delete cascade,
  node_id integer not null references swarmplane.node,
  request_id bigint not null,
  args jsonb not null,
  at timestamptz not null default clock_timestamp(),
  primary key (desired_id, node_id, request_id)
);

create table swarmplane.desired_event (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  desired_id bigint not null,
  node_id integer not null references swarmplane.node,
  name text not null,
  version integer not null,
  was text,
  became text,
  request_id bigint,
  why jsonb,
  error text
);
create index desired_event_row on swarmplane.desired_event (desired_id, at);
create index desired_event_at on swarmplane.desired_event (at);

create table swarmplane.freeze (
  id bigint generated always as identity primary key,
  reason text not null
    constraint reason_is_not_empty check (reason <> ''),
  until timestamptz not null default 'infinity',
  labels jsonb
    constraint labels_are_an_object check (jsonb_typeof(labels) = 'object' and labels <> '{}'),
  site text[],
  owner name not null default session_user,
  made_at timestamptz not null default now(),
  constraint one_selector_at_most check (num_nonnulls(labels, site) <= 1)
);

insert into swarmplane.latch (name) values ('desired') on conflict do nothing;
insert into swarmplane.setting (name, value, kind, description) values
  ('desired_events_kept', '400 days', 'interval', 'age at which the past of desired state, who held and who did not, is dropped')
  on conflict do nothing;

-- Step 4: requests that are made for a row, and when a host last came back, by the clock of the database.
alter table swarmplane.request
  add column desired_id bigint;
create index request_desired on swarmplane.request (desired_id, closed_at) where desired_id is not null;
alter table swarmplane.node
  add column back_at timestamptz;
create index node_back on swarmplane.node (back_at);
reset role;
