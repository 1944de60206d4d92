-- Cron lines: what is refused when they are written. When they fall due is read by the hubs (src/hub/queue).
set local role swarmplane_owner;

-- Refuses a day that no month of the line has, as 30 February: it would rest for ever. What else is wrong with a line
-- says the hub that reads it. A line with days of the week runs on those as well.
create or replace function swarmplane.check_cron(cron text)
  returns void
  language plpgsql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  fields constant text[] := regexp_split_to_array(btrim(cron, E' \t\r\n'), '\s+');
  at constant integer := case when cardinality(fields) > 5 then 1 else 0 end;
  first_day integer;
  days integer;
begin
  if cardinality(fields) not between 5 and 7 or fields[5 + at] not in ('*', '?') then
    return;
  end if;
  -- the least number of the days, and the longest of the months; null where something else is written
  select case when bool_and(d.part ~ '^(\*|\?|\d{1,2})(-\d{1,2})?(/\d+)?$')
              then min(coalesce(substring(d.part from '^\d+')::integer, 1)) end
    into first_day
    from regexp_split_to_table(fields[3 + at], ',') as d (part);
  select case when bool_and(w.low is not null) then max(m.days) end
    into days
    from regexp_split_to_table(lower(fields[4 + at]), ',') as p (part)
   cross join lateral (
     select case when p.part ~ '^(\*|\?)(/\d+)?$' then 1 else swarmplane.cron_month(split_part(split_part(p.part, '/', 1), '-', 1)) end as low,
            case when p.part ~ '^(\*|\?)' or p.part like '%/%' and p.part not like '%-%' then 12
                 else swarmplane.cron_month(split_part(split_part(p.part, '/', 1), '-', greatest(1, (p.part like '%-%')::integer + 1))) end as high,
            greatest(coalesce(nullif(substring(p.part from '/(\d{1,9})$'), '')::integer, 1), 1) as step) w
    left join lateral (
      select case when s.month = 2 then 29 when s.month in (4, 6, 9, 11) then 30 else 31 end as days
        from generate_series(w.low, w.high, w.step) as s (month)) m on true;
  if first_day > days then
    raise exception 'the cron line "%" means a day that there is not', cron using errcode = 'invalid_parameter_value',
      hint = format('the longest month that it names has %s days, and it asks for day %s', days, first_day);
  end if;
end
$$;

create or replace function swarmplane.cron_month(said text)
  returns integer
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select case when said ~ '^\d{1,2}$' then said::integer
              else nullif(array_position('{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}'::text[], said), 0) end;
$$;
reset role;
