-- The life of a node: what each state means for targets, open deliveries, inventory and names.
begin;
select pg_temp.hosts();
create temp table hub as select swarmplane.hub_hello(repeat('1', 64), 'h1', '0', 1) as id;
-- what a hub says of a host whose digit is its place
create function pg_temp.said(place text, state text, incarnation bigint) returns void language sql as $$
  select swarmplane.report_nodes(jsonb_build_array(jsonb_build_object(
    'identity', repeat(place, 64), 'name', 'h' || place, 'state', state, 'labels', '{}'::jsonb, 'version', '1',
    'hub', false, 'incarnation', incarnation, 'since', extract(epoch from now() - interval '1 hour') * 1000,
    'addresses', '[]'::jsonb)));
$$;
create function pg_temp.states() returns text language sql as $$
  select string_agg(n.name || ' ' || n.state, ',' order by n.name) from swarmplane.node n $$;
create function pg_temp.swept() returns text language sql as $$
  select string_agg(distinct s.said, ',' order by s.said desc) from (select swarmplane.sweep(false) as said from generate_series(1, 9)) s $$;

-- who may: operators, for hosts that they see
set local session authorization rita;
select pg_temp.throws('readers do not', $$ select swarmplane.retire('h3') $$, 'permission denied%');
set local session authorization bob;
select pg_temp.throws('nor askers', $$ select swarmplane.forget('h3') $$, 'permission denied%');
select pg_temp.throws('nor by hand', $$ update swarmplane.node set state = 'retired' $$, 'permission denied%');
set local session authorization hank;
select pg_temp.throws('nor hubs', $$ select swarmplane.retire('h3') $$, 'permission denied%');
reset session authorization;
savepoint labels;
insert into swarmplane.node_label select id, 'web' from swarmplane.node where name = 'h1';
delete from swarmplane.label_grant;
insert into swarmplane.label_grant (role, label) values ('alice', 'web');
set local session authorization alice;
select pg_temp.throws('what one does not see is unknown', $$ select swarmplane.retire('h3') $$, 'no host is called h3');
select pg_temp.throws('by id as well', format('select swarmplane.forget(%L)', repeat('3', 64)), 'no host is called%');
reset session authorization;
rollback to labels;

set local session authorization alice;
select pg_temp.throws('one that is there', $$ select swarmplane.retire('h1') $$, 'h1 is alive, so it cannot be retired');
select pg_temp.throws('nor forgotten', $$ select swarmplane.forget('h1') $$, 'h1 is alive, so it cannot be forgotten');
select pg_temp.throws('unknown', $$ select swarmplane.retire('h9') $$, 'no host is called h9');
select pg_temp.throws('null', $$ select swarmplane.retire(null) $$, 'no host is called null');
select pg_temp.throws('not retired', $$ select swarmplane.unretire('h3') $$, 'no retired host is called h3');
reset session authorization;

-- open deliveries of h3, which is dead: one parked, one pending, one that was reached, one that runs
insert into swarmplane.request (sql, hosts) values ('parked', '{h3}'), ('pending', '{h3,h1}'), ('reached', '{h3}');
update swarmplane.delivery d set state = 'parked', run_at = 'infinity' from swarmplane.request r
 where r.id = d.request_id and r.sql = 'parked';
update swarmplane.delivery d set reached = true, last_error = 'busy', run_at = now() + interval '1 minute' from swarmplane.request r
 where r.id = d.request_id and r.sql = 'reached';
insert into swarmplane.request (sql, hosts, priority) values ('running', '{h3}', -9);
create temp table claimed as select * from swarmplane.claim((select id from hub), 9);
select pg_temp.equal('claimed', sql, 'running') from claimed;
insert into swarmplane.request (sql, hosts, include_new) values ('all', '{*}', true);
select pg_temp.equal('a dead host is a target', string_agg(s.host, ',' order by s.host), 'h1,h2,h3')
  from swarmplane.request_status s join swarmplane.request r on r.id = s.request_id where r.sql = 'all';
select swarmplane.report_host_tables('[{"name": "users", "description": "x", "key": ["uid"], "sensitive": false,
  "columns": [{"name": "uid", "type": "BIGINT"}]}]');
insert into inventory.users_current (valid_from, node_id, shape, row_hash, uid)
  select now() - interval '2 days', n.id, 1, sha256(n.name::bytea), n.id from swarmplane.node n;
select pg_temp.equal('now, dead ones too, those that left not', string_agg(host, ',' order by host), 'h1,h2,h3') from inventory.users;
select pg_temp.equal('now is as of now', string_agg(host, ',' order by host), 'h1,h2,h3') from inventory.users_as_of(now());
select swarmplane.raise_alert('host_gave_no_answer', 'h3', 'x'), swarmplane.raise_alert('history_gap', 'h3 users', 'x'),
  swarmplane.raise_alert('host_gave_no_answer', 'h1', 'x');

set local session authorization alice;
select pg_temp.equal('retired by name, the id comes back', swarmplane.retire('h3', 'sold'), repeat('3', 64));
select pg_temp.equal('not before a hub hears of it', state, 'dead') from swarmplane.node where name = 'h3';
select pg_temp.throws('once, before a hub hears of it', $$ select swarmplane.retire('h3') $$, 'h3 was retired already');
select pg_temp.throws('a wish is no row of people', 'table swarmplane.node_wish', 'permission denied%');
reset session authorization;
select pg_temp.equal('a hub takes it up', swarmplane.sweep(false), 'wish');
set local session authorization alice;
select pg_temp.throws('once', $$ select swarmplane.retire('h3') $$, 'h3 was retired already');
select pg_temp.throws('retired is more', $$ select swarmplane.forget('h3') $$, 'h3 was retired already, which is more%');
select pg_temp.equal('said', state || ' ' || swarm_state || ' ' || retired_by || ' ' || retired_for, 'retired dead alice sold')
  from swarmplane.node where name = 'h3';
select pg_temp.equal('audited', actor || ' ' || object || ' ' || (before ->> 'state') || ' ' || (after ->> 'reason'),
  format('alice node %s h3 dead sold', (select id from swarmplane.node where name = 'h3')))
  from swarmplane.audit where action = 'node.retire';
select pg_temp.throws('not asked by name', $$ insert into swarmplane.request (sql, hosts) values ('x', '{h1,h3}') $$, '%: h3: was retired');
select pg_temp.throws('nor by id', format('insert into swarmplane.request (sql, hosts) values (''x'', array[%L])', repeat('3', 64)), '%was retired');
insert into swarmplane.request (sql) values ('without');
-- the idiom of docs/backplane.md
insert into swarmplane.request (sql, hosts)
  select 'by labels', array_agg(name) from swarmplane.node where out_since is null and labels @> '{}';
select pg_temp.equal('targets by SQL', string_agg(s.host, ',' order by s.host), 'h1,h2')
  from swarmplane.request_status s join swarmplane.request r on r.id = s.request_id where r.sql = 'by labels';
select pg_temp.equal('not of all', string_agg(s.host, ',' order by s.host), 'h1,h2')
  from swarmplane.request_status s join swarmplane.request r on r.id = s.request_id where r.sql = 'without';
select pg_temp.equal('not now', string_agg(host, ',' order by host), 'h1,h2') from inventory.users;
reset session authorization;
update swarmplane.node set out_since = now() - interval '1 hour' where name = 'h3';
select pg_temp.equal('nor as of now', string_agg(host, ',' order by host), 'h1,h2') from inventory.users_as_of(now());
select pg_temp.equal('but before', string_agg(host, ',' order by host), 'h1,h2,h3')
  from inventory.users_as_of(now() - interval '2 hours') where host <> 'h4';

-- what waited ends with the reason, what runs ends when it comes back
select pg_temp.equal('swept, request by request', pg_temp.swept(), 'departed');
select pg_temp.equal('ended', string_agg(r.sql || ' ' || s.state || ' ' || coalesce(s.code, '-') || ' ' || coalesce(s.error, '-'), ',' order by r.sql),
  'all unreachable retired the host was retired,parked unreachable retired the host was retired,'
  || 'pending unreachable retired the host was retired,reached expired retired the host was retired; before that: busy,running running - -')
  from swarmplane.request_status s join swarmplane.request r on r.id = s.request_id where s.host = 'h3';
select pg_temp.equal('others wait on', string_agg(s.state, ','), 'pending')
  from swarmplane.request_status s join swarmplane.request r on r.id = s.request_id where r.sql = 'pending' and s.host = 'h1';
select pg_temp.equal('one that runs is waited for', ending::text, 'true') from swarmplane.node where name = 'h3';
savepoint runs;
select pg_temp.equal('away: it ends', became, 'unreachable') from claimed, swarmplane.complete(claimed.token,
  jsonb_build_array(jsonb_build_object('id', claimed.deliveries -> 0 ->> 0, 'state', 'away', 'code', 'forgotten', 'message', 'x')));
select pg_temp.equal('with the reason', code || ' ' || error, 'retired the host was retired') from swarmplane.request_status s
  join swarmplane.request r on r.id = s.request_id where r.sql = 'running';
select pg_temp.equal('done with', pg_temp.swept(), null);
select pg_temp.equal('nothing is open', ending::text, 'false') from swarmplane.node where name = 'h3';
rollback to runs;
select pg_temp.equal('to be tried again: it ends', became, 'expired') from claimed, swarmplane.complete(claimed.token,
  jsonb_build_array(jsonb_build_object('id', claimed.deliveries -> 0 ->> 0, 'state', 'running', 'code', 'running', 'message', 'it runs still')));
select pg_temp.equal('with what was said last', error, 'the host was retired; before that: it runs still') from swarmplane.request_status s
  join swarmplane.request r on r.id = s.request_id where r.sql = 'running';
rollback to runs;
select pg_temp.equal('its lease is lost: it goes back', swarmplane.reap_lease(token, 'x')::text, '') from claimed;
select pg_temp.equal('and ends', pg_temp.swept(), 'departed');
rollback to runs;
select pg_temp.equal('an answer counts', became, 'ok') from claimed, swarmplane.complete(claimed.token,
  jsonb_build_array(jsonb_build_object('id', claimed.deliveries -> 0 ->> 0, 'state', 'ok', 'rows', '[{"a": 1}]'::jsonb)));
select pg_temp.equal('no count is false', count(*)::text, '0') from swarmplane.count_fault;

-- alerts about it end, unless another host has its name
select swarmplane.look_after_alerts();
select pg_temp.equal('alerts', string_agg(kind || ' ' || key, ','), 'host_gave_no_answer h1')
  from swarmplane.alert where resolved_at is null and kind ~ '^(host|history)_';

select pg_temp.equal('done with', pg_temp.swept(), null);
select pg_temp.equal('nothing is open', ending::text, 'false') from swarmplane.node where name = 'h3';
-- a delivery that an older transaction inserted: seen within a minute
insert into swarmplane.delivery (request_id, node_id) select r.id, n.id from swarmplane.request r, swarmplane.node n
 where r.sql = 'without' and n.name = 'h3';
select pg_temp.equal('unknown yet', pg_temp.swept(), null);
select swarmplane.look_after_alerts();
select pg_temp.equal('found', pg_temp.swept(), 'departed');

-- hubs: forget what is retired, and see it come back all the same
set local session authorization hank;
select pg_temp.equal('to be forgotten, whatever it says', identity || coalesce(' ' || incarnation, ''), repeat('3', 64)) from swarmplane.departed();
reset session authorization;
select pg_temp.said('3', 'forgotten', 0);
select pg_temp.equal('the swarm''s word stands beside', state || ' ' || swarm_state, 'retired forgotten') from swarmplane.node where name = 'h3';
select pg_temp.said('3', 'dead', 0);
select pg_temp.equal('a hub that has not heard of it', swarm_state, 'forgotten') from swarmplane.node where name = 'h3';
select pg_temp.said('3', 'alive', 5);
select pg_temp.equal('stays retired', state || ' ' || swarm_state, 'retired alive') from swarmplane.node where name = 'h3';
select pg_temp.equal('and is an alert', key || ' ' || (message like '%unretire(''33%'), 'h3 true') from swarmplane.alert where kind = 'retired_alive' and resolved_at is null;
insert into swarmplane.request (sql) values ('still without');
select pg_temp.equal('no target', r.targets::text, '2') from swarmplane.request r where sql = 'still without';
select pg_temp.equal('no handover', string_agg(identity, ','), null) from swarmplane.claim_handovers(9) where identity = repeat('3', 64);
savepoint back;
select pg_temp.said('3', 'left', 6);
select pg_temp.equal('the alert ends', count(*)::text, '0') from swarmplane.alert where kind = 'retired_alive' and resolved_at is null;
rollback to back;
set local session authorization alice;
select pg_temp.equal('taken back', swarmplane.unretire('h3'), repeat('3', 64));
reset session authorization;
select pg_temp.equal('by a hub', pg_temp.swept(), 'wish');
select pg_temp.equal('as the swarm sees it', state || ' ' || coalesce(retired_by, '-') || ' ' || (out_since is null)::text || ' ' || ending, 'alive - true false')
  from swarmplane.node where name = 'h3';
select pg_temp.equal('the alert ends', count(*)::text, '0') from swarmplane.alert where kind = 'retired_alive' and resolved_at is null;
select pg_temp.equal('its rows are back', string_agg(host, ',' order by host), 'h1,h2,h3') from inventory.users;

-- forgotten: until it shows itself under a higher incarnation
set local session authorization alice;
select swarmplane.forget('h4');
select pg_temp.equal('twice is once', swarmplane.forget('h4'), repeat('4', 64));
reset session authorization;
select pg_temp.equal('by a hub', pg_temp.swept(), 'wish');
select pg_temp.equal('once in the audit', count(*)::text, '1') from swarmplane.audit where action = 'node.forget';
select pg_temp.equal('hubs forget this incarnation', identity || ' ' || incarnation, repeat('4', 64) || ' 0') from swarmplane.departed();
select pg_temp.said('4', 'left', 0);
select pg_temp.equal('another hub has not heard of it', state, 'forgotten') from swarmplane.node where name = 'h4';
select pg_temp.throws('by name', $$ insert into swarmplane.request (sql, hosts) values ('x', '{h4}') $$, '%h4: was forgotten');
select pg_temp.said('4', 'alive', 1);
select pg_temp.equal('back', pg_temp.states(), 'h1 alive,h2 alive,h3 alive,h4 alive');
-- what was ended once is not ended again: it is new work
insert into swarmplane.request (sql, hosts) values ('again', '{h4}');
select pg_temp.equal('a target again', pg_temp.swept(), null);

-- expelled: for good, whatever another hub says of it
select pg_temp.said('4', 'expelled', 0);
select pg_temp.equal('even of a lower incarnation', state, 'expelled') from swarmplane.node where name = 'h4';
select pg_temp.said('4', 'alive', 9);
select pg_temp.equal('for good', state, 'expelled') from swarmplane.node where name = 'h4';
select pg_temp.equal('its work ends', pg_temp.swept(), 'departed');
select pg_temp.throws('by name', $$ insert into swarmplane.request (sql, hosts) values ('x', '{h4}') $$, '%h4: was expelled');
select pg_temp.throws('more than forgotten', $$ select swarmplane.forget('h4') $$, 'h4 was expelled already%');
select swarmplane.retire('h4');
select pg_temp.equal('by a hub', pg_temp.swept(), 'wish');
select pg_temp.equal('retired', state || ' ' || swarm_state, 'retired expelled') from swarmplane.node where name = 'h4';

-- the name goes to a new identity; old ones are named by id
insert into swarmplane.node (identity, name, state) values (repeat('6', 64), 'h4', 'alive');
insert into swarmplane.request (sql, hosts) values ('new', '{h4}');
select pg_temp.equal('the one that is there', s.node_id::text, n.id::text) from swarmplane.request_status s
  join swarmplane.request r on r.id = s.request_id and r.sql = 'new', swarmplane.node n where n.identity = repeat('6', 64);
select pg_temp.throws('is meant', $$ select swarmplane.retire('h4') $$, 'h4 is alive%');
update swarmplane.node set state = 'dead' where identity = repeat('6', 64);
select pg_temp.equal('the one that is not out yet', swarmplane.retire('h4'), repeat('6', 64));
select pg_temp.equal('by a hub', pg_temp.swept(), 'wish,departed');
select pg_temp.throws('two', $$ select swarmplane.unretire('h4') $$, '2 hosts are called h4');
select pg_temp.equal('by id', swarmplane.unretire(repeat('6', 64)), repeat('6', 64));
select pg_temp.equal('by a hub', pg_temp.swept(), 'wish');

-- in the order of the wishes, and never of a host that has come back
select swarmplane.retire(repeat('6', 64)), swarmplane.unretire(repeat('6', 64)), swarmplane.forget(repeat('6', 64));
select pg_temp.equal('all in one', swarmplane.sweep(false), 'wish');
select pg_temp.equal('the last one stands', state || ' ' || (retired_at is null)::text, 'forgotten true')
  from swarmplane.node where identity = repeat('6', 64);
update swarmplane.node set state = 'dead' where name = 'h2';
select swarmplane.retire('h2');
select pg_temp.said('2', 'alive', 3);
select pg_temp.equal('taken up', swarmplane.sweep(false), 'wish');
select pg_temp.equal('it came back', state, 'alive') from swarmplane.node where name = 'h2';
select pg_temp.equal('and is told', message, format('h2 came back before a hub heard that %s wished to retire it: it stays as it is', session_user))
  from swarmplane.alert where kind = 'came_back' and key = 'h2' and resolved_at is null;

-- a row that is put back from a backup keeps since when
insert into swarmplane.node (identity, name, state, since, out_since)
  values (repeat('7', 64), 'h7', 'forgotten', '2026-11-02Z', '2026-11-01Z');
select pg_temp.equal('kept', (out_since = '2026-11-01Z')::text, 'true') from swarmplane.node where name = 'h7';
delete from swarmplane.node where name = 'h7';

select pg_temp.equal('counted', (swarmplane.queue_facts() -> 'hosts')::text,
  '{"dead": 0, "left": 0, "alive": 3, "retired": 1, "suspect": 0, "expelled": 0, "forgotten": 1}');
select pg_temp.equal('no count is false', count(*)::text, '0') from swarmplane.count_fault;
rollback;
