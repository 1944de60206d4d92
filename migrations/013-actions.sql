-- Actions: hubs say what their certificates allow, and take only that.
-- An operator will notice: short locks on hub and request, no rewrite.
set local role swarmplane_owner;

alter table swarmplane.hub
  add column actions text[] not null default '{}';

create index request_action_open on swarmplane.request (action)
  where action is not null and closed_at is null;

-- they get another argument; sql/ makes them anew, and older hubs can call those without it
drop function if exists swarmplane.claim(uuid, integer);
drop function if exists swarmplane.next_due();
reset role;
