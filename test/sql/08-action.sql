-- Actions: what may be inserted, who may claim, how they end.
begin;
select pg_temp.hosts();
create temp table hub as select swarmplane.hub_hello(repeat('1', 64), 'h1', '0', 1) as id;
select swarmplane.report_actions(id, '{restart,count}') from hub;
set local session authorization alice;

select pg_temp.throws('no hosts', $$ insert into swarmplane.request (action) values ('restart') $$, 'action restart names no hosts%');
select pg_temp.throws('every host', $$ insert into swarmplane.request (action, hosts) values ('restart', '{*}') $$, 'action restart names no hosts%');
select pg_temp.throws('null hosts', $$ insert into swarmplane.request (action, hosts) values ('restart', null) $$, 'hosts is null%');
select pg_temp.throws('hosts that join later', $$ insert into swarmplane.request (action, hosts, include_new) values ('restart', '{h1}', true) $$, 'include_new goes with%');
select pg_temp.throws('sql as well', $$ insert into swarmplane.request (action, sql, hosts) values ('restart', 'select 1', '{h1}') $$, 'both action "restart" and sql are given');
select pg_temp.throws('no name', $$ insert into swarmplane.request (action, hosts) values ('Restart; rm', '{h1}') $$, 'action "Restart; rm" is no name');
select pg_temp.throws('args in a list', $$ insert into swarmplane.request (action, args, hosts) values ('restart', '["a"]', '{h1}') $$, 'args is ["a"], not an object');
select pg_temp.throws('a list in args', $$ insert into swarmplane.request (action, args, hosts) values ('restart', '{"a": [1]}', '{h1}') $$, 'args holds what is no text: a: [1]');
select pg_temp.throws('long args', $$ insert into swarmplane.request (action, args, hosts) values ('restart', jsonb_build_object('a', repeat('x', 16384)), '{h1}') $$, 'args of % bytes is too long%');

-- its time runs from the insert; values become text
insert into swarmplane.request (action, args, hosts) values ('count', '{"n": 5, "unit": "nginx"}', '{h1,h2,h3}');
select pg_temp.equal('a day from the insert', (expires_at - asked_at)::text, '1 day') from swarmplane.request;
select pg_temp.equal('text', args::text, '{"n": "5", "unit": "nginx"}') from swarmplane.request;
select pg_temp.equal('audited', after ->> 'action', 'count') from swarmplane.audit where action = 'request.insert';
set local session authorization bob;
select pg_temp.throws('an asker', $$ insert into swarmplane.request (action, hosts) values ('restart', '{h1}') $$, 'permission denied%');
set local session authorization alice;

-- what no hub may command waits, with an alert that says what to run
insert into swarmplane.request (action, hosts, priority) values ('upgrade', '{h1}', -5);
select pg_temp.equal('no alert row is held by the insert', count(*)::text, '0') from swarmplane.alert where kind = 'no_commander';
reset session authorization;
select swarmplane.report_actions(id, actions) from hub join swarmplane.hub h using (id);
select pg_temp.equal('alert', message, 'action upgrade waits: no hub may command it; run, where the operator key is: swarmplane operator grant h1 --role commander --actions upgrade')
  from swarmplane.alert where kind = 'no_commander' and key = 'upgrade' and resolved_at is null;
select pg_temp.equal('not claimed', count(*)::text, '0') from hub, swarmplane.claim(hub.id, 10, '{restart}');
select pg_temp.equal('not by an older hub', count(*)::text, '0') from hub, swarmplane.claim(hub.id, 10);
select pg_temp.equal('nothing due for it', (swarmplane.next_due('{restart}') > 80000000)::text, 'true');
select pg_temp.equal('something due for others', (swarmplane.next_due('{*}') <= 0)::text, 'true');
create temp table claimed as select c.* from hub, swarmplane.claim(hub.id, 10, '{restart,count}') c;
select pg_temp.equal('the one it may command', action || ' ' || args || ' ' || asked_by || ' ' || (sql is null), 'count {"n": "5", "unit": "nginx"} alice true') from claimed;

-- ends: ok, failed with its row, running still
create temp table one as
  select token, array(select (d ->> 0)::uuid from json_array_elements(deliveries) d order by d ->> 1) as ids from claimed;
select pg_temp.equal('became', string_agg(c.became, ',' order by array_position(one.ids, c.delivery)), 'ok,failed,pending')
  from one, swarmplane.complete(one.token, jsonb_build_array(
    jsonb_build_object('id', one.ids[1], 'state', 'ok', 'rows', '[{"exit_code": 0}]'::jsonb),
    jsonb_build_object('id', one.ids[2], 'state', 'failed', 'code', 'exit', 'message', 'exit code 3: sorry', 'rows', '[{"exit_code": 3}]'::jsonb),
    jsonb_build_object('id', one.ids[3], 'state', 'running', 'code', 'running', 'message', 'it runs still'))) c
 group by one.ids;
select pg_temp.equal('rows of both', string_agg(host || row, ',' order by host), 'h1{"exit_code": 0},h2{"exit_code": 3}') from swarmplane.result;
select pg_temp.equal('running costs no attempt', d.attempt || ' ' || d.reached, '0 true')
  from swarmplane.delivery d, one where d.id = one.ids[3];
select pg_temp.equal('alert', message, 'exit code 3: sorry') from swarmplane.alert where kind = 'action_failed' and key = 'count exit';
select pg_temp.equal('audit of ends', string_agg(a.action || ' ' || (a.object ~ 'request \d+ host h\d$') || ' ' || (a.after ->> 'asked_by'), ',' order by a.action), 'action.failed true alice,action.ok true alice')
  from swarmplane.audit a where a.action like 'action.%';

-- cancelled: what waits ends, audited
select swarmplane.cancel(id) from swarmplane.request where action = 'count';
select pg_temp.equal('swept', swarmplane.sweep(false), 'cancelled');
select pg_temp.equal('ended', r.state || ' ' || r.cancelled, 'done 1') from swarmplane.request r where action = 'count';
select pg_temp.equal('audit of the cancel', count(*)::text, '1') from swarmplane.audit where action = 'action.cancelled';

-- parked for a host that is away, woken when it is back
insert into swarmplane.request (action, hosts) values ('restart', '{h3}');
create temp table parked as select c.* from hub, swarmplane.claim(hub.id, 10, '{restart}') c;
select pg_temp.equal('parked', c.became, 'parked')
  from parked, swarmplane.complete(parked.token, jsonb_build_array(
    jsonb_build_object('id', parked.deliveries -> 0 ->> 0, 'state', 'away'))) c;
select pg_temp.equal('woken', swarmplane.report_nodes(jsonb_build_array(jsonb_build_object(
  'identity', repeat('3', 64), 'name', 'h3', 'state', 'alive', 'labels', '{}'::jsonb, 'version', '', 'hub', false,
  'incarnation', 1, 'since', 0, 'addresses', '[]'::jsonb)))::text, '1');
select pg_temp.equal('the same command', (c.deliveries -> 0 ->> 0 = parked.deliveries -> 0 ->> 0)::text, 'true')
  from parked, hub, swarmplane.claim(hub.id, 10, '{*}') c where c.action = 'restart';

-- the alert is over when a hub may, and when nothing waits
select swarmplane.report_actions(id, '{restart,upgrade}') from hub;
select pg_temp.equal('resolved', count(*)::text, '0') from swarmplane.alert where kind = 'no_commander' and resolved_at is null;
select swarmplane.report_actions(id, '{}') from hub;
select pg_temp.equal('opened again by the hubs', string_agg(key, ',' order by key), 'restart,upgrade') from swarmplane.alert where kind = 'no_commander' and resolved_at is null;
select pg_temp.equal('no count at fault', count(*)::text, '0') from swarmplane.count_fault;
rollback;

-- the id of a command is the request's and the host's: a row that is copied has the same, wherever it is copied to
begin;
select pg_temp.hosts();
insert into swarmplane.request (action, hosts, command_key) values ('restart', '{h1,h2}', '01890a5d-ac96-774b-bcce-b302099a8057');
-- node -e: createHash('sha256') over the lengths and parts
select pg_temp.equal('made of both', string_agg(d.id::text, ',' order by d.node_id), '65ff3bbb-4fce-8e9a-9dde-6c81b959619b,d3d0b546-cd9e-8cc1-afd5-0fa2171bfe59')
  from swarmplane.delivery d;
insert into swarmplane.request (action, hosts) values ('restart', '{h1}');
select pg_temp.equal('another request has another key', count(distinct r.command_key)::text, '2') from swarmplane.request r;
insert into swarmplane.request (sql) values ('select 1');
select pg_temp.equal('a query has none', (r.command_key is null)::text, 'true') from swarmplane.request r where r.sql is not null;
set local session authorization alice;
select pg_temp.throws('nobody chooses it', $$ insert into swarmplane.request (action, hosts, command_key) values ('restart', '{h1}', gen_random_uuid()) $$, 'permission denied%');
rollback;

-- ids go on behind rows that were brought without their sequences
begin;
select pg_temp.hosts();
insert into swarmplane.request (id, sql) overriding system value values (41, 'select 1');
insert into swarmplane.audit (id, action, object) overriding system value values (7001, 'x', 'y');
select pg_temp.equal('two stood before them', swarmplane.raise_sequences()::text, '2');
select pg_temp.equal('none does', swarmplane.raise_sequences()::text, '0');
insert into swarmplane.request (sql) values ('select 2');
select pg_temp.equal('the next', max(id)::text, '42') from swarmplane.request;
rollback;
