-- Partitions: result and delivery_done by week, audit by month, bounds in UTC, made ahead, dropped by age.
set local role swarmplane_owner;

-- Makes partitions from the oldest open request, or audit row that waits in the default partition, to
-- `ahead` from now; how many were missing.
create or replace function swarmplane.make_partitions(ahead interval default '21 days')
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  made integer := 0;
  oldest timestamptz := least(now(), (select min(r.asked_at) from swarmplane.request r where r.closed_at is null));
  first_month timestamptz := least(now(), (select min(a.at) from swarmplane.audit_default a));
  last_month timestamptz := now() + greatest(ahead, interval '40 days');
begin
  perform swarmplane.hold_latch('partitions');
  made := swarmplane.make_partitions_of('result', 'week', oldest, now() + ahead)
        + swarmplane.make_partitions_of('delivery_done', 'week', oldest, now() + ahead)
        + swarmplane.make_partitions_of('audit', 'month', first_month, last_month)
        + swarmplane.make_history_partitions();
  return made;
end
$$;

create or replace function swarmplane.make_partitions_of(
  parent text,
  step text,
  first_at timestamptz,
  last_at timestamptz
)
  returns integer
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  -- an instant as text is read back as the same one
  set datestyle = 'ISO'
  set timezone = 'UTC'
as $$
declare
  made integer := 0;
  lower_bound timestamp := date_trunc(step, first_at at time zone 'UTC');
  upper_bound timestamp;
  part text;
begin
  while lower_bound <= last_at at time zone 'UTC' loop
    upper_bound := lower_bound + ('1 ' || step)::interval;
    part := parent || '_' || to_char(lower_bound, 'YYYYMMDD');
    if to_regclass(format('swarmplane.%I', part)) is null then
      execute format('create table swarmplane.%I (like swarmplane.%I including defaults including constraints)', part, parent);
      if parent = 'audit' then
        -- Rows that the default partition caught meanwhile move into their own. An insert that was on
        -- its way into the default partition would fail: such a one waits, and looks again.
        if exists (select from swarmplane.audit_default) then
          lock table swarmplane.audit in access exclusive mode;
        end if;
        alter table swarmplane.audit_default disable trigger _100_refuse_change;
        execute format(
          'with moved as (delete from swarmplane.audit_default where at >= %L and at < %L returning *)
           insert into swarmplane.%I overriding system value select * from moved',
          lower_bound at time zone 'UTC', upper_bound at time zone 'UTC', part);
        alter table swarmplane.audit_default enable always trigger _100_refuse_change;
      end if;
      execute format(
        'alter table swarmplane.%I attach partition swarmplane.%I for values from (%L) to (%L)',
        parent, part, lower_bound at time zone 'UTC', upper_bound at time zone 'UTC');
      perform swarmplane.refuse_truncate(format('swarmplane.%I', part)::regclass);
      made := made + 1;
    end if;
    lower_bound := upper_bound;
  end loop;
  return made;
end
$$;
comment on table swarmplane.result is
  'Public. Rows of the answers: host and the row as jsonb. "altered": characters PostgreSQL cannot store were replaced.';
reset role;
