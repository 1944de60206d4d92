-- Looking after history: partitions by month in UTC, retention, compaction, and what people read of it.
set local role swarmplane_owner;

-- The partition of a table for the month of an instant, unless it is there.
create or replace function swarmplane.make_month_partition(schema_name text, parent text, at timestamptz)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  -- an instant as text is read back as the same one
  set datestyle = 'ISO'
  set timezone = 'UTC'
as $$
declare
  first_day timestamp := date_trunc('month', at at time zone 'UTC');
  part text := parent || '_' || to_char(first_day, 'YYYYMM');
begin
  if to_regclass(format('%I.%I', schema_name, part)) is not null then
    return false;
  end if;
  perform swarmplane.hold_latch('partitions');
  if to_regclass(format('%I.%I', schema_name, part)) is not null then
    return false;
  end if;
  execute format('create table %1$I.%2$I (like %1$I.%3$I including defaults including constraints)',
    schema_name, part, parent);
  execute format('alter table %1$I.%3$I attach partition %1$I.%2$I for values from (%4$L) to (%5$L)',
    schema_name, part, parent,
    first_day at time zone 'UTC', (first_day + interval '1 month') at time zone 'UTC');
  perform swarmplane.refuse_truncate(format('%I.%I', schema_name, part)::regclass);
  return true;
end
$$;

-- Those of this month and the next, for taking and every tracked table; how many were missing.
create or replace function swarmplane.make_history_partitions()
  returns integer
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select count(*) filter (where swarmplane.make_month_partition(p.schema_name, p.parent, m.at))::integer
    from (select 'swarmplane' as schema_name, 'taking' as parent
           union all
          select 'inventory', t.name || '_history' from swarmplane.tracked_table t) p
   cross join (values (now()), (now() + interval '1 month')) as m (at);
$$;

-- Drops partitions that hold only what is older than the setting history_kept; how many.
create or replace function swarmplane.drop_old_history()
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set lock_timeout = '1s'
as $$
declare
  first_kept timestamptz := date_trunc('month', now() - swarmplane.setting_interval('history_kept'), 'UTC');
  old record;
  held text;
  dropped integer := 0;
begin
  perform swarmplane.limit_waits();
  for old in
    select p.relname as part, c.relname as parent, c.relnamespace::regnamespace as schema_name
      from pg_inherits i
      join pg_class p on p.oid = i.inhrelid
      join pg_class c on c.oid = i.inhparent
     where ((c.relnamespace = 'swarmplane'::regnamespace and c.relname = 'taking')
            or (c.relnamespace = 'inventory'::regnamespace
                and c.relname in (select t.name || '_history' from swarmplane.tracked_table t)))
       and to_date(right(p.relname, 6), 'YYYYMM')::timestamp at time zone 'UTC' < first_kept
     order by 3, 2, 1
  loop
    begin
      execute format('drop table %s.%I', old.schema_name, old.part);
      dropped := dropped + 1;
    exception
      -- somebody reads it: the next one
      when lock_not_available then held := coalesce(held, format('%s.%I', old.schema_name, old.part));
    end;
  end loop;
  if held is not null and dropped = 0 then
    raise exception 'another session holds %, which is old enough to go', held using errcode = 'lock_not_available';
  end if;
  delete from swarmplane.gap_run g where g.until < first_kept;
  update swarmplane.tracked_table t set kept_since = first_kept
   where dropped > 0 and t.kept_since < first_kept;
  return dropped;
end
$$;

-- Drops takings that say what both of their neighbours say: the first and the last of a run stay, so
-- what was seen and until when can still be proved. How many.
create or replace function swarmplane.compact_history(older_than interval default null)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  before timestamptz := now() - coalesce(older_than, swarmplane.setting_interval('history_compact_after'));
  dropped bigint;
begin
  perform swarmplane.require_fleet('compacting history is');
  with run as (
    select c.node_id, c.table_name, c.at, c.line, c.sequence, c.kind, c.reason, c.dropped_from,
           lag((c.line, c.kind, coalesce(c.reason, ''))) over w as former,
           lead((c.line, c.kind, coalesce(c.reason, ''))) over w as next
      from swarmplane.taking c
     where c.at < before
    window w as (partition by c.node_id, c.table_name order by c.at)
  ), idle as materialized (
    select r.node_id, r.table_name, r.at, r.line, r.sequence
      from run r
     where r.dropped_from is null
       and (r.kind = 'same' or r.kind = 'gap')
       and r.former = (r.line, r.kind, coalesce(r.reason, ''))
       and r.next = (r.line, r.kind, coalesce(r.reason, ''))
  )
  delete from swarmplane.taking c
   using idle i
   where c.node_id = i.node_id and c.table_name = i.table_name and c.at = i.at
     and c.line = i.line and c.sequence = i.sequence;
  get diagnostics dropped = row_count;
  return dropped;
end
$$;

-- Where each tracked table of each host stands.
create or replace view swarmplane.tracked with (security_invoker = true) as
  select n.name as host, h.table_name as "table", h.rows, h.first_at, h.seen_at, h.changed_at,
         h.gap_reason as missing, h.node_id
    from swarmplane.head h
    join swarmplane.node n on n.id = h.node_id and n.out_since is null
   where h.line is not null;

-- Times in which nothing is known for sure: after the last state before a gap, until the first after it. Takings
-- that say the same one after the other are one. What a host does not have at all, and never showed, is none.
create or replace view swarmplane.gap with (security_invoker = true) as
  select n.name as host, g.table_name as "table", g.since, g.until, g.at, g.reason, g.takings_lost, g.node_id
    from swarmplane.gap_run g
    join swarmplane.node n on n.id = g.node_id
   where g.reason_code not in ('table_absent', 'load_only') or g.since is not null;

comment on table swarmplane.head is
  'Public. The newest taking of each host and table: when it was seen, its document hash, and why one is missing.';
comment on table swarmplane.taking is
  'Public. Every taking: at (never backwards), host_at (the host''s clock), what it says it holds (hash) and its signature.';
comment on table swarmplane.gap_run is
  'Private. Runs of takings that say the same gap. Read gap instead.';
comment on view swarmplane.tracked is
  'Public. Each tracked table of each host: since when, seen last, changed last, and why it could not be taken last.';
comment on view swarmplane.gap is
  'Public. Times of a host and table in which nothing is known for sure, and why; at is when that was said first.';
comment on function swarmplane.compact_history(interval) is
  'Public. Drops takings that only repeat both of their neighbours, older than the setting history_compact_after.';
reset role;
