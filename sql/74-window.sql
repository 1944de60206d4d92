-- Windows of time in which actions may start.
set local role swarmplane_owner;

-- Whether an instant is in windows such as 'Mon-Fri 22:00-04:00; Sat,Sun 00:00-24:00', by the clock on the wall
-- of that zone; a window that ends before it begins runs into the next day. Null is always.
create or replace function swarmplane.in_window(windows text, zone text, at timestamptz)
  returns boolean
  language plpgsql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  part text;
  read text[];
  days integer[];
  from_time interval;
  to_time interval;
  here constant timestamp := at at time zone zone;
  today constant integer := extract(isodow from here);
  clock constant interval := here::time::interval;
  inside boolean := false;
begin
  if windows is null then
    return true;
  end if;
  foreach part in array string_to_array(windows, ';') loop
    read := regexp_match(btrim(part), '^([A-Za-z,-]+) +([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])$');
    if read is not null then
      from_time := make_interval(hours => read[2]::integer, mins => read[3]::integer);
      to_time := make_interval(hours => read[4]::integer, mins => read[5]::integer);
    end if;
    if read is null or from_time = to_time or greatest(from_time, to_time) > interval '24 hours' then
      raise exception 'the window "%" cannot be read', btrim(part)
        using errcode = 'invalid_parameter_value', hint = 'write it as Mon-Fri 22:00-04:00; Sat,Sun 00:00-24:00';
    end if;
    days := swarmplane.days_of(read[1]);
    inside := inside
      or today = any (days) and clock >= from_time and (clock < to_time or to_time < from_time)
      or (today + 5) % 7 + 1 = any (days) and to_time < from_time and clock < to_time;
  end loop;
  return inside;
end
$$;

-- 'Mon-Wed,Sun' is {1,2,3,7}.
create or replace function swarmplane.days_of(said text)
  returns integer[]
  language plpgsql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  names constant text[] := '{Mon,Tue,Wed,Thu,Fri,Sat,Sun}';
  part text;
  span text[];
  first integer;
  last integer;
  days integer[] := '{}';
begin
  foreach part in array string_to_array(said, ',') loop
    span := string_to_array(part, '-');
    first := array_position(names, span[1]);
    last := array_position(names, span[cardinality(span)]);
    if first is null or last is null or cardinality(span) > 2 then
      raise exception 'there is no day "%"', part
        using errcode = 'invalid_parameter_value', hint = 'days are Mon, Tue, Wed, Thu, Fri, Sat and Sun, or a span such as Mon-Fri';
    end if;
    days := days || array(select (first - 1 + step) % 7 + 1 from generate_series(0, (last - first + 7) % 7) step);
  end loop;
  return days;
end
$$;
reset role;
