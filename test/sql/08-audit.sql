-- The audit: hashes as docs/protocol.md section 10 writes them down, and who may touch what.
begin;
select pg_temp.hosts();
select pg_temp.equal('the row of the vectors', encode(swarmplane.audit_hash(row(
    7, '2026-01-01 00:00:00.000001+00', 'alice', 'setting.update', 'setting lease_time',
    '{"value": "30 seconds"}', null, '1', null)::swarmplane.audit), 'hex'),
  '18eced7933639020acebeca0397ad18c26356667f90d0732027803238ce9929d');
create function pg_temp.vector(dropped boolean) returns text language sql as $$
  select encode(swarmplane.seal_hash(v), 'hex')
    from (select 1 as number, '00112233-4455-6677-8899-aabbccddeeff'::uuid as chain,
                 timestamptz '2026-01-01 00:01:00+00' as at, repeat('ab', 32) as hub,
                 decode(repeat('00', 32), 'hex') as previous, 1 as count, 7 as first_id, 7 as last_id,
                 8 as seen_id, 0 as settled_id,
                 int8send(7) || int8send(1767225600000001)
                 || '\x18eced7933639020acebeca0397ad18c26356667f90d0732027803238ce9929d'::bytea as rows) s,
         lateral jsonb_populate_record(null::swarmplane.audit_seal, to_jsonb(s) ||
           case when dropped then jsonb_build_object('dropped_before', '2025-12-01 00:00:00+00',
             'dropped_seal', 0, 'dropped_hash', '\x' || repeat('00', 32), 'dropped_rows', 3) else '{}' end) v
$$;
select pg_temp.equal('the seal of the vectors', pg_temp.vector(false),
  '1ff56375cbc99d39fd65a447ac5ca3eb9dad975ada53531b7203786162d3774b');
select pg_temp.equal('the checkpoint of the vectors', pg_temp.vector(true),
  '611efd1fb73b1f7772f2059b677357613d01ed016aa34bac31a91b319084a7a8');

-- the hash and what is hashed do not hang on the session that writes
set local timezone = 'Pacific/Auckland';
set local intervalstyle = 'iso_8601';
set local session authorization alice;
update swarmplane.setting set value = '11' where name = 'attempts_max';
insert into swarmplane.request (sql, expires_in) values ('select 1', '90 minutes');
reset session authorization;
select pg_temp.equal('actor and hash', string_agg(a.actor || ' ' || (a.hash = swarmplane.audit_hash(a)), ','),
  'alice true,alice true') from swarmplane.audit a;
select pg_temp.equal('in UTC', right(after ->> 'asked_at', 6) || ' ' || (after ->> 'expires_in'), '+00:00 01:30:00')
  from swarmplane.audit where object like 'request %';

-- who may what
set local session authorization hank;
select pg_temp.equal('nothing is old enough', count(*)::text, '0') from swarmplane.begin_checkpoint(repeat('a', 64));
savepoint before_seal;
select swarmplane.micros(s.at) from swarmplane.begin_seal(repeat('a', 64)) s;
rollback to before_seal;
select number, chain, hub, head from swarmplane.audit_seal;
select pg_temp.throws('a hub', 'select rows from swarmplane.audit_seal', 'permission denied%');
select pg_temp.throws('a hub', $$ select swarmplane.finish_seal(1, 'x', 0) $$, 'no seal 1 waits for a signature');
set local session authorization carol;
select count(*) from swarmplane.audit, swarmplane.audit_seal;
do $$
declare
  statement text;
begin
  foreach statement in array array[
    'insert into swarmplane.audit (action, object) values (''a'', ''b'')',
    'update swarmplane.audit set actor = ''bob''',
    'delete from swarmplane.audit',
    'delete from swarmplane.audit_seal',
    'select swarmplane.begin_seal(repeat(''a'', 64))',
    'select swarmplane.drop_sealed_audit()',
    'select swarmplane.drop_old_partition()'
  ] loop
    perform pg_temp.throws('an auditor: ' || statement, statement, '%denied%');
  end loop;
end
$$;
set local session authorization rita;
select pg_temp.throws('a reader', 'table swarmplane.audit_seal', 'permission denied%');
reset session authorization;

-- not even the owner changes seals
insert into swarmplane.audit_seal (number, chain, at, hub, previous, count, first_id, last_id, seen_id, settled_id, rows, hash, seen_xid)
  values (1, gen_random_uuid(), now(), repeat('a', 64), '', 0, 0, 0, 0, 0, '', '', '1');
select swarmplane.finish_seal(1, 'x', 0);
select pg_temp.throws('sealed', 'update swarmplane.audit_seal set head = ''y''', 'seals are never changed or deleted');
select pg_temp.throws('sealed', 'delete from swarmplane.audit_seal', 'seals are never changed or deleted');
select pg_temp.throws('sealed', 'truncate swarmplane.audit_seal', 'seals are never changed or deleted');

-- settings of the retention
select pg_temp.throws('too short', $$ update swarmplane.setting set value = '1 hour' where name = 'audit_kept' $$, 'setting "audit_kept" cannot be "1 hour": write an interval from 1 day to 100 years, or forever');
select pg_temp.throws('no interval', $$ update swarmplane.setting set value = 'long' where name = 'result_kept' $$, 'setting "result_kept" cannot be "long": write an interval %');
select pg_temp.throws('overflows', $$ update swarmplane.setting set value = '9999 years' where name = 'history_kept' $$, 'setting "history_kept" cannot be "9999 years": write an interval from 1 day to 100 years, or forever');
select pg_temp.throws('no word for it', $$ update swarmplane.setting set value = 'forever' where name = 'lease_time' $$, 'setting "lease_time" cannot be "forever"%');
reset session authorization;
select pg_temp.throws('bounds as well', $$ update swarmplane.setting set most = '2 days' where name = 'result_kept' $$, 'setting "result_kept" cannot be "30 days"%');
-- tests are quicker: test/helpers/postgres-server.ts
update swarmplane.setting set least = '20 seconds' where name = 'lease_time';
select pg_temp.throws('starves', $$ update swarmplane.setting set value = '10 seconds' where name = 'lease_time' $$, 'setting "lease_time" cannot be "10 seconds": write an interval from 20 seconds to 1 hour');
savepoint kept;
update swarmplane.setting set value = 'forever' where name in ('result_kept', 'audit_kept', 'history_kept', 'history_compact_after');
select pg_temp.equal('nothing is old', coalesce(swarmplane.drop_old_partition(), 'none') || ' ' || swarmplane.drop_old_history() || ' ' || swarmplane.compact_history(), 'none 0 0');
select pg_temp.equal('no month of the audit', count(*)::text, '0') from swarmplane.begin_checkpoint(repeat('1', 64));
rollback to kept;
select pg_temp.throws('renamed', $$ update swarmplane.setting set name = 'x' where name = 'result_kept' $$, 'setting "result_kept" keeps its name and kind');
select pg_temp.throws('deleted', $$ delete from swarmplane.setting where name = 'result_kept' $$, 'setting "result_kept" is needed and cannot be deleted');

-- to read the audit shows no more hosts
reset session authorization;
delete from swarmplane.label_grant;
insert into swarmplane.node (identity, name, state) values (repeat('a', 64), 'shown', 'alive'), (repeat('b', 64), 'hidden', 'alive');
insert into swarmplane.node_label select id, 'web' from swarmplane.node where name = 'shown';
insert into swarmplane.label_grant (role, label) values ('rita', 'web');
grant swarmplane_auditor to rita;
set local session authorization rita;
select pg_temp.equal('hosts of her label', string_agg(name, ','), 'shown') from swarmplane.node;
select pg_temp.equal('and the audit', (count(*) > 0)::text, 'true') from swarmplane.audit;
reset session authorization;
rollback;
