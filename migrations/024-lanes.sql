-- Work that nobody may run yet costs nothing to a claim: each action waits in a lane of its own, and a claim looks
-- only into lanes that its hub may command.
-- An operator will notice: inserts of requests wait while an index of the open deliveries is built anew.
set local role swarmplane_owner;

-- '' for a query, else the action's name
alter table swarmplane.delivery add column lane text not null default '';
update swarmplane.delivery d set lane = r.action
  from swarmplane.request r
 where r.id = d.request_id and r.action is not null;
-- what somebody waits for goes before what waits for hosts
update swarmplane.delivery d
   set priority = greatest(least(r.priority::integer, 16383), -16384) * 2 + r.wait_for_away::integer
  from swarmplane.request r
 where r.id = d.request_id;
drop index swarmplane.delivery_due;
create index delivery_due on swarmplane.delivery (lane, priority, run_at, id) where state = 'pending';
create index request_commands on swarmplane.request (action) where closed_at is null and action is not null;
-- sql/ makes it anew with another argument, and has no use for the other
drop function if exists swarmplane.claim(uuid, integer, text[]);
drop function if exists swarmplane.not_allowed(text[]);
reset role;
