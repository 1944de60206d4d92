-- Networks: ranges that do not overlap, declared addresses inside of them, sites.
begin;
select pg_temp.hosts();
set local session authorization alice;
insert into swarmplane.network (range, name, site) values ('10.1.0.0/16', 'berlin', 'Berlin'), ('fd00::/8', 'vpn', 'everywhere');
select pg_temp.throws('overlap', $$ insert into swarmplane.network (range, name, site) values ('10.1.2.0/24', 'floor 2', 'Berlin') $$, '%ranges_do_not_overlap%');
insert into swarmplane.node_address (node_id, address, ip, port, declared)
  select id, '10.1.0.5:7946', '10.1.0.5', 7946, true from swarmplane.node where name = 'h1';
select pg_temp.throws('declared outside', $$ insert into swarmplane.node_address (node_id, address, ip, declared)
  select id, '192.0.2.1:1', '192.0.2.1', true from swarmplane.node where name = 'h1' $$, 'address 192.0.2.1 is in no network');
select pg_temp.throws('declared without an address', $$ insert into swarmplane.node_address (node_id, address, declared)
  select id, 'name:1', true from swarmplane.node where name = 'h1' $$, '%declared_has_an_ip%');
select pg_temp.throws('a network in use', $$ delete from swarmplane.network where name = 'berlin' $$, 'network 10.1.0.0/16 still holds the declared address 10.1.0.5');
select pg_temp.throws('moved away', $$ update swarmplane.network set range = '10.2.0.0/16' where name = 'berlin' $$, 'network 10.1.0.0/16 still holds%');
update swarmplane.network set range = '10.0.0.0/8' where name = 'berlin';
select pg_temp.equal('site', string_agg(site || ' ' || host, ','), 'Berlin h1') from swarmplane.site_host;
select pg_temp.equal('audited', string_agg(distinct action, ',' order by action), 'network.insert,network.update') from swarmplane.audit where action like 'network%';

reset session authorization;
select swarmplane.report_nodes(jsonb_build_array(jsonb_build_object(
  'identity', repeat('2', 64), 'name', 'h2', 'state', 'alive', 'labels', '{}'::jsonb, 'version', '', 'hub', false,
  'incarnation', 1, 'since', 0, 'addresses', '["192.0.2.7:1", "127.0.0.1:1"]'::jsonb)));
select swarmplane.look_after_alerts();
select swarmplane.look_after_alerts();
select pg_temp.equal('stored, with an alert', message || ' ' || count, 'h2 reports 192.0.2.7:1, in no network 1') from swarmplane.alert;
insert into swarmplane.network (range, name, site) values ('192.0.2.0/24', 'lab', 'Lab');
select swarmplane.look_after_alerts();
select pg_temp.equal('resolved', count(*)::text, '0') from swarmplane.alert where resolved_at is null;
-- addresses as hosts write them
select pg_temp.equal('ip of ' || a.said, coalesce(abbrev(swarmplane.ip(a.said)), 'none'), a.wanted)
  from (values
    ('10.0.0.1', '10.0.0.1'), ('10.0.0.0/8', '10.0.0.0/8'), ('10.0.0.1:7411', '10.0.0.1'), ('fd00::1', 'fd00::1'),
    ('[fd00::1]:7411', 'fd00::1'), ('fe80::1%eth0', 'fe80::1'), ('fe80::1%eth0/64', 'fe80::1/64'), ('::ffff:10.0.0.1', '::ffff:10.0.0.1'),
    ('*', 'none'), ('', 'none'), ('localhost', 'none'), ('256.1.1.1', 'none'), ('10.0.0.1/99', 'none'), ('beef', 'none')) as a (said, wanted);
set local session authorization rita;
select pg_temp.equal('readers may', host(swarmplane.ip('10.0.0.1:1')), '10.0.0.1');
reset session authorization;
rollback;
