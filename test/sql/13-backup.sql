-- Backups by the clock: one hub at a time, when the newest good one is old enough; alerts; which files go.
begin;
select pg_temp.hosts();
create function pg_temp.begin_at(hub text, folder text default '/b', verify boolean default true) returns text language sql as $$
  select coalesce(id::text, 'wait ' || ceil(wait / 3600000)) from swarmplane.begin_backup(hub, 'hub ' || hub, '1 day', folder, 2, verify, '1 minute');
$$;
set local session authorization alice;
select pg_temp.throws('hubs only', $$ select swarmplane.begin_backup('1', 'a', '1 day', '/b', 2, true, '1 minute') $$, 'permission denied%');
set local session authorization hank;
select pg_temp.equal('one is due', pg_temp.begin_at('1'), '1');
select pg_temp.equal('another hub leaves it alone', pg_temp.begin_at('2'), 'wait 1');
reset session authorization;
update swarmplane.backup set lease_until = now() - interval '1 second';
set local session authorization hank;
select pg_temp.equal('its hub died', pg_temp.begin_at('2'), '2');
select pg_temp.equal('which is said', trouble, 'interrupted: its hub died or was stopped') from swarmplane.backup where id = 1;
select pg_temp.equal('failed', count(*)::text, '0') from swarmplane.end_backup(2, '{"trouble": "no space left on device"}');
select pg_temp.equal('an alert', message, 'hub hub 2 could not make a backup: no space left on device') from swarmplane.alert where kind = 'backup_failed';
select pg_temp.equal('not at once again', pg_temp.begin_at('2'), 'wait 1');
select pg_temp.equal('but by another hub', pg_temp.begin_at('1'), '3');
select swarmplane.end_backup(3, '{"file": "c", "bytes": 1, "rows": 1, "verified": false}');
select pg_temp.equal('not verified is not good', pg_temp.begin_at('1'), '4');
select swarmplane.end_backup(4, '{"file": "d", "bytes": 1, "rows": 1, "verified": true}');
select pg_temp.equal('for a day no other', pg_temp.begin_at('1') || ', ' || pg_temp.begin_at('2'), 'wait 24, wait 24');

-- without a good one for half as long again as wanted
reset session authorization;
update swarmplane.backup set began_at = now() - interval '35 hours' where id = 4;
update swarmplane.backup_plan set planned_at = now() - interval '9 days';
delete from swarmplane.backup_plan where hub = '2';
set local session authorization hank;
select swarmplane.look_after_alerts();
select pg_temp.equal('not yet', count(*)::text, '0') from swarmplane.alert where kind = 'backup_old';
select pg_temp.equal('whose plan is gone', count(*)::text, '0') from swarmplane.alert where kind = 'backup_failed' and resolved_at is null;
reset session authorization;
update swarmplane.backup set began_at = timestamptz '2026-01-02 03:04:05+00' where id = 4;
set local session authorization hank;
select swarmplane.look_after_alerts();
select pg_temp.equal('old', severity || ': ' || message, 'critical: the newest verified backup of this database is of 2026-01-02 03:04:05 UTC; hub hub 1 is to make one every 1 day in /b')
  from swarmplane.alert where kind = 'backup_old' and resolved_at is null;

-- of its own in that folder the newest two stay
select pg_temp.equal('one more', pg_temp.begin_at('1'), '5');
select pg_temp.equal('what was not verified goes when two good ones came after it', string_agg(old_file, ','), 'c')
  from swarmplane.end_backup(5, '{"file": "e", "bytes": 1, "rows": 1, "verified": true}');
select swarmplane.note_removed_backup(3);
select pg_temp.equal('not old any more', count(*)::text, '0') from swarmplane.alert where kind = 'backup_old' and resolved_at is null;
reset session authorization;
update swarmplane.backup set began_at = began_at - interval '2 days';
set local session authorization hank;
select pg_temp.equal('and more', pg_temp.begin_at('1'), '6');
select pg_temp.equal('what has two good ones after it goes', string_agg(old_file, ','), 'd')
  from swarmplane.end_backup(6, '{"file": "f", "bytes": 1, "rows": 1, "verified": true}');
select swarmplane.note_removed_backup(4);
reset session authorization;
update swarmplane.backup set began_at = began_at - interval '2 days';
set local session authorization hank;
select pg_temp.equal('in another folder', pg_temp.begin_at('1', '/c'), '7');
select pg_temp.equal('those of the former one stay', count(*)::text, '0') from swarmplane.end_backup(7, '{"file": "g", "bytes": 1, "rows": 1, "verified": true}');

-- made while the clock was a year ahead: one that goes on, a new one that is kept, and an alert about none
reset session authorization;
update swarmplane.backup set began_at = now() + interval '1 year', ended_at = now() + interval '1 year' where id in (5, 6);
update swarmplane.backup set began_at = now() - interval '9 days' where id = 7;
set local session authorization hank;
select pg_temp.equal('due', pg_temp.begin_at('1'), '8');
select pg_temp.equal('the new one stays', string_agg(old_file, ','), 'e')
  from swarmplane.end_backup(8, '{"file": "h", "bytes": 1, "rows": 1, "verified": true}');
select swarmplane.note_removed_backup(5);
reset session authorization;
delete from swarmplane.backup where id <> 6;
insert into swarmplane.backup (hub, name, folder, began_at, lease_until) values ('2', 'hub 2', '/b', now() + interval '1 year', now() + interval '1 year');
update swarmplane.backup_plan set planned_at = now() + interval '1 year';
insert into swarmplane.alert_mute (kind, key, muted_at, until, why) values ('k', 'x', now() + interval '1 year', now() + interval '1 year 1 hour', 'x');
select swarmplane.mend_clock();
select pg_temp.equal('no plan of the future', count(*)::text, '0') from swarmplane.backup_plan where planned_at > now();
select pg_temp.equal('its hub is waited for no longer than else', max(lease_until - now())::text, '00:05:00') from swarmplane.backup where ended_at is null;
select pg_temp.equal('began', max(began_at - now())::text, '00:00:00') from swarmplane.backup;
select pg_temp.equal('as long as it was to be', (until - now())::text, '01:00:00') from swarmplane.alert_mute where kind = 'k';
set local session authorization rita;
select pg_temp.equal('readers see', max(id)::text, '6') from swarmplane.backup where verified;
rollback;
