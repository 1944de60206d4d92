-- Schedules: what may be written, what a tick does, whose it is.
begin;
select pg_temp.hosts();
set local session authorization alice;
select pg_temp.throws('zone', $$ insert into swarmplane.schedule (name, sql, cron, zone) values ('x', 'x', '* * * * *', 'Mars/Olympus') $$, 'there is no time zone "Mars/Olympus"');
select pg_temp.throws('hosts', $$ insert into swarmplane.schedule (name, sql, every, hosts) values ('x', 'x', '1 day', '{h9}') $$, '%h9: unknown');
select pg_temp.throws('both', $$ insert into swarmplane.schedule (name, sql, every, cron) values ('x', 'x', '1 day', '* * * * *') $$, '%every_or_cron%');
select pg_temp.throws('months', $$ insert into swarmplane.schedule (name, sql, every) values ('x', 'x', '1 month') $$, '%every_counts_no_months%');
select pg_temp.throws('not for others', $$ insert into swarmplane.schedule (name, sql, every, owner) values ('x', 'x', '1 day', 'bob') $$, 'permission denied%');
select pg_temp.throws('no such day', format($$ insert into swarmplane.schedule (name, sql, cron) values ('x', 'x', %L) $$, line),
  format('the cron line "%s" means a day that there is not', line))
  from unnest(array['0 4 30 2 *', '0 4 31 4,6,sep,11 *', '0 0 4 31 2-2 *', '0 4 30-31 FEB *', '0 4 31 2/100 ?', ' 0  4 31 2,4-4 *']) line;
insert into swarmplane.schedule (name, sql, cron, active)
select 'day ' || line, 'x', line, false
  from unnest(array['0 4 29 2 *', '0 4 31 1-2 *', '0 4 30 2 1', '0 4 31 */2 *', '0 4 L 2 *', '0 4 1,31 2 *', '0 4 */31 2 *', '@daily', 'every day', '0 4 31 nov-dec *']) line;
select pg_temp.throws('nor at an update', $$ update swarmplane.schedule set cron = '0 4 31 6 *' where name = 'day @daily' $$, 'the cron line "0 4 31 6 *" means%');
insert into swarmplane.schedule (name, sql, cron, active) values ('a step that no integer holds', 'x', '0 4 1 */99999999999 *', false);
delete from swarmplane.schedule;
insert into swarmplane.schedule (name, sql, every, catch_up) values ('hourly', 'select 1', '1 hour', 2);
select pg_temp.throws('no request says it is a tick', $$ insert into swarmplane.request (sql, schedule_id) values ('x', 1) $$, 'permission denied%');
set local session authorization bob;
select pg_temp.throws('askers ask once', $$ insert into swarmplane.schedule (name, sql, every) values ('y', 'x', '1 day') $$, 'permission denied%');

set local session authorization hank;
select pg_temp.equal('first tick at once', swarmplane.tick_intervals()::text, '1');
select pg_temp.equal('not twice', swarmplane.tick_intervals()::text, '0');
select pg_temp.equal('in the name of its owner', string_agg(asked_by || ' ' || reason || ' ' || targets, ','), 'alice schedule hourly 3') from swarmplane.request;
select pg_temp.equal('next', (swarmplane.next_tick() between 3590000 and 3600000)::text, 'true');

reset session authorization;
update swarmplane.schedule set next_at = now() - interval '5 hours 30 minutes';
set local session authorization hank;
select pg_temp.equal('the newest two of six', swarmplane.tick_intervals()::text, '2');
select pg_temp.equal('which', string_agg((now() - tick)::text, ',' order by tick), '01:30:00,00:30:00')
  from swarmplane.request where tick < now();
select pg_temp.equal('another hub saw the same', swarmplane.tick(s.id, now() - interval '5 hours 30 minutes', array[now()], now())::text, '0')
  from swarmplane.schedule s;

-- an owner who lost the right
reset session authorization;
revoke swarmplane_operator from alice;
update swarmplane.schedule set next_at = now();
select pg_temp.equal('nothing is asked', swarmplane.tick_intervals()::text, '0');
select pg_temp.equal('and said', s.last_error || '; ' || a.message, 'its owner alice may not ask any more; its owner alice may not ask any more')
  from swarmplane.schedule s join swarmplane.alert a on a.kind = 'schedule_failed' and a.key = s.name;
select pg_temp.equal('goes on by the clock', (next_at > now())::text, 'true') from swarmplane.schedule;
select pg_temp.equal('audited', string_agg(actor || ' ' || action, ','), 'alice schedule.insert') from swarmplane.audit where action like 'schedule%' and object like '%hourly';
rollback;

-- actions: held to what a direct one is, once a tick wherever it is made, one at a time on a host
begin;
select pg_temp.hosts();
create temp table hub as select swarmplane.hub_hello(repeat('1', 64), 'h1', '0', 1) as id;
set local session authorization alice;
select pg_temp.throws('both', $$ insert into swarmplane.schedule (name, sql, action, every, hosts) values ('x', 'x', 'restart', '1 day', '{h1}') $$, 'schedule "x" has both sql and action');
select pg_temp.throws('neither', $$ insert into swarmplane.schedule (name, every) values ('x', '1 day') $$, 'schedule "x" has neither sql nor action');
select pg_temp.throws('for all', $$ insert into swarmplane.schedule (name, action, every) values ('x', 'restart', '1 day') $$, 'schedule "x" of action restart names no hosts: an action is never for every host');
select pg_temp.throws('no name', $$ insert into swarmplane.schedule (name, action, every, hosts) values ('x', 'rm -rf', '1 day', '{h1}') $$, 'action "rm -rf" is no name');
select pg_temp.throws('no args', $$ insert into swarmplane.schedule (name, action, args, every, hosts) values ('x', 'restart', '[]', '1 day', '{h1}') $$, 'args is [], not an object');
select pg_temp.throws('args of sql', $$ insert into swarmplane.schedule (name, sql, args, every) values ('x', 'x', '{}', '1 day') $$, '%args_go_with_an_action%');
insert into swarmplane.schedule (name, action, args, every, catch_up, hosts) values ('nightly', 'restart', '{"count": 5}', '1 hour', 3, '{h1,h2}');
select pg_temp.equal('its args are text', args ->> 'count', '5') from swarmplane.schedule;

-- whoever may write schedules and no actions cannot by way of a schedule
reset session authorization;
grant insert, select on swarmplane.schedule to bob;
set local session authorization bob;
select pg_temp.throws('askers command nothing', $$ insert into swarmplane.schedule (name, action, every, hosts) values ('y', 'restart', '1 day', '{h1}') $$, 'bob may not command actions');

set local session authorization hank;
select pg_temp.equal('ticks', swarmplane.tick_intervals()::text, '1');
reset session authorization;
select pg_temp.equal('in the name of its owner', concat_ws(' ', asked_by, action, args, targets, expires_at = tick + interval '1 day'),
  'alice restart {"count": "5"} 2 t') from swarmplane.request;
select pg_temp.equal('its commands are those of the tick', count(*)::text, '2')
  from swarmplane.delivery d
  join swarmplane.node n on n.id = d.node_id
  join swarmplane.request r on r.id = d.request_id
  join swarmplane.schedule s on s.id = r.schedule_id
 where d.id = swarmplane.command_id(swarmplane.tick_key(s.command_key, r.tick), n.identity);
select pg_temp.equal('of another tick there are others', (swarmplane.tick_key(s.command_key, r.tick) <> swarmplane.tick_key(s.command_key, r.tick + interval '1 microsecond'))::text, 'true')
  from swarmplane.schedule s join swarmplane.request r on r.schedule_id = s.id;
select pg_temp.equal('known bytes', swarmplane.tick_key('00000000-0000-4000-8000-000000000001', '2026-11-29 04:00+00')::text,
  'ac4b4101-d409-8014-8640-a0401bce958a');
select pg_temp.equal('audited', string_agg(action, ',' order by action), 'request.insert,schedule.insert')
  from swarmplane.audit where action in ('request.insert', 'schedule.insert');

-- a restored database ticks the same tick again: the same commands, with the same end
create temp table was as select id, (select expires_at from swarmplane.request) as expires_at from swarmplane.delivery;
set local session_replication_role = replica;
delete from swarmplane.delivery;
create temp table first_tick as select tick from swarmplane.request;
delete from swarmplane.request;
set local session_replication_role = origin;
update swarmplane.schedule set next_at = (select tick from first_tick);
set local session authorization hank;
select pg_temp.equal('ticks again', swarmplane.tick_intervals()::text, '1');
reset session authorization;
select pg_temp.equal('nothing new', count(*)::text, '2')
  from was w join swarmplane.delivery d using (id) join swarmplane.request r on r.id = d.request_id and r.expires_at = w.expires_at;

-- both hosts have an open one: the next tick leaves them out, and one that ended is asked again
update swarmplane.schedule set next_at = now();
set local session authorization hank;
select pg_temp.equal('one at a time', swarmplane.tick_intervals()::text, '0');
reset session authorization;
select pg_temp.equal('and said', last_error, 'not asked: h1: its command of an earlier tick has not ended; h2: its command of an earlier tick has not ended')
  from swarmplane.schedule;
select pg_temp.equal('which is no alert', count(*)::text, '0') from swarmplane.alert where kind = 'schedule_failed';
select pg_temp.work((select id from hub), 'ok', '{restart}');
update swarmplane.schedule set next_at = now() - interval '2 hours 30 minutes';
set local session authorization hank;
select pg_temp.equal('of three that were missed one', swarmplane.tick_intervals()::text, '1');
reset session authorization;

-- of what was missed only what is not over
select pg_temp.work((select id from hub), 'ok', '{restart}');
set local session authorization alice;
update swarmplane.schedule set expires_in = '10 minutes';
reset session authorization;
update swarmplane.schedule set next_at = now() - interval '50 minutes';
set local session authorization hank;
select pg_temp.equal('over', swarmplane.tick_intervals()::text, '0');
reset session authorization;
select pg_temp.equal('and said', (last_error like 'not asked: the tick of % was over at %')::text, 'true') from swarmplane.schedule;

-- an owner who lost the right to command, and may ask still
revoke swarmplane_operator from alice;
grant swarmplane_asker to alice;
update swarmplane.schedule set next_at = now();
set local session authorization hank;
select pg_temp.equal('nothing', swarmplane.tick_intervals()::text, '0');
reset session authorization;
select pg_temp.equal('and told', message, 'its owner alice may not command any more') from swarmplane.alert where kind = 'schedule_failed';
rollback;

-- hosts that its owner does not see are none of it
begin;
select pg_temp.hosts();
insert into swarmplane.node_label select id, 'web' from swarmplane.node where name = 'h1';
delete from swarmplane.label_grant where role = 'swarmplane_operator';
delete from swarmplane.label_grant where role = 'swarmplane_reader';
insert into swarmplane.label_grant values ('olga', 'web');
set local session authorization olga;
select pg_temp.throws('names', $$ insert into swarmplane.schedule (name, action, every, hosts) values ('x', 'restart', '1 day', '{h2}') $$, '%h2: unknown');
insert into swarmplane.schedule (name, action, every, hosts) values ('x', 'restart', '1 day', '{h1}');
reset session authorization;
delete from swarmplane.node_label;
set local session authorization hank;
select pg_temp.equal('nobody', swarmplane.tick_intervals()::text, '0');
reset session authorization;
select pg_temp.equal('and told', message, 'no host is meant by hosts {h1}: h1: unknown') from swarmplane.alert where kind = 'schedule_failed';
-- columns that no view can have
insert into swarmplane.schedule (name, sql, every, active) values ('nameless', 'select 1 as ""', '1 day', false);
select swarmplane.describe('schedule', 'nameless', 'select 1 as ""', '{"columns": [{"name": "", "type": "BIGINT"}], "tables": [], "sensitive": []}');
select pg_temp.throws('no name', $$ select swarmplane.schedule_view('nameless') $$, 'what the schedule "nameless" gives are no columns of a view: %');
select swarmplane.describe('schedule', 'nameless', 'select 1 as ""', '{"columns": [{"name": "host", "type": "BIGINT"}, {"name": "host_", "type": "BIGINT"}], "tables": [], "sensitive": []}');
select pg_temp.throws('twice', $$ select swarmplane.schedule_view('nameless') $$, 'what the schedule "nameless" gives are no columns of a view: %');
-- what would fail at each tick, or keep the alert about it from being written and with it all other ticks
select pg_temp.throws('a long name', $$ insert into swarmplane.schedule (name, sql, every) values (repeat('n', 201), 'x', '1 day') $$, 'the name "nnnnnnnnnnnnnnnnnnnn..." has 201 bytes');
select pg_temp.throws('a long text', $$ insert into swarmplane.schedule (name, sql, every) values ('x', repeat('x', 65537), '1 day') $$, 'sql of 65537 bytes is too long, at most 65536');
select pg_temp.throws('rarely', $$ insert into swarmplane.schedule (name, sql, every) values ('x', 'x', '109000000 days') $$, 'every is 109000000 days');
select pg_temp.throws('a long time', $$ insert into swarmplane.schedule (name, sql, every, expires_in) values ('x', 'x', '1 day', '91 days') $$, 'expires_in is 91 days');
rollback;
