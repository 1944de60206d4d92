-- Claims, fences, retries, expiry: the rules of the queue, one session.
begin;
select pg_temp.hosts();
create temp table hub as select swarmplane.hub_hello(repeat('1', 64), 'h1', '0', 1) as id;

-- one claim takes one request, the most urgent first
insert into swarmplane.request (sql) values ('later');
insert into swarmplane.request (sql, priority) values ('first', -5);
create temp table claimed as select * from swarmplane.claim((select id from hub), 2);
select pg_temp.equal('urgent first', sql || ' ' || json_array_length(deliveries), 'first 2') from claimed;
select pg_temp.equal('time runs from the first claim', (remaining_ms between 59000 and 60000)::text, 'true') from claimed;
select pg_temp.equal('counted', r.pending || ' ' || r.running, '1 2') from swarmplane.request r where sql = 'first';
select pg_temp.equal('another of its deliveries is due', more::text, 'true') from claimed;
create temp table rest as select * from swarmplane.claim((select id from hub), 10);
select pg_temp.equal('the rest', json_array_length(deliveries)::text, '1') from rest;
select pg_temp.equal('another request is due', more::text, 'true') from rest;
savepoint before;
select pg_temp.equal('outcomes are taken of one''s own deliveries only', string_agg(delivery::text, ' '), min(rest.deliveries -> 0 ->> 0))
  from rest, claimed, swarmplane.complete(rest.token, jsonb_build_array(
    jsonb_build_object('id', claimed.deliveries -> 0 ->> 0, 'state', 'ok'),
    jsonb_build_object('id', rest.deliveries -> 0 ->> 0, 'state', 'ok')));
select pg_temp.equal('the other''s work goes on', r.running || ' ' || r.ok, '2 1') from swarmplane.request r where sql = 'first';
rollback to before;
select pg_temp.equal('of trouble as well', string_agg(delivery::text || ' ' || became, ' '), min(rest.deliveries -> 0 ->> 0) || ' pending')
  from rest, claimed, swarmplane.complete(rest.token, jsonb_build_array(
    jsonb_build_object('id', claimed.deliveries -> 0 ->> 0, 'state', 'failed'),
    jsonb_build_object('id', rest.deliveries -> 0 ->> 0, 'state', 'again')));
rollback to before;
select pg_temp.equal('nothing else is due', more::text, 'false') from swarmplane.claim((select id from hub), 10);
rollback to before;

-- the token is a fence
create temp table one as select (deliveries -> 0 ->> 0)::uuid as id, token from claimed;
select pg_temp.equal('a wrong token is nothing', count(*)::text, '0')
  from one, swarmplane.complete(gen_random_uuid(), jsonb_build_array(jsonb_build_object('id', one.id, 'state', 'ok')));
update swarmplane.lease set until = now() - interval '1 second' from one where lease.token = one.token;
update swarmplane.setting set value = '1 microsecond' where name = 'lease_time';
select pg_temp.equal('reaped', swarmplane.sweep(), 'lease');
select pg_temp.equal('back in the queue', r.pending || ' ' || r.running, '2 1') from swarmplane.request r where sql = 'first';
select pg_temp.equal('not reaped twice', swarmplane.sweep(false), null);
select pg_temp.equal('late, but nobody claimed anew: it counts', became, 'ok')
  from one, swarmplane.complete(one.token, jsonb_build_array(jsonb_build_object('id', one.id, 'state', 'ok', 'rows', '[{"a": 1}]'::jsonb)));
select pg_temp.equal('once', count(*)::text, '0')
  from one, swarmplane.complete(one.token, jsonb_build_array(jsonb_build_object('id', one.id, 'state', 'ok', 'rows', '[{"a": 2}]'::jsonb)));
select pg_temp.equal('one row', string_agg(row::text, ','), '{"a": 1}') from swarmplane.result;
update swarmplane.delivery set run_at = '-infinity' where state = 'pending' and attempt > 0;
create temp table anew as select * from swarmplane.claim((select id from hub), 10);
select pg_temp.equal('claimed anew', sql, 'first') from anew;
select pg_temp.equal('the old token is worth nothing now', count(*)::text, '0')
  from claimed, swarmplane.complete(claimed.token, jsonb_build_array(jsonb_build_object('id', claimed.deliveries -> 1 ->> 0, 'state', 'ok')));

-- giving back burns no attempt
select pg_temp.equal('given back', swarmplane.give_back(token)::text, '1') from anew;
select pg_temp.equal('attempt', max(attempt)::text, '1')
  from swarmplane.delivery d join swarmplane.request r on r.id = d.request_id and r.sql = 'first' where d.state = 'pending';

-- away: parked while the node is dead, no attempt; unreachable at once where nobody wants to wait
delete from swarmplane.lease; -- of other claims of this test
select pg_temp.equal('ends', string_agg(distinct x, ','), 'ok') from (select pg_temp.work((select id from hub), 'ok') x) y;
select pg_temp.work((select id from hub), 'away');
select pg_temp.equal('parked and waiting', string_agg(s.host || ' ' || s.state || ' ' || s.attempt, ',' order by s.host), 'h1 pending 0,h2 pending 0,h3 parked 0')
  from swarmplane.request_status s join swarmplane.request r on r.id = s.request_id and r.sql = 'later';
select pg_temp.equal('woken', swarmplane.report_nodes(jsonb_build_array(jsonb_build_object(
  'identity', repeat('3', 64), 'name', 'h3', 'state', 'alive', 'labels', '{}'::jsonb, 'version', '', 'hub', false,
  'incarnation', 1, 'since', 0, 'addresses', '["[::1]:7", "name:8"]'::jsonb)))::text, '1');
select pg_temp.equal('addresses', string_agg(address || ' ' || coalesce(host(ip), '-') || ' ' || port, ',' order by address), '[::1]:7 ::1 7,name:8 - 8')
  from swarmplane.node_address;
select pg_temp.equal('an old incarnation changes nothing', swarmplane.report_nodes(jsonb_build_array(jsonb_build_object(
  'identity', repeat('3', 64), 'name', 'h3', 'state', 'dead', 'labels', '{}'::jsonb, 'version', '', 'hub', false,
  'incarnation', 0, 'since', 0, 'addresses', '[]'::jsonb)))::text || (select state from swarmplane.node where name = 'h3'), '0alive');
insert into swarmplane.request (sql, wait_for_away, priority) values ('at once', false, -9);
select pg_temp.equal('at once', pg_temp.work((select id from hub), 'away'), 'unreachable');

-- ten tries
update swarmplane.setting set value = '3' where name = 'attempts_max';
update swarmplane.setting set value = '1 microsecond' where name = 'retry_max';
insert into swarmplane.request (sql, hosts, priority) values ('busy', '{h1}', -9);
select pg_temp.equal('again', pg_temp.work((select id from hub), 'again'), 'pending');
update swarmplane.delivery set run_at = now() where state = 'pending';
select pg_temp.equal('again', pg_temp.work((select id from hub), 'again'), 'pending');
update swarmplane.delivery set run_at = now() where state = 'pending';
select pg_temp.equal('enough', pg_temp.work((select id from hub), 'again'), 'failed');
select pg_temp.equal('alert', count::text, '1') from swarmplane.alert where kind = 'host_gave_no_answer' and key = 'h1';
insert into swarmplane.request (sql, hosts, priority) values ('well', '{h1}', -9);
select pg_temp.work((select id from hub), 'ok');
select pg_temp.equal('resolved by an answer', count(*)::text, '0') from swarmplane.alert where key = 'h1' and resolved_at is null;

-- expiry: reached is expired, never reached is unreachable
insert into swarmplane.request (sql, hosts, priority) values ('expires', '{h1,h2}', -9);
update swarmplane.request set expires_at = now() where sql = 'expires';
update swarmplane.delivery d set reached = true
  from swarmplane.request r, swarmplane.node n
 where r.id = d.request_id and r.sql = 'expires' and n.id = d.node_id and n.name = 'h1';
select pg_temp.equal('expired', swarmplane.sweep(false), 'expired');
select pg_temp.equal('how', r.expired || ' ' || r.unreachable || ' ' || r.state, '1 1 done') from swarmplane.request r where sql = 'expires';

-- hosts that join while a request is open
insert into swarmplane.request (sql, include_new) values ('new too', true);
insert into swarmplane.request (sql) values ('not new');
select swarmplane.report_nodes(jsonb_build_array(jsonb_build_object(
  'identity', repeat('9', 64), 'name', 'h9', 'state', 'alive', 'labels', '{}'::jsonb, 'version', '', 'hub', false,
  'incarnation', 1, 'since', 0, 'addresses', '[]'::jsonb)));
select pg_temp.equal('joined', string_agg(sql || ' ' || targets, ',' order by sql), 'new too 4,not new 3')
  from swarmplane.request where sql in ('new too', 'not new');

select pg_temp.equal('no count at fault', count(*)::text, '0') from swarmplane.count_fault;
rollback;
