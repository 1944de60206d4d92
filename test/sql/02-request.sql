-- What may be inserted, and what comes of it.
begin;
select pg_temp.hosts();
set local session authorization alice;

insert into swarmplane.request (sql) values ('select 1');
select pg_temp.equal('all hosts but those that left', string_agg(host || ' ' || state, ',' order by host), 'h1 pending,h2 pending,h3 pending')
  from swarmplane.request_status;
select pg_temp.equal('the account so far', swarmplane.account(r.id), '3 hosts: 3 waited for (h1, h2, h3)')
  from swarmplane.request r;
select pg_temp.equal('the actor is who logged in', r.asked_by::text, 'alice') from swarmplane.request r;
select pg_temp.equal('audited', a.actor || ' ' || a.action || ' ' || (a.after ->> 'sql'), 'alice request.insert select 1')
  from swarmplane.audit a where a.action like 'request%';

insert into swarmplane.request (sql, hosts)
  select 'select 2', array_agg(name) from swarmplane.node where name in ('h1', 'h3');
select pg_temp.equal('targets', r.targets || ' ' || r.pending || ' ' || r.state, '2 2 open')
  from swarmplane.request r where r.sql = 'select 2';

select pg_temp.throws('null hosts', $$ insert into swarmplane.request (sql, hosts)
  select 'select 1', array_agg(name) from swarmplane.node where labels @> '{"role": "wbe"}' $$, 'hosts is null%');
select pg_temp.throws('no hosts', $$ insert into swarmplane.request (sql, hosts) values ('select 1', '{}') $$, 'hosts is empty%');
select pg_temp.throws('a star among names', $$ insert into swarmplane.request (sql, hosts) values ('select 1', '{*,h1}') $$, '%names "*" beside others');
select pg_temp.throws('unknown', $$ insert into swarmplane.request (sql, hosts) values ('select 1', '{h1,"Web 9"}') $$, '%"Web 9": unknown');
select pg_temp.throws('null name', $$ insert into swarmplane.request (sql, hosts) values ('select 1', '{h1,null}') $$, '%null: unknown');
select pg_temp.throws('left', $$ insert into swarmplane.request (sql, hosts) values ('select 1', '{h4}') $$, '%h4: has left the swarm');
select pg_temp.throws('args of a query', $$ insert into swarmplane.request (sql, args) values ('select 1', '{}') $$, 'args go with an action%');
select pg_temp.throws('nothing', $$ insert into swarmplane.request (hosts) values ('{h1}') $$, 'column sql is null');
select pg_temp.throws('blanks', $$ insert into swarmplane.request (sql) values (E' \n') $$, 'column sql is empty');
select pg_temp.throws('long', $$ insert into swarmplane.request (sql) values (repeat('x', 65537)) $$, 'sql of 65537 bytes is too long%');
select pg_temp.throws('no time', $$ insert into swarmplane.request (sql, expires_in) values ('select 1', '0') $$, 'expires_in is 00:00:00');
select pg_temp.throws('new hosts of a list', $$ insert into swarmplane.request (sql, hosts, include_new) values ('select 1', '{h1}', true) $$, 'include_new goes with%');

select pg_temp.throws('an empty key', $$ insert into swarmplane.request (sql, idempotency_key) values ('select 1', '') $$, 'idempotency_key "..." has 0 characters');
select pg_temp.throws('a long key', $$ insert into swarmplane.request (sql, idempotency_key) values ('select 1', repeat('k', 201)) $$, 'idempotency_key "kkkkkkkkkkkkkkkkkkkk..." has 201 characters');
insert into swarmplane.request (sql, idempotency_key) values ('select 3', 'once');
select pg_temp.throws('twice', $$ insert into swarmplane.request (sql, idempotency_key) values ('select 3', 'once') $$,
  '%"idempotency_key_is_used_once"');
insert into swarmplane.request (sql, idempotency_key) values ('select 3', 'once') on conflict do nothing;
select pg_temp.equal('once', count(*)::text, '1') from swarmplane.request where sql = 'select 3';
insert into swarmplane.request (sql, idempotency_key) values ('select 3', 'once')
  on conflict (asked_by, idempotency_key) where idempotency_key is not null do nothing;
insert into swarmplane.request (sql, idempotency_key) values ('select 3', 'once'), ('select 3b', 'twice'), ('select 3b', 'twice')
  on conflict do nothing;
select pg_temp.equal('each once, with its deliveries', string_agg(r.sql || ' ' || r.targets, ',' order by r.sql), 'select 3 3,select 3b 3')
  from swarmplane.request r where r.sql like 'select 3%';
set local session authorization bob;
insert into swarmplane.request (sql, idempotency_key) values ('select 4', 'once');

reset session authorization;
savepoint before;
update swarmplane.node set state = 'left';
select pg_temp.throws('nobody', $$ insert into swarmplane.request (sql) values ('select 1') $$, 'no host is known');
rollback to before;
insert into swarmplane.node (identity, name, state)
  select repeat('6', 64), identity, 'alive' from swarmplane.node where name = 'h1';
select pg_temp.equal('a whole id is only ever that', string_agg(n.name, ','), 'h1')
  from swarmplane.resolve_hosts(array(select identity from swarmplane.node where name = 'h1'), null) r
  join swarmplane.node n on n.id = r;
select pg_temp.equal('also where one is meant to go', (swarmplane.node_meant(identity)).name, 'h1')
  from swarmplane.node where name = 'h1';
rollback to before;
insert into swarmplane.node (identity, name, state) values (repeat('5', 64), 'h2', 'alive');
set local session authorization alice;
select pg_temp.throws('ambiguous', $$ insert into swarmplane.request (sql, hosts) values ('select 1', '{h2}') $$, '%h2: ambiguous%2222%');
insert into swarmplane.request (sql, hosts) values ('select 5', array[repeat('5', 64)]);

-- cancelling
select swarmplane.cancel(id) from swarmplane.request where sql = 'select 2';
select swarmplane.cancel(id) from swarmplane.request where sql = 'select 2';
select pg_temp.throws('not by hand', $$ update swarmplane.request set cancel = true where sql = 'select 2' $$, 'permission denied%');
select pg_temp.throws('unknown request', $$ select swarmplane.cancel(4711) $$, 'there is no request 4711 that you may cancel');
reset session authorization;
select pg_temp.equal('swept', swarmplane.sweep(), 'cancelled');
select pg_temp.equal('ended', r.state || ' ' || r.cancelled, 'done 2') from swarmplane.request r where r.sql = 'select 2';
set local session authorization alice;
select pg_temp.equal('audited', string_agg(actor || ' ' || (after ->> 'sql'), ','), 'alice select 2')
  from swarmplane.audit where action = 'request.cancel';
select pg_temp.throws('ended', format('select swarmplane.cancel(%s)', (select id from swarmplane.request where sql = 'select 2')), 'request % has ended already');

-- settings
update swarmplane.setting set value = '20 seconds' where name = 'lease_time';
select pg_temp.throws('no interval', $$ update swarmplane.setting set value = 'soon' where name = 'lease_time' $$, 'setting "lease_time" cannot be "soon": write an interval %');
select pg_temp.throws('no number', $$ update swarmplane.setting set value = '0' where name = 'attempts_max' $$, 'setting "attempts_max" cannot be "0": write a whole number from 1 to 1000');
rollback;
