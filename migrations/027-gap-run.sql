-- Gaps as they are read: one row for each run of takings that say the same, with when the table was known last
-- before it and first after it. Found at every read before, by a search for each row.
-- An operator will notice: a pass over the gaps of swarmplane.taking.
set local role swarmplane_owner;

create table swarmplane.gap_run (
  id bigint generated always as identity primary key,
  node_id integer not null references swarmplane.node,
  table_name text not null,
  at timestamptz not null,
  since timestamptz,
  until timestamptz,
  reason_code text not null,
  reason text not null,
  takings_lost bigint
);
create index gap_run_at on swarmplane.gap_run (node_id, table_name, at);
create index gap_run_open on swarmplane.gap_run (node_id, table_name) where until is null;

insert into swarmplane.gap_run (node_id, table_name, at, since, until, reason_code, reason, takings_lost)
select g.node_id, g.table_name, g.at,
       (select max(c.at) from swarmplane.taking c
         where c.node_id = g.node_id and c.table_name = g.table_name and c.at < g.at and c.kind <> 'gap'),
       (select min(c.at) from swarmplane.taking c
         where c.node_id = g.node_id and c.table_name = g.table_name and c.at > g.at and c.kind <> 'gap'),
       -- takings of before codes
       coalesce(g.reason_code, ''), g.reason, g.dropped_to - g.dropped_from + 1
  from (
    select c.*, lag((c.kind, c.line, c.reason_code, c.reason, c.dropped_from)) over w
             is not distinct from (c.kind, c.line, c.reason_code, c.reason, null::bigint) and c.dropped_from is null as repeated
      from swarmplane.taking c
    window w as (partition by c.node_id, c.table_name order by c.at)) g
 where g.kind = 'gap' and not g.repeated
   and exists (select from swarmplane.node n where n.id = g.node_id);
reset role;
