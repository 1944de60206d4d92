-- Who is in the swarm, as the hubs see it, and what the hubs are set to.
set local role swarmplane_owner;

create table swarmplane.node (
  id integer generated always as identity primary key,
  identity text not null
    constraint identity_is_64_hex_digits check (identity ~ '^[0-9a-f]{64}$'),
  name text not null
    constraint name_is_not_empty check (name <> ''),
  state text not null
    constraint state_is_known check (state in ('alive', 'suspect', 'dead', 'left')),
  labels jsonb not null default '{}'
    constraint labels_are_an_object check (jsonb_typeof(labels) = 'object'),
  version text not null default '',
  hub boolean not null default false,
  incarnation bigint not null default 0,
  first_seen timestamptz not null default now(),
  since timestamptz not null default now(),
  seen_at timestamptz,
  constraint identity_is_unique unique (identity)
);
create index node_name on swarmplane.node (name);

create table swarmplane.node_address (
  node_id integer not null references swarmplane.node,
  address text not null
    constraint address_is_not_empty check (address <> ''),
  ip inet,
  port integer
    constraint port_is_a_port check (port between 1 and 65535),
  current boolean not null default true,
  declared boolean not null default false,
  first_seen timestamptz not null default now(),
  last_seen timestamptz not null default now(),
  primary key (node_id, address)
);

create table swarmplane.hub (
  id uuid primary key default gen_random_uuid(),
  identity text not null,
  name text not null,
  version text not null default '',
  process integer,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  stopped_at timestamptz
);
create index hub_identity on swarmplane.hub (identity) where stopped_at is null;

create table swarmplane.setting (
  name text primary key,
  value text not null,
  kind text not null
    constraint kind_is_known check (kind in ('interval', 'integer')),
  description text not null
);
insert into swarmplane.setting (name, value, kind, description) values
  ('query_expires_in', '1 minute', 'interval', 'how long a query may take after its first claim'),
  ('action_expires_in', '1 day', 'interval', 'how long an action may take after its insert'),
  ('lease_time', '30 seconds', 'interval', 'how long a hub that went silent keeps its work'),
  ('attempts_max', '10', 'integer', 'tries after which a delivery fails for good'),
  ('retry_min', '500 milliseconds', 'interval', 'wait before the second try; doubles with each'),
  ('retry_max', '1 minute', 'interval', 'longest wait between two tries'),
  ('alert_quiet_after', '1 hour', 'interval', 'an alert not raised again for so long is resolved'),
  ('result_kept', '30 days', 'interval', 'age at which results and ended deliveries are dropped'),
  ('audit_kept', '400 days', 'interval', 'age at which audit rows are dropped');

create table swarmplane.host_table (
  name text primary key,
  description text not null,
  columns jsonb not null,
  key text[] not null,
  sensitive boolean not null default false,
  seen_at timestamptz not null default now()
);
reset role;
