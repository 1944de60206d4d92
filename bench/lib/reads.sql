-- A database as 200 hosts leave it after a year: what is tracked by default, its changes, takings, gaps, and a
-- million rows of results. Run as the owner of the database, in one transaction; settings reads.hosts, reads.results.
select setseed(0.15);

insert into swarmplane.node (identity, name, state, labels)
select encode(sha256(int4send(n)), 'hex'), 'host' || n, 'alive', jsonb_build_object('role', case n % 4 when 0 then 'web' else 'db' end)
  from generate_series(1, current_setting('reads.hosts')::integer) n;

-- Rows of each table at a host, takings that change it in a year, and how often it is taken.
create temporary table plan (name text, rows integer, changes integer, every interval);
insert into plan values
  ('deb_packages', 600, 120, '1 hour'), ('systemd_units', 300, 150, '15 minutes'), ('users', 30, 4, '1 hour'),
  ('groups', 60, 4, '1 hour'), ('mounts', 30, 12, '15 minutes'), ('listening_ports', 20, 40, '5 minutes'),
  ('interface_addresses', 6, 6, '15 minutes'), ('os_version', 1, 2, '1 hour'), ('system_info', 1, 2, '1 hour'),
  ('kernel_info', 1, 8, '1 hour');

insert into swarmplane.table_shape (table_name, hash, columns, key)
select t.name, sha256(t.name::bytea), t.columns, t.key from swarmplane.tracked_table t;

-- Takings that changed something: the first one, a year ago, and those spread over it, none for the last minutes.
create temporary table change as
select p.name, n.id as node_id, date_trunc('milliseconds',
         now() - interval '365 days' * case c.number when 0 then 1 else random() * 0.9999 end) as at
  from plan p
 cross join swarmplane.node n
 cross join lateral generate_series(0, p.changes) as c (number);
create index on change (name, node_id, at);

do $$
declare
  p plan;
  month timestamptz;
  names text;
  said text;
begin
  for month in select generate_series(date_trunc('month', now() - interval '366 days'), now(), interval '1 month') loop
    perform swarmplane.make_month_partition('swarmplane', 'taking', month);
    perform swarmplane.make_month_partition('inventory', t.name || '_history', month) from swarmplane.tracked_table t;
  end loop;
  for p in select * from plan loop
    -- row I in its version V: the key is the same in all, one other column moves
    select string_agg(format('%I', c.called), ', ' order by c.place),
           string_agg(case
             when p.name = 'listening_ports' and c.name = 'port' then '8060 + i'
             when p.name = 'deb_packages' and c.name = 'name' then 'case i when 1 then ''openssl'' else ''package'' || i end'
             when p.name = 'deb_packages' and c.name = 'version' then '''3.0.'' || v || ''-1'''
             when p.name = 'os_version' and c.name = 'platform' then '''debian'''
             when p.name = 'os_version' and c.name = 'major' then '10 + v'
             when c.type = 'TEXT' and c.name = any (t.key) then format('%L || i', c.name || ' ')
             when c.type = 'TEXT' then format('%L || v', c.name || ' of version ')
             when c.name = any (t.key) then 'i'
             else 'v' end, ', ' order by c.place)
      into names, said
      from swarmplane.tracked_table t, swarmplane.tracked_columns(t.name) c
     where t.name = p.name;
    -- the first taking brings every row, each later one a new version of some
    execute format(
      'create temporary table span on commit drop as
       select e.node_id, e.i, e.at as valid_from,
              lead(e.at) over (partition by e.node_id, e.i order by e.at) as valid_to,
              row_number() over (partition by e.node_id, e.i order by e.at) as v
         from (select f.node_id, i, min(f.at) as at from change f, generate_series(1, %2$s) as g (i) where f.name = %1$L group by 1, 2
               union
               select f.node_id, 1 + floor(random() * %2$s)::integer, f.at
                 from change f, generate_series(1, least(4, %2$s)) as few
                where f.name = %1$L) e', p.name, p.rows);
    execute format(
      'insert into inventory.%1$I (valid_from, valid_to, node_id, shape, row_hash, %3$s)
       select s.valid_from, s.valid_to, s.node_id, k.id, sha256(int4send(i) || int8send(v)), %4$s
         from span s join swarmplane.table_shape k on k.table_name = %2$L
        where s.valid_to is not null order by s.valid_to', p.name || '_history', p.name, names, said);
    execute format(
      'insert into inventory.%1$I (valid_from, node_id, shape, row_hash, %3$s)
       select s.valid_from, s.node_id, k.id, sha256(int4send(i) || int8send(v)), %4$s
         from span s join swarmplane.table_shape k on k.table_name = %2$L
        where s.valid_to is null order by s.node_id', p.name || '_current', p.name, names, said);
    drop table span;
  end loop;
end
$$;

-- What compaction leaves of a year: changes, the last taking before the next one, and a week of all.
insert into swarmplane.taking (at, host_at, sequence, node_id, key_version, shape, rows, table_name, kind, line, base, hash, signature)
select t.at, t.at, row_number() over (partition by t.name, t.node_id order by t.at), t.node_id, 1, k.id, p.rows, t.name,
       t.kind, substr(sha256(int4send(t.node_id)), 1, 16), sha256('base'), sha256('hash'), sha256('one') || sha256('two')
  from (select name, node_id, at, case at when min(at) over (partition by name, node_id) then 'full' else 'delta' end as kind from change
        union all
        select name, node_id, at - interval '1 second', 'same' from change
        union all
        select p.name, n.id, now() - g.number * p.every - n.id * interval '1 millisecond', 'same'
          from plan p cross join swarmplane.node n
         cross join lateral generate_series(1, (extract(epoch from interval '7 days') / extract(epoch from p.every))::integer) as g (number)) t
  join plan p on p.name = t.name
  join swarmplane.table_shape k on k.table_name = t.name
 order by t.at
on conflict do nothing;

-- A host without rpm says so every hour: the first and the last of it are kept. Packages time out now and then.
insert into swarmplane.taking (at, host_at, sequence, node_id, table_name, kind, line, reason_code, reason, signature)
select g.at, g.at, g.sequence, n.id, g.name, 'gap', substr(sha256(int4send(n.id)), 1, 16), g.code, g.reason, sha256('one')
  from swarmplane.node n
 cross join lateral (
   select 'rpm_packages' as name, now() - f.ago as at, f.sequence, 'table_absent' as code, 'no rpm database on this host' as reason
     from (values (interval '365 days', 1), (interval '1 minute', 8760)) as f (ago, sequence)
    union all
   select 'deb_packages', now() - (d.day - random()) * interval '7 days' - interval '4 hours' + f.later, 1000000 + d.day * 2 + f.place, 'time_limit', 'it took over 5 s'
     from generate_series(1, 20) as d (day), (values (interval '0', 0), (interval '3 hours', 1)) as f (later, place)) g;

insert into swarmplane.gap_run (node_id, table_name, at, since, until, reason_code, reason)
select g.node_id, g.table_name, g.at, case g.reason_code when 'time_limit' then g.at - interval '1 hour' end,
       case g.reason_code when 'time_limit' then g.at + interval '4 hours' end, g.reason_code, g.reason
  from swarmplane.taking g
 where g.kind = 'gap' and (g.reason_code = 'time_limit' and g.sequence % 2 = 0 or g.sequence = 1);

insert into swarmplane.head (node_id, table_name, line, sequence, hash, rows, shape, first_at, seen_at, changed_at, gap_reason)
select distinct on (t.node_id, t.table_name) t.node_id, t.table_name, t.line, 2000000, t.hash, coalesce(t.rows, 0), t.shape,
       c.first_at, t.at, c.changed_at, t.reason
  from swarmplane.taking t
  left join (select name, node_id, min(at) as first_at, max(at) as changed_at from change group by 1, 2) c
    on c.name = t.table_name and c.node_id = t.node_id
 order by t.node_id, t.table_name, t.at desc;

-- Requests of a month, answered by every host: 5 rows each until there are as many as asked for.
select swarmplane.make_partitions();
update swarmplane.setting set value = '100000' where name in ('open_requests_operator', 'open_requests_asker');
insert into swarmplane.request (sql, hosts)
select 'select * from processes limit 5 -- ' || n, '{*}'
  from generate_series(1, current_setting('reads.results')::integer / 5 / current_setting('reads.hosts')::integer) n;
insert into swarmplane.delivery_done (node_id, request_id, asked_at, id, host, state, was, attempt, rows, ms, columns, claimed_at)
select d.node_id, d.request_id, r.asked_at, d.id, n.name, 'ok', d.state, 1, 5, 20, '{pid,name,cmdline}', now()
  from swarmplane.delivery d
  join swarmplane.request r on r.id = d.request_id
  join swarmplane.node n on n.id = d.node_id;
delete from swarmplane.delivery;
insert into swarmplane.result (node_id, request_id, asked_at, ordinal, host, row)
select e.node_id, e.request_id, e.asked_at, o.ordinal, e.host,
       jsonb_build_object('pid', o.ordinal * 100, 'name', 'systemd', 'cmdline', '/lib/systemd/systemd --system')
  from swarmplane.delivery_done e, generate_series(1, 5) as o (ordinal);
