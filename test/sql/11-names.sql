-- Names that more than one host has claimed: whom an action is for, and who joined.
begin;
select pg_temp.hosts();
create temp table hub as select swarmplane.hub_hello(repeat('1', 64), 'h1', '0', 1) as id;
select swarmplane.report_actions(id, '{restart}') from hub;
create function pg_temp.report(id text, name text, state text default 'alive', incarnation bigint default 1, named boolean default false, token text default null)
  returns void language sql as $$
  select swarmplane.report_nodes(jsonb_build_array(jsonb_build_object(
    'identity', repeat(id, 64), 'name', name, 'state', state, 'labels', '{}'::jsonb, 'version', '1', 'hub', false,
    'incarnation', incarnation, 'since', 0, 'addresses', '[]'::jsonb, 'named', named, 'token', token)));
$$;

-- one that claims a name that is held already takes no action from its holder
select pg_temp.report('a', 'web1');
select pg_temp.report('b', 'web1~bbbbbbbb');
set local session authorization alice;
select pg_temp.throws('by the name', $$ insert into swarmplane.request (action, hosts) values ('restart', '{h1,web1}') $$,
  'action restart: more than one host has claimed a name: web1 (' || repeat('a', 64) || ', ' || repeat('b', 64) || ')');
select pg_temp.throws('by a beginning of the id', $$ insert into swarmplane.request (action, hosts) values ('restart', '{web1~bbbbbbbb}') $$, 'action restart: more than one%');
select pg_temp.throws('in desired state', $$ insert into swarmplane.desired (name, sql, action, hosts) values ('up', 'select 1', 'restart', '{web1}') $$, 'action restart: more than one%');
select pg_temp.throws('on a schedule', $$ insert into swarmplane.schedule (name, action, hosts, every) values ('up', 'restart', '{web1}', '1 hour') $$, 'action restart: more than one%');
insert into swarmplane.request (action, hosts) values ('restart', array[repeat('a', 64)]);
insert into swarmplane.request (sql, hosts) values ('select 1', '{web1}');
select pg_temp.equal('a query may ask by it', n.identity, repeat('a', 64))
  from swarmplane.request r join swarmplane.delivery d on d.request_id = r.id join swarmplane.node n on n.id = d.node_id
 where r.sql is not null;
reset session authorization;

-- gone, and forgotten by whatever member: the next claimer has its name, and no action either
select pg_temp.report('a', 'web1', 'forgotten', 2);
select pg_temp.report('b', 'web1', 'alive', 2);
set local session authorization alice;
select pg_temp.throws('after it was forgotten', $$ insert into swarmplane.request (action, hosts) values ('restart', '{web1}') $$, 'action restart: more than one%');
reset session authorization;

-- given by a token, forgotten, and then taken by a member that it was not given to
select pg_temp.report('7', 'web7', named => true);
select pg_temp.report('8', 'web7~88888888');
insert into swarmplane.request (action, hosts) values ('restart', '{web7}');
select pg_temp.report('7', 'web7', 'forgotten', 2, true);
select pg_temp.report('8', 'web7', 'alive', 2);
set local session authorization alice;
select pg_temp.throws('after the one with the token is out', $$ insert into swarmplane.request (action, hosts) values ('restart', '{web7}') $$, 'action restart: more than one%');
reset session authorization;

-- a row of before is not acted on either, and says so
select pg_temp.report('c', 'db1');
insert into swarmplane.desired (name, action, hosts) values ('db', 'restart', '{db1}');
insert into swarmplane.schedule (name, action, hosts, every) values ('db', 'restart', '{db1}', '1 hour');
select pg_temp.report('d', 'db1~dddddddd');
update swarmplane.desired set dry_run = false;
select swarmplane.converge(id) from swarmplane.desired;
select pg_temp.equal('desired', h.state || ': ' || h.error, 'unknown: more than one host has claimed the name db1: write the node id in place of it')
  from swarmplane.desired_host h join swarmplane.node n on n.id = h.node_id where n.name = 'db1';
select pg_temp.equal('no tick', swarmplane.tick(s.id, s.next_at, array[now()], now() + interval '1 hour')::text, '0') from swarmplane.schedule s;
select pg_temp.equal('a tick says so', (last_error like 'action restart: more than one host has claimed%')::text, 'true') from swarmplane.schedule;
select pg_temp.equal('nothing started', count(*)::text, '0') from swarmplane.request where desired_id is not null;

-- what people decide ends it: the one that is gone is retired, or the operator gave the name by a token
select swarmplane.retire(repeat('a', 64), 'scrapped');
select swarmplane.take_node_wishes();
insert into swarmplane.request (action, hosts) values ('restart', '{web1}');
select pg_temp.report('d', 'db1', 'alive', 2, true, repeat('5', 16));
select pg_temp.report('c', 'db1~cccccccc', 'dead', 1);
insert into swarmplane.request (action, hosts) values ('restart', '{db1}');
select pg_temp.equal('the named one', string_agg(left(n.identity, 1), ','), 'd')
  from swarmplane.delivery d join swarmplane.node n on n.id = d.node_id
 where d.request_id = (select max(id) from swarmplane.request);
-- also once the token has ended with its epoch
select pg_temp.report('d', 'db1', 'alive', 3);
select pg_temp.equal('kept', name_given || ' ' || token, 'true ' || repeat('5', 16)) from swarmplane.node where identity = repeat('d', 64);
-- and no longer than it goes by that name
select pg_temp.report('d', 'db2', 'alive', 4);
select pg_temp.equal('renamed', name_given::text, 'false') from swarmplane.node where identity = repeat('d', 64);

-- who joined: told once, over at once; what the first hub finds is no news
select pg_temp.equal('a fresh database', count(*)::text, '0') from swarmplane.alert where kind = 'joined';
update swarmplane.node set first_seen = now() - interval '1 hour';
select pg_temp.report('e', 'new1', 'alive', 1, false, repeat('7', 16));
select pg_temp.report('e', 'new1', 'alive', 2);
select pg_temp.equal('joined', severity || ': ' || message || ' ' || count || ' ' || (resolved_at is not null),
  format('info: new1 joined, node id %s, by join token %s 1 true', repeat('e', 64), repeat('7', 16)))
  from swarmplane.alert where kind = 'joined';
rollback;
