-- Queries that are tracked: who may, what is refused, what hosts are told, and rows of two texts apart.
begin;
select pg_temp.hosts();
select swarmplane.report_host_tables('[
  {"name": "users", "description": "x", "key": ["uid"], "sensitive": false, "columns": [{"name": "uid", "type": "BIGINT"}]},
  {"name": "shell_history", "description": "x", "key": ["uid"], "sensitive": false, "columns": [{"name": "uid", "type": "BIGINT"}]}]');

set local session authorization bob;
select pg_temp.throws('askers do not track', $$ select swarmplane.track_query('q', 'select 1 as n') $$, 'permission denied%');
reset session authorization;

set local session authorization alice;
select pg_temp.throws('a table''s name', $$ select swarmplane.track_query('users', 'select 1 as n') $$, '"users" is a table of the hosts');
select pg_temp.throws('ours', $$ select swarmplane.track_query('users_changes', 'select 1 as n') $$, 'a query cannot be tracked as "users_changes"');
select pg_temp.throws('what another one would need', $$ select swarmplane.track_query('x_history_202612', 'select 1 as n') $$, 'a query cannot be tracked as "x_history_202612"');
select pg_temp.throws('what it would need is for a table', $$ select swarmplane.track_query('shell', 'select 1 as n') $$, 'inventory.shell_history is for a table of the hosts');
select pg_temp.throws('what it would need is there', $$ select swarmplane.track_query('sensitive', 'select 1 as n') $$, 'inventory.sensitive_changes is there already');
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
-- How many rows there are and their hash is for every reader.
select swarmplane.describe('query', 'people', 'select name, n from secret',
  '{"columns": [{"name": "name", "type": "TEXT"}, {"name": "n", "type": "BIGINT"}], "tables": ["secret"], "sensitive": ["secret"]}');
select pg_temp.equal('of who may not read it', described ->> 'trouble', 'it reads secret, which alice may not; then write it anew: swarmplane hub grant --role sensitive alice')
  from swarmplane.tracked_query where name = 'people';
select pg_temp.equal('nor is any host asked it', count(*)::text, '0')
  from swarmplane.node n, jsonb_array_elements(swarmplane.wishes_of(n)) w where n.name = 'h1' and w -> 'query' ->> 'query' like '%secret%';
grant swarmplane_sensitive to alice;
select swarmplane.describe('query', 'people', 'select name, n from secret',
  '{"columns": [{"name": "name", "type": "TEXT"}, {"name": "n", "type": "BIGINT"}], "tables": ["secret"], "sensitive": ["secret"]}');
select pg_temp.equal('sensitive rows have readers of their own', has_table_privilege('swarmplane_reader', 'inventory.people', 'select')::text, 'false');
select pg_temp.equal('and so have its changes', (select pg_get_viewdef('inventory.changes'::regclass) like '%people%')::text, 'false');
select pg_temp.equal('asked', count(*)::text, '1')
  from swarmplane.node n, jsonb_array_elements(swarmplane.wishes_of(n)) w where n.name = 'h1' and w -> 'query' ->> 'query' like '%secret%';
revoke swarmplane_sensitive from alice;
select pg_temp.equal('as long as he may', count(*)::text, '0')
  from swarmplane.node n, jsonb_array_elements(swarmplane.wishes_of(n)) w where n.name = 'h1' and w -> 'query' ->> 'query' like '%secret%';
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

-- what cannot be made is said of its own query, and does not end the look at others; actions have no text
set local session authorization alice;
select swarmplane.track_query('dogs', 'select 1 as n');
insert into swarmplane.schedule (name, action, args, hosts, every) values ('aaa', 'restart', '{}', '{h1}', '1 hour');
reset session authorization;
create view inventory.dogs_changes as select 1 as n;
select swarmplane.describe('query', 'dogs', 'select 1 as n', '{"columns": [{"name": "n", "type": "BIGINT"}], "tables": [], "sensitive": []}');
select pg_temp.equal('in its way', described ->> 'trouble', 'inventory.dogs_changes is there already') from swarmplane.tracked_query where name = 'dogs';
select pg_temp.equal('no text', count(*)::text, '0') from swarmplane.undescribed('1 day') where "of" = 'schedule';

-- room is for what hosts are told, too, and for columns that nobody knew before
delete from swarmplane.track_wish;
update swarmplane.tracked_query set described = '{"trouble": "x"}', told = jsonb_build_object('query', repeat('x', 65000), 'sensitive', '[]'::jsonb) where name = 'dogs';
insert into swarmplane.track_wish (table_name, every, hosts, fleet) values ('dogs', '1 hour', '{*}', true);
set local session authorization alice;
select pg_temp.throws('what was told before', $$ select swarmplane.track_query('r' || n, repeat('x', 8000)) from generate_series(1, 4) n $$,
  'the tracked queries have % bytes together');
select swarmplane.track_query('wide', repeat('x', 8000));
reset session authorization;
select swarmplane.describe('query', 'wide', repeat('x', 8000), jsonb_build_object('sensitive', '[]'::jsonb, 'tables', '[]'::jsonb,
  'columns', (select jsonb_agg(jsonb_build_object('name', 'column_' || repeat('x', 36) || n, 'type', 'UNSIGNED_BIGINT')) from generate_series(1, 299) n)));
select pg_temp.equal('too wide, and so no host is told', (described ->> 'trouble' like 'the tracked queries have % bytes together') || ' ' || (told is null), 'true true')
  from swarmplane.tracked_query where name = 'wide';

-- somebody who sees some hosts only
set local session authorization alice;
select swarmplane.track_query('mine', 'select 1 as n');
reset session authorization;
delete from swarmplane.label_grant;
insert into swarmplane.label_grant (role, label) values ('alice', '*'), ('olga', 'web');
set local session authorization olga;
select pg_temp.throws('of another', $$ select swarmplane.track_query('mine', 'select 2 as n') $$, 'tracked query "mine" is of alice, and olga sees only some hosts');
rollback;
