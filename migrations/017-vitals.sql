-- Hosts say with each handover when they were started and what their clock says: alerts follow from it.
-- An operator will notice: short lock on node, no rewrite.
set local role swarmplane_owner;

alter table swarmplane.node
  add column boot text,
  add column booted_at timestamptz,
  add column clock_off interval;

insert into swarmplane.setting (name, value, kind, description) values
  ('host_away_after', '5 minutes', 'interval',
   'a host that is dead for so long is an alert; its label away_after says otherwise for that host'),
  ('clock_tolerance', '30 seconds', 'interval',
   'a host whose clock is further from the clock of the hub is an alert');
reset role;
