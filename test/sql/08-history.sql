-- Who may track, who may read what of history, and what is refused.
begin;
select pg_temp.hosts();
select swarmplane.report_host_tables('[
  {"name": "users", "description": "x", "key": ["uid"], "sensitive": false,
   "columns": [{"name": "uid", "type": "BIGINT"}, {"name": "select", "type": "TEXT"}, {"name": "secret", "type": "TEXT", "hidden": true}]},
  {"name": "file", "description": "x", "key": ["path"], "sensitive": false,
   "columns": [{"name": "path", "type": "TEXT", "required": true}]}]');
select pg_temp.equal('wished from the start', string_agg(name, ','), 'users') from swarmplane.tracked_table;
select pg_temp.equal('hidden columns are not kept', string_agg(c ->> 'column', ','), 'uid,select')
  from swarmplane.tracked_table, jsonb_array_elements(columns) c;

set local session authorization alice;
select swarmplane.track('users', '10 minutes', hosts => '{h1}');
select swarmplane.track('users', '20 minutes', labels => '{"role": "web"}');
select pg_temp.throws('unknown table', $$ select swarmplane.track('nope') $$, 'no host table is called "nope"');
select pg_temp.throws('needs a constraint', $$ select swarmplane.track('file') $$, '%must constrain path');
select pg_temp.throws('unknown host', $$ select swarmplane.track('users', hosts => '{h9}') $$, '%h9: unknown');
select pg_temp.throws('both', $$ select swarmplane.track('users', hosts => '{h1}', labels => '{"a": "b"}') $$, 'hosts and labels are both given');
select pg_temp.throws('too often', $$ select swarmplane.track('users', '1 second') $$, 'every is 00:00:01');
select pg_temp.throws('not by hand', $$ insert into swarmplane.track_wish (table_name, every, hosts) values ('users', '1 day', '{*}') $$, 'permission denied%');
select pg_temp.throws('nor rows', $$ insert into inventory.users_current values (now(), 1, 1, '', 1, '') $$, 'permission denied%');
reset session authorization;
select pg_temp.equal('audited', count(*)::text, '2') from swarmplane.audit where object like 'track_wish %';
select pg_temp.equal('the shortest counts', swarmplane.wishes_of(n)::text, '[{"every": 600, "table": "users"}]')
  from swarmplane.node n where n.name = 'h1';
select pg_temp.equal('for the hosts named', swarmplane.wishes_of(n)::text, '[{"every": 3600, "table": "users"}]')
  from swarmplane.node n where n.name = 'h2';

set local session authorization bob;
select pg_temp.throws('askers do not track', $$ select swarmplane.track('users') $$, 'permission denied%');
select pg_temp.throws('nor ingest', $$ select swarmplane.ingest('', '{}') $$, 'permission denied%');
reset session authorization;

insert into inventory.users_current select now(), n.id, 1, sha256(n.name::bytea), n.id, n.name from swarmplane.node n;
select swarmplane.make_partitions();
insert into inventory.users_history (valid_from, valid_to, node_id, shape, row_hash)
select now() - interval '1 hour', now(), n.id, 1, sha256('x') from swarmplane.node n;
insert into swarmplane.taking (at, host_at, sequence, node_id, key_version, shape, table_name, kind, line, hash, signature)
select now(), now(), 1, n.id, 1, 1, 'users', 'full', '0123456789abcdef', sha256('x'), 'x' from swarmplane.node n;
insert into swarmplane.node_label select id, 'web' from swarmplane.node where name = 'h1';
delete from swarmplane.label_grant where role = 'swarmplane_reader';
insert into swarmplane.label_grant (role, label) values ('rita', 'web');
set local session authorization rita;
select pg_temp.equal('now', string_agg(host, ','), 'h1') from inventory.users;
select pg_temp.equal('then', string_agg(host, ','), 'h1') from inventory.users_as_of(now());
select pg_temp.equal('changes', string_agg(distinct host, ','), 'h1') from inventory.changes;
select pg_temp.equal('diff', string_agg(distinct host, ','), 'h1') from inventory.users_diff(now() - interval '1 minute', now());
select pg_temp.equal('rows', count(*)::text, '1') from inventory.users_history;
select pg_temp.throws('not by a partition',
  format('table inventory.users_history_%s', to_char(now() at time zone 'UTC', 'YYYYMM')), 'permission denied%');
reset session authorization;
select pg_temp.throws('nobody changes what was', $$ delete from inventory.users_history $$, 'rows of users_history%');
select pg_temp.throws('nor empties it', $$ truncate inventory.users_history $$, 'rows of users_history%');

set local session authorization alice;
select pg_temp.equal('all wishes go', swarmplane.untrack('users')::text, '3');
select pg_temp.throws('once', $$ select swarmplane.untrack('users') $$, 'table "users" is not tracked');
reset session authorization;
select pg_temp.equal('what was kept stays', count(*)::text, '4') from inventory.users_history;
rollback;
