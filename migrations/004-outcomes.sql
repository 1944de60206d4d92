-- What came of it: ended deliveries and their rows, partitioned by the time of the request, so that a
-- row that is written twice meets its twin. Partitions are made by swarmplane.make_partitions().
set local role swarmplane_owner;

create table swarmplane.delivery_done (
  node_id integer not null references swarmplane.node,
  request_id bigint not null,
  asked_at timestamptz not null,
  id uuid not null,
  host text not null,
  state text not null
    constraint state_is_an_end check (
      state in ('ok', 'failed', 'refused', 'expired', 'unreachable', 'cancelled')),
  was text not null
    constraint was_open check (was in ('pending', 'parked', 'running')),
  attempt integer not null,
  rows integer not null default 0,
  truncated boolean not null default false,
  ms integer,
  code text,
  error text,
  columns text[],
  warnings text[],
  proof bytea,
  hub uuid,
  claimed_at timestamptz,
  ended_at timestamptz not null default clock_timestamp(),
  primary key (node_id, request_id, asked_at)
) partition by range (asked_at);
create index delivery_done_request on swarmplane.delivery_done (request_id);

create table swarmplane.result (
  node_id integer not null,
  request_id bigint not null,
  asked_at timestamptz not null,
  ordinal integer not null,
  host text not null,
  row jsonb not null,
  altered boolean not null default false,
  primary key (node_id, request_id, asked_at, ordinal)
) partition by range (asked_at);
create index result_request on swarmplane.result (request_id);
reset role;
