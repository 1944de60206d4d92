-- A hub waits for nobody's locks for long: the setting lock_wait says how long.
-- An operator will notice: alerts of kind hub_stalled while a part of a hub does not go on.
set local role swarmplane_owner;

insert into swarmplane.setting (name, value, kind, description) values
  ('lock_wait', '1 second', 'interval', 'how long a hub waits for a lock that somebody else holds; hubs read it when they start');

reset role;
