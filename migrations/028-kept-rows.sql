-- Ended alerts, hubs that are gone and wish lists that no host holds stayed for ever.
-- An operator will notice: rows older than the two settings go within a minute.
set local role swarmplane_owner;

insert into swarmplane.setting (name, value, kind, description) values
  ('alert_kept', '400 days', 'interval', 'age at which alerts that were resolved are dropped'),
  ('hub_kept', '90 days', 'interval', 'how long a hub that has stopped, or was not seen, stays in swarmplane.hub');
reset role;
