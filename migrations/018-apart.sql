-- What keeps people apart: no login but the hub's can hold a lock that the hub waits for, and rows of sensitive
-- tables are for a role of their own.
-- An operator will notice: a short lock on request, result and delivery_done, no rewrite. Logins that read
-- answers about sensitive tables need the role swarmplane_sensitive from now on: `swarmplane hub grant`.

-- Step 1: the role. Another database of this cluster may have made it already.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'swarmplane_sensitive') then
    create role swarmplane_sensitive nologin;
  end if;
exception
  when duplicate_object or unique_violation then null;
end
$$;

do $$
begin
  if not pg_catalog.pg_has_role('swarmplane_sensitive', 'swarmplane_reader', 'usage') then
    grant swarmplane_reader to swarmplane_sensitive;
  end if;
end
$$;
grant usage on schema swarmplane to swarmplane_sensitive;

set local role swarmplane_owner;

-- Step 2: advisory locks are anybody's; these rows are locked in their place.
create table swarmplane.latch (
  name text primary key
);
insert into swarmplane.latch (name) values
  ('nodes'), ('partitions'), ('seal'), ('wish_list'), ('tracked'), ('node_key');

-- Step 3: a cancel is a row, so that nobody who asks locks the request itself.
create table swarmplane.cancel_wish (
  id bigint generated always as identity primary key,
  request_id bigint not null,
  wished_by name not null default session_user,
  wished_at timestamptz not null default now()
);
-- the audit of a cancel is written with the wish
drop trigger if exists _710_audit_cancel on swarmplane.request;
drop trigger if exists _110_check_cancel on swarmplane.request;
drop trigger if exists _910_notify_cancel on swarmplane.request;
drop function if exists swarmplane.tg_request__before_cancel();
revoke update (cancel) on swarmplane.request from swarmplane_asker;
drop policy if exists own_or_operator on swarmplane.request;

-- Step 4: how much one login may have open.
insert into swarmplane.setting (name, value, kind, description) values
  ('open_requests_asker', '100', 'integer', 'requests that one asker may have open at a time'),
  ('open_requests_operator', '10000', 'integer', 'requests that one operator may have open at a time');
create index request_open_by on swarmplane.request (asked_by) where closed_at is null;

-- Step 5: a wish for history of an owner who sees only some hosts is for those, so each owner has his own.
alter table swarmplane.track_wish
  add column fleet boolean not null default true,
  drop constraint one_wish_per_target,
  add constraint one_wish_per_target_and_owner unique nulls not distinct (table_name, hosts, labels, owner);

-- Step 6: rows that only swarmplane_sensitive sees. The default of result is not kept in the rows of before.
alter table swarmplane.result add column sensitive boolean not null default false;
-- sql/ makes them anew, with one more column and with other arguments
drop function if exists swarmplane.hand_out_inventory(text, text, text, text);
drop function if exists swarmplane.claim(uuid, integer, text[]);
reset role;
