-- What people answer to alerts: acknowledged, muted until, told of again; by whom, audited; refused to others.
begin;
select pg_temp.hosts();
select swarmplane.raise_alert('k', 'one', 'first'), swarmplane.raise_alert('k', 'two', 'second');
create temp table a as select key, id from swarmplane.alert where kind = 'k';
grant select on a to public;
delete from swarmplane.alert_event;

set local session authorization bob;
select pg_temp.throws('askers do not', $$ select swarmplane.acknowledge(1, 'x') $$, 'permission denied%');
set local session authorization alice;
select swarmplane.acknowledge(id, 'seen to') from a where key = 'one';
select pg_temp.equal('who and why', acknowledged_by || ' ' || acknowledged_why || ' ' || (acknowledged_at = now()), 'alice seen to true')
  from swarmplane.alert where key = 'one' and kind = 'k';
select pg_temp.throws('of none', $$ select swarmplane.acknowledge(-1) $$, 'alert -1 is not open');
select pg_temp.throws('in the past', $$ select swarmplane.mute(id, now(), 'x') from a where key = 'one' $$, 'until is %');
select pg_temp.throws('for ever', $$ select swarmplane.mute(id, 'infinity', 'x') from a where key = 'one' $$, 'until is infinity');
select pg_temp.throws('for no reason', $$ select swarmplane.mute(id, now() + interval '1 hour', '') from a where key = 'one' $$, 'why is empty');
select swarmplane.mute(id, now() + interval '1 hour', 'works') from a where key = 'one';
select pg_temp.equal('by whom', muted_by || ' ' || why, 'alice works') from swarmplane.alert_mute;
reset session authorization;
select pg_temp.equal('audited', string_agg(actor || ' ' || action, ',' order by id), 'alice alert.update,alice alert_mute.insert')
  from swarmplane.audit where action like 'alert%';

-- it opened before the mute: its end is told; what opens meanwhile is not, nor its end
update swarmplane.alert_mute set muted_at = now() + interval '1 second';
select swarmplane.resolve_alerts('{k}', '{one}');
select pg_temp.equal('the end of what was told', string_agg(event, ','), 'resolved') from swarmplane.alert_event;
delete from swarmplane.alert_event;
update swarmplane.alert_mute set muted_at = now() - interval '1 second';
select swarmplane.raise_alert('k', 'one', 'again');
select pg_temp.equal('a new one is not acknowledged', count(*)::text, '1') from swarmplane.alert where kind = 'k' and key = 'one' and resolved_at is null and acknowledged_at is null;
select swarmplane.resolve_alerts('{k}', '{one}');
select pg_temp.equal('quiet', count(*)::text, '0') from swarmplane.alert_event;
select swarmplane.raise_alert('k', 'one', 'third');
select swarmplane.raise_alert('k', 'other', 'loud');
select pg_temp.equal('others are told of', count(*)::text, '1') from swarmplane.alert_event;
delete from swarmplane.alert_event;

-- muted for longer: it opened in the first mute, and nobody was told of it
update swarmplane.alert_mute set muted_at = now() - interval '1 hour';
update swarmplane.alert set first_at = now() - interval '1 minute' where kind = 'k' and key = 'one' and resolved_at is null;
set local session authorization alice;
select swarmplane.mute(id, now() + interval '2 hours', 'works still') from swarmplane.alert where kind = 'k' and key = 'one' and resolved_at is null;
reset session authorization;

-- the time is over and it is open still
update swarmplane.alert_mute set until = now();
set local session authorization hank;
select swarmplane.look_after_alerts();
reset session authorization;
select pg_temp.equal('told', string_agg(x.message || ' ' || e.event, ','), 'third opened') from swarmplane.alert_event e join swarmplane.alert x on x.id = e.alert_id;
select pg_temp.equal('over', count(*)::text, '0') from swarmplane.alert_mute;

set local session authorization alice;
select swarmplane.mute(id, now() + interval '1 hour', 'works') from a where key = 'two';
select swarmplane.unmute('k', 'two');
select pg_temp.throws('twice', $$ select swarmplane.unmute('k', 'two') $$, 'alert "k two" is not muted');
reset session authorization;
delete from swarmplane.label_grant;
insert into swarmplane.label_grant (role, label) values ('olga', 'web');
set local session authorization olga;
select pg_temp.throws('whoever sees some hosts', $$ select swarmplane.mute(id, now() + interval '1 hour', 'x') from a where key = 'two' $$, 'muting alerts is for all hosts, and olga sees only some');
rollback;
