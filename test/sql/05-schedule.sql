-- Schedules: what may be written, what a tick does, whose it is.
begin;
select pg_temp.hosts();
set local session authorization alice;
select pg_temp.throws('zone', $$ insert into swarmplane.schedule (name, sql, cron, zone) values ('x', 'x', '* * * * *', 'Mars/Olympus') $$, 'there is no time zone "Mars/Olympus"');
select pg_temp.throws('hosts', $$ insert into swarmplane.schedule (name, sql, every, hosts) values ('x', 'x', '1 day', '{h9}') $$, '%h9: unknown');
select pg_temp.throws('both', $$ insert into swarmplane.schedule (name, sql, every, cron) values ('x', 'x', '1 day', '* * * * *') $$, '%every_or_cron%');
select pg_temp.throws('months', $$ insert into swarmplane.schedule (name, sql, every) values ('x', 'x', '1 month') $$, '%every_counts_no_months%');
select pg_temp.throws('not for others', $$ insert into swarmplane.schedule (name, sql, every, owner) values ('x', 'x', '1 day', 'bob') $$, 'permission denied%');
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
select pg_temp.equal('audited', string_agg(actor || ' ' || action, ','), 'alice schedule.insert') from swarmplane.audit where action like 'schedule%';
rollback;
