-- Desired state: what may be written, what a view may see, windows, and whose turn it is.
begin;
select pg_temp.hosts();

select pg_temp.equal('a window of days', swarmplane.in_window('Mon-Fri 22:00-04:00; Sat,Sun 00:00-24:00', 'UTC', w.at)::text, w.inside)
  from (values
    ('2026-11-27 21:59Z'::timestamptz, 'false'),  -- Friday
    ('2026-11-27 22:00Z', 'true'),
    ('2026-11-28 00:00Z', 'true'),                -- Saturday
    ('2026-11-29 23:59Z', 'true'),
    ('2026-11-30 00:00Z', 'false'),               -- Monday: Sunday's window ended, none of Friday's kind began
    ('2026-12-01 03:59Z', 'true'),                -- Tuesday, in Monday's night
    ('2026-12-01 04:00Z', 'false')) as w (at, inside);
-- Berlin goes from 2 to 3 o'clock on 2026-03-29 and back from 3 to 2 on 2026-10-25
select pg_temp.equal('a window over the change of clocks ' || w.at, swarmplane.in_window('Sun 01:30-03:30', 'Europe/Berlin', w.at)::text, w.inside)
  from (values
    ('2026-03-29 00:30Z'::timestamptz, 'true'),
    ('2026-03-29 01:29Z', 'true'),                -- 3:29, an hour was left out
    ('2026-03-29 01:30Z', 'false'),
    ('2026-10-25 00:30Z', 'true'),                -- 2:30, the first time
    ('2026-10-25 01:30Z', 'true'),                -- 2:30, the second time
    ('2026-10-25 02:30Z', 'false')) as w (at, inside);
select pg_temp.throws('no window', $$ select swarmplane.in_window('always', 'UTC', now()) $$, 'the window "always" cannot be read');
select pg_temp.throws('no hour 25', $$ select swarmplane.in_window('Mon 01:00-24:30', 'UTC', now()) $$, 'the window "Mon 01:00-24:30" cannot be read');
select pg_temp.throws('no day', $$ select swarmplane.in_window('Mo 01:00-02:00', 'UTC', now()) $$, 'there is no day "Mo"');

set local session authorization rita;
select pg_temp.throws('readers write nothing', $$ insert into swarmplane.desired (name, sql, hosts) values ('x', 'select 1', '{h1}') $$, 'permission denied%');
set local session authorization alice;
select pg_temp.throws('no check, no action', $$ insert into swarmplane.desired (name, hosts) values ('x', '{h1}') $$, '%checks_or_acts%');
select pg_temp.throws('two selectors', $$ insert into swarmplane.desired (name, sql, hosts, site) values ('x', 'select 1', '{h1}', '{berlin}') $$, 'hosts and site are both given');
select pg_temp.throws('an action for everybody', $$ insert into swarmplane.desired (name, sql, action, hosts) values ('x', 'select 1', 'y', '{*}') $$, '%an_action_names_its_hosts%');
select pg_temp.throws('an unknown host', $$ insert into swarmplane.desired (name, sql, hosts) values ('x', 'select 1', '{h9}') $$, 'these hosts cannot be asked: h9: unknown');
select pg_temp.throws('no zone', $$ insert into swarmplane.desired (name, sql, hosts, zone) values ('x', 'select 1', '{h1}', 'Mars') $$, 'there is no time zone "Mars"');
select pg_temp.throws('a short time', $$ insert into swarmplane.desired (name, sql, hosts, every) values ('x', 'select 1', '{h1}', '1 ms') $$, 'every is 00:00:00.001');
select pg_temp.throws('a row to fill from', $$ insert into swarmplane.desired (name, action, args, hosts) values ('x', 'y', '{"unit": "{name}"}', '{h1}') $$, 'args take unit: {name} from a row%');
select pg_temp.throws('places', $$ insert into swarmplane.desired (name, sql, hosts, at_once_per) values ('x', 'select 1', '{h1}', '{"site": 0}') $$, 'at_once_per is%');
select pg_temp.throws('no view', $$ insert into swarmplane.desired (name, view, hosts) values ('x', 'my.nothing', '{h1}') $$, 'there is no view "my.nothing"');
select pg_temp.throws('not the hubs'' columns', $$ insert into swarmplane.desired (name, sql, hosts, owner) values ('x', 'select 1', '{h1}', 'hank') $$, 'permission denied%');
select pg_temp.throws('what is not there', $$ insert into swarmplane.desired (name, sql, hosts, after) values ('x', 'select 1', '{h1}', '{y}') $$, 'after names "y", and there is no such row');
insert into swarmplane.desired (name, sql, hosts) values ('a', 'select 1', '{h1}');
insert into swarmplane.desired (name, sql, hosts, after) values ('b', 'select 1', '{h1}', '{a}');
select pg_temp.throws('a circle', $$ update swarmplane.desired set after = '{b}' where name = 'a' $$, 'after {b} goes in a circle%');
select pg_temp.throws('itself', $$ update swarmplane.desired set after = '{a}' where name = 'a' $$, 'after {a} goes in a circle%');
insert into swarmplane.desired (name, action, hosts) values ('c', 'y', '{h1,h3}');
select pg_temp.equal('an action begins as a dry run, a policy has none', string_agg(name || ' ' || dry_run, ',' order by name), 'a false,b false,c true')
  from swarmplane.desired;
select pg_temp.throws('one''s own row', $$ select swarmplane.approve('a') $$, 'alice wrote "a" last%');
select pg_temp.throws('no row', $$ select swarmplane.approve('z') $$, 'there is no desired "z"');
select pg_temp.throws('no hub', $$ select swarmplane.converge(1) $$, 'permission denied%');
reset session authorization;

-- a view sees the hosts that the row's owner sees, and what it calls becomes nobody else
insert into swarmplane.label_grant (role, label) values ('bob', 'db');
delete from swarmplane.label_grant where role in ('swarmplane_reader', 'swarmplane_operator');
insert into swarmplane.node_label select id, 'db' from swarmplane.node where name = 'h2';
grant swarmplane_operator to bob;
create schema my;
grant usage on schema my to swarmplane_checker, bob;
create view my.seen as select n.name as host, (select string_agg(o.name, ',' order by o.name) from swarmplane.node o) as sees from swarmplane.node n;
alter view my.seen set (security_invoker = true);
create function my.become() returns integer language plpgsql as $$ begin set role swarmplane_owner; return 1; end $$;
create view my.become_owner as select 'h2' as host, my.become() as x;
create function my.write() returns integer language plpgsql as $$ begin delete from swarmplane.desired; return 1; end $$;
create view my.writes as select 'h2' as host, my.write() as x;
create function my.widen() returns integer language plpgsql as $$ begin perform set_config('role', 'none', true); return 1; end $$;
create view my.hidden as select 'h2' as host;
create view my.hostless as select 1 as x;
grant select on my.seen, my.become_owner, my.writes, my.hostless to swarmplane_checker, bob;
grant select on my.hidden to bob;
set local session authorization bob;
select pg_temp.throws('not for the checker', $$ insert into swarmplane.desired (name, view, hosts) values ('x', 'my.hidden', '{h2}') $$, 'swarmplane_checker may not read my.hidden');
select pg_temp.throws('without hosts', $$ insert into swarmplane.desired (name, view, hosts) values ('x', 'my.hostless', '{h2}') $$, 'my.hostless has no column host');
insert into swarmplane.desired (name, view, hosts) values ('seen', 'my.seen', '{*}'), ('role', 'my.become_owner', '{h2}'), ('write', 'my.writes', '{h2}');
reset session authorization;
set local session authorization hank;
select pg_temp.equal('each is looked at', bool_and(swarmplane.converge(d.id))::text, 'true')
  from swarmplane.desired d where d.owner = 'bob';
reset session authorization;
select pg_temp.equal('the owner''s hosts, and what the view saw of them', string_agg(n.name || ' ' || (h.why ->> 'sees'), ';'), 'h2 h2')
  from swarmplane.desired_host h join swarmplane.node n on n.id = h.node_id join swarmplane.desired d on d.id = h.desired_id
 where d.name = 'seen';
select pg_temp.equal('becomes nobody', last_error, 'cannot set parameter "role" within security-definer function')
  from swarmplane.desired where name = 'role';
select pg_temp.equal('writes nothing', last_error, 'permission denied for table desired')
  from swarmplane.desired where name = 'write';
select pg_temp.equal('an alert each', string_agg(key, ',' order by key), 'role,write')
  from swarmplane.alert where kind = 'desired_check_failed' and resolved_at is null;
-- the row is nobody's affair any more once it is off
set local session authorization bob;
update swarmplane.desired set active = false where name = 'role';
delete from swarmplane.desired where name = 'write';
reset session authorization;
select pg_temp.equal('their alerts end', count(*)::text, '0')
  from swarmplane.alert where kind = 'desired_check_failed' and resolved_at is null;
select pg_temp.equal('audited', string_agg(action, ',' order by id), 'desired.insert,desired.update')
  from swarmplane.audit where object like 'desired % role';

-- a freeze is for all hosts, so it is of who sees all
set local session authorization bob;
select pg_temp.throws('some hosts only', $$ insert into swarmplane.freeze (reason) values ('mine') $$, 'freeze "mine" is for all hosts%');
reset session authorization;

-- a host with an address in each of two sites is frozen with either
insert into swarmplane.network (range, name, site) values ('10.1.0.0/16', 'one', 'berlin'), ('10.2.0.0/16', 'two', 'wien');
insert into swarmplane.node_address (node_id, address, ip, port, current)
select n.id, a.ip || ':7411', a.ip::inet, 7411, true
  from swarmplane.node n cross join (values ('10.1.0.1'), ('10.2.0.1')) as a (ip) where n.name = 'h1';
insert into swarmplane.freeze (reason, site) values ('works', '{wien}');
select pg_temp.equal('by its second site', string_agg(n.name, ',' order by n.name), 'h1') from swarmplane.node n where swarmplane.is_frozen(n);

-- an owner who may not command any more has nothing done
set local session authorization bob;
insert into swarmplane.desired (name, action, hosts, dry_run) values ('mine', 'y', '{h2}', false);
reset session authorization;
revoke swarmplane_operator from bob;
set local session authorization hank;
select swarmplane.converge(d.id) from swarmplane.desired d where d.name = 'mine';
reset session authorization;
select pg_temp.equal('nothing', count(*)::text, '0') from swarmplane.request where desired_id is not null;
select pg_temp.equal('and why', last_error, 'its owner bob may not command actions any more') from swarmplane.desired where name = 'mine';
select pg_temp.throws('a long name', $$ insert into swarmplane.desired (name, sql, hosts) values (repeat('n', 201), 'select 1', '{h1}') $$, 'the name "nnnnnnnnnnnnnnnnnnnn..." has 201 bytes');
rollback;
