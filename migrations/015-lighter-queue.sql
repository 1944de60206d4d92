-- What each claim and each outcome wrote and checked for nothing, see docs/benchmarks.md.
-- An operator will notice: inserts of requests wait while two indexes of request are built.
set local role swarmplane_owner;

-- Nodes are never deleted. Leases are written by claims alone, for hubs and requests that are there, and end by
-- themselves: each claim locked its hub's row for its reference.
alter table swarmplane.delivery drop constraint delivery_node_id_fkey;
alter table swarmplane.lease drop constraint lease_hub_fkey, drop constraint lease_request_id_fkey;
-- How many deliveries of it have not ended: with that none of them is ever looked for by its token.
alter table swarmplane.lease add column open bigint;
update swarmplane.lease l set open = (select count(*) from swarmplane.delivery d where d.token = l.token);
alter table swarmplane.lease alter column open set not null;
drop index swarmplane.delivery_token;
-- most requests have neither: their rows need not be in these
alter table swarmplane.request
  drop constraint idempotency_key_is_used_once,
  drop constraint one_request_per_tick,
  -- checked at the insert, which is all that can break them; here each change of a count checked them too
  drop constraint asks_one_thing,
  drop constraint idempotency_key_is_short;
create unique index idempotency_key_is_used_once on swarmplane.request (asked_by, idempotency_key)
  where idempotency_key is not null;
create unique index one_request_per_tick on swarmplane.request (schedule_id, tick)
  where schedule_id is not null;
-- what it did is done by the trigger that counts
drop trigger if exists _700_audit on swarmplane.delivery_done;
drop function if exists swarmplane.tg_delivery_done__audit();
-- sql/ makes them anew, with one more column and with other arguments
drop function if exists swarmplane.claim(uuid, integer, text[]);
drop function if exists swarmplane.note_outcomes(jsonb);
reset role;
