-- History: what is tracked, what each host handed over, and the schema its typed tables are made in.
set local role swarmplane_owner;

-- Step 1: what people wish to have tracked, and the declarations that takings were made by.
create table swarmplane.track_wish (
  id bigint generated always as identity primary key,
  table_name text not null
    constraint table_name_is_not_empty check (table_name <> ''),
  every interval not null
    constraint every_is_ten_seconds_or_more check (every >= interval '10 seconds')
    constraint every_is_a_month_at_most check (every <= interval '31 days'),
  hosts text[],
  labels jsonb
    constraint labels_are_an_object check (jsonb_typeof(labels) = 'object'),
  owner name not null default session_user,
  wished_at timestamptz not null default now(),
  constraint hosts_or_labels check (num_nonnulls(hosts, labels) = 1),
  constraint one_wish_per_target unique nulls not distinct (table_name, hosts, labels)
);
-- Tracked from the first start of a hub; take one back with swarmplane.untrack.
insert into swarmplane.track_wish (table_name, every, hosts, owner) values
  ('os_version', '1 hour', '{*}', 'swarmplane_owner'),
  ('system_info', '1 hour', '{*}', 'swarmplane_owner'),
  ('kernel_info', '1 hour', '{*}', 'swarmplane_owner'),
  ('deb_packages', '1 hour', '{*}', 'swarmplane_owner'),
  ('rpm_packages', '1 hour', '{*}', 'swarmplane_owner'),
  ('users', '1 hour', '{*}', 'swarmplane_owner'),
  ('groups', '1 hour', '{*}', 'swarmplane_owner'),
  ('listening_ports', '5 minutes', '{*}', 'swarmplane_owner'),
  ('mounts', '15 minutes', '{*}', 'swarmplane_owner'),
  ('systemd_units', '15 minutes', '{*}', 'swarmplane_owner'),
  ('interface_addresses', '15 minutes', '{*}', 'swarmplane_owner');

create table swarmplane.tracked_table (
  name text primary key,
  columns jsonb not null,
  key text[] not null,
  made_at timestamptz not null default now(),
  kept_since timestamptz not null default '-infinity'
);

create table swarmplane.table_shape (
  id integer generated always as identity primary key,
  table_name text not null references swarmplane.tracked_table,
  hash bytea not null
    constraint hash_is_sha256 check (octet_length(hash) = 32),
  columns jsonb not null,
  key text[] not null,
  first_seen timestamptz not null default now(),
  constraint one_row_per_shape unique (table_name, hash)
);

-- Step 2: wish lists as they go to hosts, and whose turn it is to hand over.
create table swarmplane.wish_list (
  version bigint primary key,
  tables jsonb not null
);

create table swarmplane.handover (
  node_id integer primary key references swarmplane.node,
  due_at timestamptz not null default now(),
  version bigint references swarmplane.wish_list,
  known_version bigint,
  refused jsonb not null default '[]',
  asked_at timestamptz,
  answered_at timestamptz,
  last_error text
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
create index handover_due on swarmplane.handover (due_at);

-- Step 3: the newest taking of each node and table, one writer each by its row lock, and all takings.
create table swarmplane.head (
  node_id integer not null references swarmplane.node,
  table_name text not null,
  line bytea,
  sequence bigint not null default 0,
  hash bytea,
  rows integer not null default 0,
  shape integer,
  first_at timestamptz,
  seen_at timestamptz,
  changed_at timestamptz,
  gap_reason text,
  primary key (node_id, table_name)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

create table swarmplane.collection (
  at timestamptz not null,
  host_at timestamptz not null,
  received_at timestamptz not null default now(),
  sequence bigint not null,
  node_id integer not null,
  key_version integer,
  shape integer,
  rows integer,
  table_name text not null,
  kind text not null
    constraint kind_is_known check (kind in ('full', 'delta', 'same', 'gap')),
  line bytea not null
    constraint line_is_16_bytes check (octet_length(line) = 16),
  base bytea,
  hash bytea,
  signature bytea,
  reason_code text,
  reason text,
  dropped_from bigint,
  dropped_to bigint,
  constraint a_gap_has_a_reason check ((kind = 'gap') = (reason is not null)),
  constraint a_state_is_signed check (kind = 'gap' or num_nulls(signature, key_version, hash, shape) = 0),
  primary key (node_id, table_name, at, line, sequence)
) partition by range (at);
create index collection_gap on swarmplane.collection (node_id, table_name, at) where kind = 'gap';

insert into swarmplane.setting (name, value, kind, description) values
  ('history_kept', '400 days', 'interval', 'age at which closed rows and takings of tracked tables are dropped'),
  ('history_compact_after', '7 days', 'interval', 'age at which takings that only repeat their neighbours are dropped');
reset role;

-- Step 4: where the typed tables go.
create schema inventory;
alter schema inventory owner to swarmplane_owner;
comment on schema inventory is
  'tracked host tables: TABLE is now, TABLE_as_of(instant), TABLE_diff(t1, t2), TABLE_changes; changes is all of them';
