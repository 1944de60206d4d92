-- What ended goes: alerts, hubs, wish lists; the alert of a schedule goes with it.
begin;
select pg_temp.hosts();
insert into swarmplane.alert (kind, key, message, first_at, last_at, resolved_at) values
  ('a', 'old', 'x', now() - interval '500 days', now() - interval '500 days', now() - interval '401 days'),
  ('a', 'new', 'x', now() - interval '500 days', now() - interval '500 days', now() - interval '399 days'),
  ('a', 'open', 'x', now() - interval '500 days', now(), null);
insert into swarmplane.hub (identity, name, seen_at, stopped_at) values
  ('1', 'gone', now() - interval '91 days', null), ('2', 'stopped', now() - interval '200 days', now() - interval '91 days'),
  ('3', 'lately', now() - interval '89 days', null);
insert into swarmplane.wish_list (version, tables) values (1, '[1]'), (2, '[2]'), (3, '[3]'), (4, '[4]');
insert into swarmplane.handover (node_id, version, known_version) select id, 2, 3 from swarmplane.node where name = 'h1';
set local session authorization hank;
select swarmplane.look_after_alerts();
reset session authorization;
select pg_temp.equal('alerts', string_agg(key, ',' order by key), 'new,open') from swarmplane.alert where kind = 'a';
select pg_temp.equal('hubs', string_agg(name, ','), 'lately') from swarmplane.hub;
select pg_temp.equal('wish lists that hosts have, and the newest', string_agg(version::text, ',' order by version), '2,3,4') from swarmplane.wish_list;

set local session authorization alice;
insert into swarmplane.schedule (name, sql, every) values ('hourly', 'select 1', '1 hour');
reset session authorization;
select swarmplane.raise_alert('schedule_failed', 'hourly', 'x'), swarmplane.raise_alert('schedule_failed', 'other', 'x');
set local session authorization alice;
delete from swarmplane.schedule where name = 'hourly';
select pg_temp.equal('open alerts', string_agg(key, ','), 'other') from swarmplane.alert where kind = 'schedule_failed' and resolved_at is null;
rollback;
