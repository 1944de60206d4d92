-- What each role may and may not. alice operates, bob asks, rita reads, hank is a hub, mallory is nobody.
begin;
select pg_temp.hosts();
set local session authorization alice;
insert into swarmplane.request (sql) values ('select 1');

-- nobody
set local session authorization mallory;
select pg_temp.throws('reads nothing', 'table swarmplane.result', 'permission denied for schema swarmplane');
select pg_temp.throws('asks nothing', $$ insert into swarmplane.request (sql) values ('x') $$, 'permission denied for schema swarmplane');

-- readers
set local session authorization rita;
select count(*) from swarmplane.node, swarmplane.request, swarmplane.request_status, swarmplane.result, swarmplane.answer,
  swarmplane.alert, swarmplane.setting, swarmplane.hub, swarmplane.host_table, swarmplane.count_fault;
select pg_temp.throws('does not ask', $$ insert into swarmplane.request (sql) values ('x') $$, 'permission denied%');
select pg_temp.throws('does not ask by procedure', $$ call swarmplane.ask('x') $$, 'permission denied%');
select pg_temp.throws('does not cancel', 'update swarmplane.request set cancel = true', 'permission denied%');
select pg_temp.throws('sees no token', 'select token from swarmplane.delivery', 'permission denied%');
select pg_temp.throws('sees no lease', 'table swarmplane.lease', 'permission denied%');
select pg_temp.throws('sees no audit', 'table swarmplane.audit', 'permission denied%');

-- askers and operators
set local session authorization bob;
insert into swarmplane.request (sql, hosts) values ('select 2', '{h1}');
select pg_temp.throws('commands nothing', $$ insert into swarmplane.request (action, hosts) values ('x', '{h1}') $$, 'permission denied%');
select pg_temp.throws('is who he is', $$ insert into swarmplane.request (sql, asked_by) values ('x', 'alice') $$, 'permission denied%');
select pg_temp.throws('sets nothing', $$ update swarmplane.setting set value = '1' where name = 'attempts_max' $$, 'permission denied%');
set local session authorization alice;
do $$
declare
  statement text;
begin
  foreach statement in array array[
    'update swarmplane.request set ok = 1, pending = pending - 1',
    'update swarmplane.request set targets = 0',
    'insert into swarmplane.request (sql, ok) values (''x'', 1)',
    'delete from swarmplane.request',
    'truncate swarmplane.request cascade',
    'delete from swarmplane.delivery',
    'update swarmplane.delivery set state = ''running''',
    'insert into swarmplane.delivery (request_id, node_id) select 1, 1',
    'delete from swarmplane.delivery_done',
    'insert into swarmplane.result (node_id) values (1)',
    'delete from swarmplane.result',
    'update swarmplane.alert set resolved_at = now()',
    'update swarmplane.audit set actor = ''bob''',
    'delete from swarmplane.audit',
    'update swarmplane.node set state = ''left''',
    'create table swarmplane.mine (a integer)',
    'select swarmplane.claim(gen_random_uuid(), 1)',
    'select swarmplane.complete(gen_random_uuid(), ''[]'')',
    'select swarmplane.sweep()',
    'select swarmplane.end_waiting(1, ''ok'', ''x'')',
    'select swarmplane.raise_alert(''a'', ''b'', ''c'')',
    'select swarmplane.make_partitions()',
    'table swarmplane.alert_event',
    'select swarmplane.claim_alert_event(''1 second'')',
    'select swarmplane.end_alert_event(1)',
    'set session_replication_role = replica'
  ] loop
    perform pg_temp.throws('an operator: ' || statement, statement, '%denied%');
  end loop;
end
$$;

select pg_temp.throws('owns nothing', 'alter table swarmplane.request disable trigger all', 'must be owner%');

-- a hub calls functions and touches no table of the queue itself
set local session authorization hank;
select swarmplane.hub_hello(repeat('1', 64), 'h1', '0', 1);
select swarmplane.make_partitions();
select swarmplane.next_due();
do $$
declare
  statement text;
begin
  foreach statement in array array[
    'update swarmplane.request set ok = 1',
    'delete from swarmplane.delivery',
    'insert into swarmplane.delivery_done default values',
    'insert into swarmplane.request (sql) values (''x'')',
    'update swarmplane.setting set value = ''1''',
    'table swarmplane.audit',
    'select swarmplane.reap_lease(gen_random_uuid(), ''x'')'
  ] loop
    perform pg_temp.throws('a hub: ' || statement, statement, '%denied%');
  end loop;
end
$$;
reset session authorization;

-- tricks: objects of one's own in front of the schema, replica mode of a superuser
set local session authorization alice;
create temp table node as select 1 as id, 'evil' as name, 'alive' as state, 'x' as identity;
create temp table setting as select 'query_expires_in' as name, '90 days' as value;
create function pg_temp.now() returns timestamptz language sql as $$ select timestamptz '1999-01-01' $$;
set local search_path = pg_temp, swarmplane;
insert into swarmplane.request (sql) values ('trick');
select pg_temp.equal('definer functions see through it', r.targets || ' ' || r.expires_in, '3 00:01:00')
  from swarmplane.request r where r.sql = 'trick' and r.asked_at > '2020-01-01';
reset search_path;
reset session authorization;
set local session_replication_role = replica;
insert into swarmplane.request (sql, asked_by) values ('replica', 'alice');
select pg_temp.equal('a row is data in replica mode', r.asked_by || ' ' || r.targets, 'alice 0')
  from swarmplane.request r where r.sql = 'replica';
select pg_temp.throws('audit', 'delete from swarmplane.audit', 'audit rows are never changed or deleted');
select pg_temp.throws('audit', 'truncate swarmplane.audit', 'audit rows are never changed or deleted');
rollback;

-- the constraint stands even for the owner
begin;
select pg_temp.hosts();
insert into swarmplane.request (sql) values ('select 1');
select pg_temp.throws('false counts', 'update swarmplane.request set ok = 1', '%counts_add_up%');
select pg_temp.throws('negative counts', 'update swarmplane.request set ok = -1, pending = pending + 1', '%counts_are_not_negative%');
rollback;
