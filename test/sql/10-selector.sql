-- One selector of hosts, for requests, schedules and tracks: exactly one of hosts, labels, access_label, site.
begin;
select pg_temp.hosts();
update swarmplane.node set labels = '{"role": "web", "rack": "4"}' where name in ('h1', 'h3');
insert into swarmplane.node_label select id, 'shop' from swarmplane.node where name in ('h2', 'h3');
insert into swarmplane.network (range, name, site) values ('10.1.0.0/16', 'berlin', 'Berlin'), ('10.2.0.0/16', 'rome', 'Rome');
insert into swarmplane.node_address (node_id, address, ip, port, current)
  select id, '10.' || case name when 'h1' then 1 else 2 end || '.0.1:7946', ('10.' || case name when 'h1' then 1 else 2 end || '.0.1')::inet, 7946, true
    from swarmplane.node where name in ('h1', 'h2');
select swarmplane.report_host_tables('[{"name": "users", "description": "x", "key": ["uid"], "sensitive": false,
  "columns": [{"name": "uid", "type": "BIGINT"}]}]');

create function pg_temp.targets(asked text) returns text language sql as $$
  select string_agg(s.host, ',' order by s.host)
    from swarmplane.request_status s join swarmplane.request r on r.id = s.request_id where r.sql = asked;
$$;

set local session authorization alice;
insert into swarmplane.request (sql, labels) values ('by labels', '{"role": "web"}');
select pg_temp.equal('labels', pg_temp.targets('by labels'), 'h1,h3');
insert into swarmplane.request (sql, access_label) values ('by access', '{shop,none}');
select pg_temp.equal('access labels', pg_temp.targets('by access'), 'h2,h3');
insert into swarmplane.request (sql, site) values ('by site', '{Rome}');
select pg_temp.equal('sites', pg_temp.targets('by site'), 'h2');
select pg_temp.throws('two', $$ insert into swarmplane.request (sql, hosts, labels) values ('x', '{h1}', '{"role": "web"}') $$, 'hosts and labels are both given');
select pg_temp.throws('two others', $$ insert into swarmplane.request (sql, site, access_label) values ('x', '{Rome}', '{shop}') $$, 'access_label and site are both given');
select pg_temp.throws('a typo', $$ insert into swarmplane.request (sql, labels) values ('x', '{"role": "wbe"}') $$, 'no host is meant by labels {"role": "wbe"}');
select pg_temp.throws('everybody by no label', $$ insert into swarmplane.request (sql, labels) values ('x', '{}') $$, 'labels are {}');
select pg_temp.throws('no site', $$ insert into swarmplane.request (sql, site) values ('x', '{}') $$, 'site is {}: nobody%');
select pg_temp.throws('null is not everybody', $$ insert into swarmplane.request (sql, hosts) values ('x', null) $$, 'hosts is null%');
select pg_temp.throws('what matches null', $$ insert into swarmplane.request (sql, site) values ('x', array[null]) $$, 'site is {NULL}%');

insert into swarmplane.schedule (name, sql, every, labels) values ('web', 'tick by labels', '1 hour', '{"role": "web"}');
insert into swarmplane.schedule (name, sql, every, site) values ('rome', 'tick by site', '1 hour', '{Rome}');
insert into swarmplane.schedule (name, sql, every, hosts) values ('named', 'tick by name', '1 hour', '{h1,h2}');
insert into swarmplane.schedule (name, sql, every) values ('all', 'tick for all', '1 hour');
select pg_temp.throws('two of a schedule', $$ insert into swarmplane.schedule (name, sql, every, hosts, site) values ('x', 'x', '1 hour', '{h1}', '{Rome}') $$, 'hosts and site are both given');
select swarmplane.track('users', '1 minute', access_label => '{shop}');
select swarmplane.track('users', '2 minutes', site => '{Berlin}');
select pg_temp.throws('two of a track', $$ select swarmplane.track('users', '1 minute', site => '{Berlin}', access_label => '{shop}') $$, 'access_label and site are both given');
reset session authorization;
select pg_temp.equal('kept as written', string_agg(name || ' ' || concat_ws(',', hosts::text, labels::text, site::text), '; ' order by name),
  'all {*}; named {h1,h2}; rome {Rome}; web {"role": "web"}') from swarmplane.schedule;
select pg_temp.equal('wishes', string_agg(n.name || ' ' || (swarmplane.wishes_of(n) -> 0 ->> 'every'), ',' order by n.name), 'h1 120,h2 60,h3 60,h4 3600')
  from swarmplane.node n;

-- resolved at each tick: labels of then; a host that left is left out, and the others are asked
update swarmplane.node set labels = '{"role": "web"}' where name = 'h2';
update swarmplane.node set labels = '{}' where name = 'h3';
update swarmplane.node set state = 'left' where name = 'h1';
set local session authorization hank;
select swarmplane.tick_intervals();
reset session authorization;
select pg_temp.equal('labels of now', pg_temp.targets('tick by labels'), 'h2');
select pg_temp.equal('site', pg_temp.targets('tick by site'), 'h2');
select pg_temp.equal('for the others', pg_temp.targets('tick by name'), 'h2');
select pg_temp.equal('all', pg_temp.targets('tick for all'), 'h2,h3');
select pg_temp.equal('said', last_error, 'not asked: h1: has left the swarm') from swarmplane.schedule where name = 'named';
select pg_temp.equal('no alert', count(*)::text, '0') from swarmplane.alert where kind = 'schedule_failed';
update swarmplane.node set state = 'left' where name = 'h2';
update swarmplane.schedule set next_at = now();
select swarmplane.tick_intervals();
select pg_temp.equal('nobody is left', string_agg(name || ': ' || last_error, ' / ' order by name),
  'named: no host is meant by hosts {h1,h2}: h1: has left the swarm; h2: has left the swarm / rome: no host is meant by site {Rome} / web: no host is meant by labels {"role": "web"}')
  from swarmplane.schedule where name <> 'all';

-- whoever sees some hosts selects among these
update swarmplane.node set state = 'alive';
update swarmplane.node set labels = '{"role": "web"}';
delete from swarmplane.label_grant where role = 'swarmplane_reader';
insert into swarmplane.label_grant (role, label) values ('bob', 'shop');
set local session authorization bob;
insert into swarmplane.request (sql, labels) values ('of his', '{"role": "web"}');
select pg_temp.throws('none of his', $$ insert into swarmplane.request (sql, site) values ('x', '{Berlin}') $$, 'no host is meant by site {Berlin}');
reset session authorization;
select pg_temp.equal('of his', pg_temp.targets('of his'), 'h2,h3');
rollback;
