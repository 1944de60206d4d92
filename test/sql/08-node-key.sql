-- Key lists: only ever added to; a second entry of one version is kept, and an alert.
begin;
select pg_temp.hosts();
create function pg_temp.key(identity text, version integer, entry text) returns jsonb language sql as $$
  select jsonb_build_object('identity', identity, 'version', version, 'time', 1700000000 + version, 'entry', entry,
    'sign_key', repeat('ab', 32), 'box_key', repeat('cd', 32));
$$;
create temp table h1 as select repeat('1', 64) as id;
select pg_temp.equal('two entries', swarmplane.report_keys(jsonb_build_array(pg_temp.key(id, 0, '00'), pg_temp.key(id, 1, '01')))::text, '2') from h1;
select pg_temp.equal('known ones are nothing new', swarmplane.report_keys(jsonb_build_array(pg_temp.key(id, 0, '00'), pg_temp.key(id, 2, '02')))::text, '1') from h1;
select pg_temp.equal('strangers are left out', swarmplane.report_keys(jsonb_build_array(pg_temp.key(repeat('f', 64), 0, '00')))::text, '0');
select pg_temp.equal('no alert', count(*)::text, '0') from swarmplane.alert;
select pg_temp.equal('as they were', string_agg(version || encode(entry, 'hex') || (hash = sha256(entry)), ',' order by version), '000true,101true,202true')
  from swarmplane.node_key;

select pg_temp.equal('another entry of one version', swarmplane.report_keys(jsonb_build_array(pg_temp.key(id, 1, 'ff')))::text, '1') from h1;
select pg_temp.equal('kept beside the first', string_agg(encode(entry, 'hex'), ',' order by entry), '01,ff') from swarmplane.node_key where version = 1;
select pg_temp.equal('an alert', kind || ' ' || (key = repeat('1', 64)) || ' ' || count, 'key_conflict true 1') from swarmplane.alert;
select pg_temp.equal('told once', swarmplane.report_keys(jsonb_build_array(pg_temp.key(id, 1, 'ff')))::text, '0') from h1;

select pg_temp.throws('changed', $$ update swarmplane.node_key set entry = '\x99' $$, 'key lists are only ever added to');
select pg_temp.throws('deleted', $$ delete from swarmplane.node_key $$, 'key lists are only ever added to');
select pg_temp.throws('emptied', $$ truncate swarmplane.node_key $$, 'key lists are only ever added to');
set local session authorization alice;
select pg_temp.throws('written by a person', $$ insert into swarmplane.node_key (node_id, version, sign_key, box_key, made_at, entry)
  values (1, 5, '', '', now(), '') $$, 'permission denied%');
rollback;
