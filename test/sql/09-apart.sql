-- What keeps people apart: bob asks, olga operates the web hosts, alice all of them, sven may see what is sensitive.
begin;
select pg_temp.hosts();
select swarmplane.report_host_tables('[
  {"name": "users", "description": "x", "key": ["uid"], "sensitive": false,
   "columns": [{"name": "uid", "type": "BIGINT"}]},
  {"name": "shadow", "description": "x", "key": ["username"], "sensitive": true,
   "columns": [{"name": "username", "type": "TEXT"}]}]');
create temp table hub as select swarmplane.hub_hello(repeat('1', 64), 'h1', '0', 1) as id;
insert into swarmplane.node_label select id, 'web' from swarmplane.node where name = 'h1';
delete from swarmplane.label_grant where role = 'swarmplane_operator';
insert into swarmplane.label_grant (role, label) values ('alice', '*'), ('olga', 'web');
delete from swarmplane.label_grant where role = 'swarmplane_reader';
insert into swarmplane.label_grant (role, label) values ('bob', '*'), ('rita', '*'), ('sven', '*');

-- nobody who asks locks anything
set local session authorization bob;
insert into swarmplane.request (sql, hosts) values ('bob''s', '{h1}');
do $$
declare
  lock text;
begin
  foreach lock in array array['update', 'no key update', 'share', 'key share'] loop
    perform pg_temp.throws('no lock for ' || lock, 'select from swarmplane.request for ' || lock, 'permission denied%');
  end loop;
  foreach lock in array array['row share', 'row exclusive', 'share', 'exclusive'] loop
    perform pg_temp.throws('no table lock ' || lock,
      format('lock table swarmplane.delivery in %s mode', lock), 'permission denied%');
  end loop;
end
$$;
select pg_temp.throws('not by hand', 'update swarmplane.request set cancel = true', 'permission denied%');
select pg_temp.throws('no latch', 'table swarmplane.latch', 'permission denied%');
select pg_temp.throws('nor by its function', $$ select swarmplane.hold_latch('nodes') $$, 'permission denied%');
select pg_temp.throws('no wish by hand', 'insert into swarmplane.cancel_wish (request_id) values (1)', 'permission denied%');

-- nobody who asks goes ahead of others
select pg_temp.throws('ahead', $$ insert into swarmplane.request (sql, priority) values ('x', -1) $$, 'priority is -1');
select pg_temp.throws('beyond', $$ insert into swarmplane.request (sql, priority) values ('x', 11) $$, 'priority is 11');
insert into swarmplane.request (sql, priority) values ('behind', 10);
reset session authorization;
update swarmplane.setting set value = '5' where name = 'open_requests_asker';
set local session authorization bob;
select pg_temp.throws('more than his share', $$ insert into swarmplane.request (sql) select 'x' from generate_series(1, 4) $$,
  'bob would have more than 5 requests open');
insert into swarmplane.request (sql) select 'many' from generate_series(1, 3);
select pg_temp.throws('one more', $$ insert into swarmplane.request (sql) values ('x') $$, 'bob would have more than 5%');
set local session authorization alice;
insert into swarmplane.request (sql, priority) values ('ahead of all', -100);
select pg_temp.throws('as far as that', $$ insert into swarmplane.request (sql, priority) values ('x', -101) $$, 'priority is -101');
select pg_temp.throws('schedules as well', $$ insert into swarmplane.schedule (name, sql, every, priority) values ('x', 'x', '1 h', -101) $$, 'priority is -101');
insert into swarmplane.request (sql) select 'alice' from generate_series(1, 6);

-- an operator of some hosts: what is for all hosts is not hers
insert into swarmplane.schedule (name, sql, every) values ('all of it', 'select 1', '1 hour');
select swarmplane.track('users', '1 hour');
set local session authorization olga;
select pg_temp.equal('sees', string_agg(name, ','), 'h1') from swarmplane.node;
select pg_temp.throws('settings', $$ update swarmplane.setting set value = '1 day' where name = 'result_kept' $$, 'setting "result_kept" is for all hosts, and olga sees only some');
select pg_temp.throws('networks', $$ insert into swarmplane.network (range, name, site) values ('10.0.0.0/8', 'x', 'x') $$, 'network 10.0.0.0/8 is for all hosts%');
select pg_temp.throws('history', 'select swarmplane.compact_history()', 'compacting history is for all hosts%');
select pg_temp.throws('schedules of others', $$ update swarmplane.schedule set active = false $$, 'schedule "all of it" is of alice%');
select pg_temp.throws('nor deleted', 'delete from swarmplane.schedule', 'schedule "all of it" is of alice%');
select pg_temp.throws('nor taken over', $$ update swarmplane.schedule set sql = 'select * from shadow' $$, 'schedule "all of it" is of alice%');
insert into swarmplane.schedule (name, sql, every) values ('hers', 'select 1', '1 hour');
update swarmplane.schedule set every = '2 hours' where name = 'hers';
select pg_temp.throws('tracks of others', $$ select swarmplane.untrack('users') $$, 'table "users" is tracked by others');
select pg_temp.throws('hosts of others', $$ select swarmplane.track('users', '1 minute', '{h2}') $$, '%h2: unknown');
select swarmplane.track('users', '10 minutes');
select pg_temp.throws('requests of others', format('select swarmplane.cancel(%s)', (select id from swarmplane.request where sql = 'ahead of all')), 'there is no request %');
select swarmplane.cancel(id) from swarmplane.request where sql = 'bob''s';
reset session authorization;
select pg_temp.equal('her track reaches h1', (swarmplane.wishes_of(n) -> 0 ->> 'every'), '600') from swarmplane.node n where name = 'h1';
select pg_temp.equal('and no other', (swarmplane.wishes_of(n) -> 0 ->> 'every'), '3600') from swarmplane.node n where name = 'h2';
set local session authorization alice;
select swarmplane.track('users', '2 hours');
reset session authorization;
select pg_temp.equal('alice changes the fleet''s', (swarmplane.wishes_of(n) -> 0 ->> 'every'), '7200') from swarmplane.node n where name = 'h2';
set local session authorization olga;
select pg_temp.equal('takes hers back', swarmplane.untrack('users')::text, '1');
reset session authorization;
select pg_temp.equal('and only hers', (swarmplane.wishes_of(n) -> 0 ->> 'every'), '7200') from swarmplane.node n where name = 'h1';

-- a login that is gone: his wishes reach nobody, the fleet's go on
create role gone;
grant swarmplane_operator to gone;
insert into swarmplane.label_grant (role, label) values ('gone', 'web');
set local session authorization gone;
select swarmplane.track('users', '1 minute');
reset session authorization;
drop role gone;
select pg_temp.equal('goes on', (swarmplane.wishes_of(n) -> 0 ->> 'every'), '7200') from swarmplane.node n where name = 'h1';

-- rows of sensitive tables, asked for
update swarmplane.delivery set run_at = 'infinity', state = 'parked';
set local session authorization sven;
select pg_temp.throws('reads, and asks nothing', $$ insert into swarmplane.request (sql) values ('x') $$, 'permission denied%');
reset session authorization;
grant swarmplane_sensitive to alice;
set local session authorization alice;
insert into swarmplane.request (sql, hosts) values ('select * from shadow', '{h1}');
reset session authorization;
select pg_temp.equal('alice may', string_agg(c.sensitive::text, ','), 'true')
  from swarmplane.claim((select id from hub), 10) c,
       swarmplane.complete(c.token, jsonb_build_array(jsonb_build_object(
         'id', c.deliveries -> 0 ->> 0, 'state', 'ok', 'sensitive', true, 'rows', '[{"username": "root"}]'::jsonb)));
set local session authorization rita;
select pg_temp.equal('a reader sees none', count(*)::text, '0') from swarmplane.result where row ? 'username';
set local session authorization bob;
select pg_temp.equal('nor an asker', count(*)::text, '0') from swarmplane.result where row ? 'username';
set local session authorization olga;
select pg_temp.equal('nor an operator', count(*)::text, '0') from swarmplane.result where row ? 'username';
set local session authorization carol;
select pg_temp.throws('nor an auditor', 'table swarmplane.result', 'permission denied%');
set local session authorization sven;
select pg_temp.equal('who may does', string_agg(row ->> 'username', ','), 'root') from swarmplane.result where row ? 'username';
reset session authorization;
-- the owner's partitions are closed to all
select pg_temp.equal('no partition is open', count(*)::text, '0')
  from pg_class c where c.relname like 'result\_2%' and has_table_privilege('swarmplane_reader', c.oid, 'select');

-- and kept
select swarmplane.track('shadow');
insert into inventory.shadow_current (valid_from, node_id, shape, row_hash, username) select now(), n.id, 1, sha256('x'), 'root' from swarmplane.node n where n.name = 'h1';
select swarmplane.make_history_partitions();
insert into swarmplane.taking (at, host_at, sequence, node_id, key_version, shape, table_name, kind, line, hash, signature)
select now(), now(), 1, n.id, 1, 1, 'shadow', 'full', '0123456789abcdef', sha256('x'), 'x' from swarmplane.node n where n.name = 'h1';
set local session authorization rita;
do $$
declare
  read text;
begin
  foreach read in array array['table inventory.shadow', 'table inventory.shadow_changes', 'table inventory.shadow_current',
    'table inventory.shadow_history', 'select * from inventory.shadow_as_of(now())', 'table inventory.sensitive_changes',
    'select * from inventory.shadow_diff(now() - interval ''1 day'', now())', 'table inventory.sensitive_overlap'] loop
    perform pg_temp.throws('a reader: ' || read, read, 'permission denied%');
  end loop;
end
$$;
select pg_temp.equal('changes of the others', count(*)::text, '0') from inventory.changes where "table" = 'shadow';
set local session authorization sven;
select pg_temp.equal('now', string_agg(username, ','), 'root') from inventory.shadow;
select pg_temp.equal('changes', string_agg(after ->> 'username', ','), 'root') from inventory.sensitive_changes;
select count(*) from inventory.users, inventory.changes;
reset session authorization;

-- a table that a newer release calls sensitive is taken back, and given again
select swarmplane.report_host_tables('[{"name": "users", "description": "x", "key": ["uid"], "sensitive": true, "columns": [{"name": "uid", "type": "BIGINT"}]}]');
set local session authorization rita;
select pg_temp.throws('taken back', 'table inventory.users', 'permission denied%');
select count(*) from inventory.changes;
reset session authorization;
select swarmplane.report_host_tables('[{"name": "users", "description": "x", "key": ["uid"], "sensitive": false, "columns": [{"name": "uid", "type": "BIGINT"}]}]');
set local session authorization rita;
select count(*) from inventory.users;
rollback;
