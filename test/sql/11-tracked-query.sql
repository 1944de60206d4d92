-- Queries that are tracked: who may, what is refused, what hosts are told, and rows of two texts apart.
begin;
select pg_temp.hosts();
select swarmplane.report_host_tables('[
  {"name": "users", "description": "x", "key": ["uid"], "sensitive": false, "columns": [{"name": "uid", "type": "BIGINT"}]}]');

set local session authorization bob;
select pg_temp.throws('askers do not track', $$ select swarmplane.track_query('q', 'select 1 as n') $$, 'permission denied%');
reset session authorization;

set local session authorization alice;
select pg_temp.throws('a table''s name', $$ select swarmplane.track_query('users', 'select 1 as n') $$, '"users" is a table of the hosts');
select pg_temp.throws('ours', $$ select swarmplane.track_query('users_changes', 'select 1 as n') $$, 'inventory.users_changes is there already');
select pg_temp.throws('no name', $$ select swarmplane.track_query('Big Files', 'select 1 as n') $$, 'a query cannot be tracked as "Big Files"');
select pg_temp.throws('no text', $$ select swarmplane.track_query('q', '') $$, 'the text of the query has 0 bytes');
select pg_temp.throws('too long', format($$ select swarmplane.track_query('q', %L) $$, repeat('x', 8193)), 'the text of the query has 8193 bytes');
select pg_temp.throws('key twice', $$ select swarmplane.track_query('q', 'select 1 as n', key => '{n,n}') $$, 'key is {n,n}');
select pg_temp.throws('too often', $$ select swarmplane.track_query('q', 'select 1 as n', '1 second') $$, 'every is 00:00:01');
select pg_temp.throws('not by hand', $$ insert into swarmplane.tracked_query (name, sql, key) values ('q', 'x', '{}') $$, 'permission denied%');
select swarmplane.track_query('people', 'select name, count(*) as n from t group by name', '10 minutes', '{name}', labels => '{"role": "web"}');
select pg_temp.throws('not as a table', $$ select swarmplane.track('people') $$, 'no host table is called "people"');
reset session authorization;
select pg_temp.equal('audited', count(*)::text, '1') from swarmplane.audit where object like 'tracked_query %';
select pg_temp.equal('told once a hub has looked', swarmplane.wishes_of(n)::text, '[{"every": 3600, "table": "users"}]')
  from swarmplane.node n where n.name = 'h1';

-- what a hub finds
select pg_temp.equal('looked at', string_agg(u.sql, ';'), 'select name, count(*) as n from t group by name') from swarmplane.undescribed('1 day') u;
select swarmplane.describe('query', 'people', 'another text', '{"trouble": "late"}');
select pg_temp.equal('late words are not kept', described::text, null) from swarmplane.tracked_query;
select swarmplane.describe('query', 'people', 'select name, count(*) as n from t group by name',
  '{"columns": [{"name": "n", "type": "BIGINT"}], "tables": [], "sensitive": []}');
select pg_temp.equal('its key is none of its columns', described ->> 'trouble', 'its key names name and it gives n') from swarmplane.tracked_query;
select pg_temp.equal('said', message, 'the query "people" is not tracked: its key names name and it gives n') from swarmplane.alert where kind = 'query_refused';
set local session authorization alice;
select swarmplane.track_query('people', 'select name, count(*) as n from t group by name', '10 minutes', '{name}', labels => '{"role": "web"}');
reset session authorization;
select pg_temp.equal('looked at again', count(*)::text, '1') from swarmplane.undescribed('1 day');
select swarmplane.describe('query', 'people', 'select name, count(*) as n from t group by name',
  '{"columns": [{"name": "name", "type": "TEXT"}, {"name": "n", "type": "BIGINT"}], "tables": ["t"], "sensitive": []}');
select pg_temp.equal('mended', count(*)::text, '0') from swarmplane.alert where kind = 'query_refused' and resolved_at is null;
update swarmplane.node set labels = '{"role": "web"}' where name = 'h1';
select pg_temp.equal('told', w::text, '{"every": 600, "query": {"key": ["name"], "query": "select name, count(*) as n from t group by name", "columns": [{"name": "name", "type": "TEXT"}, {"name": "n", "type": "BIGINT"}]}, "table": "people", "sensitive": []}')
  from swarmplane.node n, jsonb_array_elements(swarmplane.wishes_of(n)) w where n.name = 'h1' and w ->> 'table' = 'people';
select pg_temp.equal('typed', string_agg(format_type(a.atttypid, null), ',' order by a.attnum), 'text,integer,timestamp with time zone,text,bigint')
  from pg_attribute a where a.attrelid = 'inventory.people'::regclass and a.attnum > 0;

-- the former text goes on until a hub has looked at the new one
set local session authorization alice;
select swarmplane.track_query('people', 'select name, n from secret', '10 minutes', '{name}', labels => '{"role": "web"}');
reset session authorization;
select pg_temp.equal('still the former', w -> 'query' ->> 'query', 'select name, count(*) as n from t group by name')
  from swarmplane.node n, jsonb_array_elements(swarmplane.wishes_of(n)) w where n.name = 'h1' and w ->> 'table' = 'people';
insert into swarmplane.node_label select id, 'web' from swarmplane.node where name = 'h1';
select pg_temp.equal('readers read it', has_table_privilege('swarmplane_reader', 'inventory.people', 'select')::text, 'true');
select swarmplane.describe('query', 'people', 'select name, n from secret',
  '{"columns": [{"name": "name", "type": "TEXT"}, {"name": "n", "type": "BIGINT"}], "tables": ["secret"], "sensitive": ["secret"]}');
select pg_temp.equal('sensitive rows have readers of their own', has_table_privilege('swarmplane_reader', 'inventory.people', 'select')::text, 'false');
select pg_temp.equal('and so have its changes', (select pg_get_viewdef('inventory.changes'::regclass) like '%people%')::text, 'false');
select pg_temp.equal('and those', has_table_privilege('swarmplane_sensitive', 'inventory.people_changes', 'select')::text, 'true');

set local session authorization alice;
select pg_temp.equal('untracked', swarmplane.untrack('people')::text, '1');
select pg_temp.throws('room', $$ select swarmplane.track_query('q' || n, repeat('x', 8000)) from generate_series(1, 12) n $$,
  'the tracked queries have % bytes together');
reset session authorization;
select pg_temp.equal('not wished any more', count(*)::text, '0')
  from swarmplane.node n, jsonb_array_elements(swarmplane.wishes_of(n)) w where w ->> 'table' = 'people';
select pg_temp.equal('what was kept stays', to_regclass('inventory.people')::text, 'inventory.people');
select swarmplane.note_shapes(n, '[{"hash": "00", "table": "people", "columns": [{"name": "x", "type": "TEXT"}], "key": [], "query": "select"}]')
  from swarmplane.node n where n.name = 'h1';
select pg_temp.equal('columns that nobody declared', message, 'what h1 declares of "people" cannot be kept: "people" is tracked otherwise')
  from swarmplane.alert where kind = 'history_refused';

-- somebody who sees some hosts only
set local session authorization alice;
select swarmplane.track_query('mine', 'select 1 as n');
reset session authorization;
delete from swarmplane.label_grant;
insert into swarmplane.label_grant (role, label) values ('alice', '*'), ('olga', 'web');
set local session authorization olga;
select pg_temp.throws('of another', $$ select swarmplane.track_query('mine', 'select 2 as n') $$, 'tracked query "mine" is of alice, and olga sees only some hosts');
rollback;
