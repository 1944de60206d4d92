-- Recurring requests. A tick inserts a request, once, whatever number of hubs look at the clock.
set local role swarmplane_owner;

create table swarmplane.schedule (
  id bigint generated always as identity primary key,
  name text not null
    constraint name_is_not_empty check (name <> ''),
  sql text not null,
  hosts text[] default '{*}',
  every interval
    constraint every_is_a_second_or_more check (every >= interval '1 second')
    constraint every_counts_no_months check (extract(month from every) = 0 and extract(year from every) = 0),
  cron text,
  zone text not null default 'UTC',
  expires_in interval,
  priority smallint not null default 0,
  catch_up integer not null default 1
    constraint catch_up_is_bounded check (catch_up between 1 and 100),
  active boolean not null default true,
  owner name not null default session_user,
  next_at timestamptz,
  last_at timestamptz,
  last_request bigint,
  last_error text,
  constraint name_is_unique unique (name),
  constraint every_or_cron check (num_nonnulls(every, cron) = 1)
);
create index schedule_due on swarmplane.schedule (next_at) where active;

-- An operator will notice: a short lock on request, no rewrite.
alter table swarmplane.request
  add column schedule_id bigint references swarmplane.schedule on delete set null,
  add column tick timestamptz,
  add constraint one_request_per_tick unique (schedule_id, tick);
reset role;
