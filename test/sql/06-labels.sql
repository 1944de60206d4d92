-- Who sees which host: rita's team has the web hosts, others nothing until they are granted something.
begin;
select pg_temp.hosts();
create temp table hub as select swarmplane.hub_hello(repeat('1', 64), 'h1', '0', 1) as id;
set local session authorization alice;
insert into swarmplane.node_label select id, 'web' from swarmplane.node where name = 'h1';
insert into swarmplane.node_label select id, 'db' from swarmplane.node where name in ('h2', 'h3');
insert into swarmplane.request (sql) values ('all');
insert into swarmplane.request (sql, hosts, priority) values ('db only', '{h2}', 5);
reset session authorization;
select pg_temp.work((select id from hub), 'ok');

-- as installed: every reader sees every host
set local session authorization rita;
select pg_temp.equal('all', count(*)::text, '3') from swarmplane.result;
reset session authorization;

delete from swarmplane.label_grant where role = 'swarmplane_reader';
insert into swarmplane.label_grant (role, label) values ('rita', 'web'), ('bob', 'db');

set local session authorization rita;
select pg_temp.equal('nodes', string_agg(name, ',' order by name), 'h1') from swarmplane.node;
select pg_temp.equal('results', string_agg(host, ','), 'h1') from swarmplane.result;
select pg_temp.equal('states', string_agg(host || ' ' || state, ','), 'h1 ok') from swarmplane.request_status;
select pg_temp.equal('labels', string_agg(label, ','), 'web') from swarmplane.node_label;
select pg_temp.equal('requests through a visible delivery', string_agg(sql, ','), 'all') from swarmplane.request;
select pg_temp.equal('account', swarmplane.account(id), '1 host: 1 ok') from swarmplane.request;
select pg_temp.equal('no false alarm', count(*)::text, '0') from swarmplane.count_fault;
select pg_temp.throws('not by a partition', format('table swarmplane.result_%s', to_char(date_trunc('week', now() at time zone 'UTC'), 'YYYYMMDD')), 'permission denied%');
create function pg_temp.leak(text) returns boolean language plpgsql cost 0.0000001 as $$ begin raise notice 'leaked %', $1; return true; end $$;
select pg_temp.equal('a cheap function sees no more', count(*)::text, '1') from swarmplane.result where pg_temp.leak(host);

set local session authorization bob;
insert into swarmplane.request (sql) values ('bob''s');
select pg_temp.equal('asks what he sees', string_agg(host, ',' order by host), 'h2,h3')
  from swarmplane.request_status s join swarmplane.request r on r.id = s.request_id and r.asked_by = 'bob';
select pg_temp.throws('and no other', $$ insert into swarmplane.request (sql, hosts) values ('x', '{h1}') $$, '%h1: unknown');
select pg_temp.throws('cancels only his own', format('select swarmplane.cancel(%s)', (select id from swarmplane.request where sql = 'db only')), 'there is no request %');

select pg_temp.throws('no one grants labels to himself', $$ insert into swarmplane.label_grant values ('bob', 'web') $$, 'permission denied%');
reset session authorization;
-- alice's colleague is an operator of some hosts
delete from swarmplane.label_grant where role = 'swarmplane_operator';
insert into swarmplane.label_grant values ('olga', 'web'), ('alice', '*');
set local session authorization olga;
select pg_temp.throws('who sees some hosts grants none', $$ insert into swarmplane.label_grant values ('olga', 'db') $$, 'access labels are granted for all hosts, and olga sees only some%');
select pg_temp.throws('and takes none', $$ delete from swarmplane.label_grant where role = 'bob' $$, 'access labels are granted for all hosts%');
set local session authorization alice;
select pg_temp.throws('nobody shuts himself out', $$ delete from swarmplane.label_grant where label = '*' $$, 'then alice would not see every host any more%');
insert into swarmplane.label_grant values ('olga', 'db');
delete from swarmplane.label_grant where role = 'olga' and label = 'db';
select pg_temp.equal('audited', string_agg(action, ',' order by id), 'label_grant.insert,label_grant.delete')
  from (select * from swarmplane.audit where actor = 'alice' and action like 'label_grant%' order by id desc limit 2) a;

-- a grant taken back is taken back at once
reset session authorization;
delete from swarmplane.label_grant where role = 'bob';
set local session authorization bob;
select pg_temp.equal('nothing', count(*)::text, '0') from swarmplane.result;
select pg_temp.equal('but his own request', string_agg(sql, ','), 'bob''s') from swarmplane.request;

-- operators and hubs see all of it
set local session authorization alice;
select pg_temp.equal('operator', count(*)::text, '3') from swarmplane.result;
set local session authorization hank;
select pg_temp.equal('hub', count(*)::text, '4') from swarmplane.node;
rollback;
