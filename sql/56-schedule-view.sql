-- The newest answer of a schedule as a typed view, one for each schedule that somebody wants it of.
set local role swarmplane_owner;

-- Makes inventory.schedule_NAME: the rows of each host's newest answer, among those to the last 100 ticks, with
-- when it came, whether the host had more, and in which columns a value is not of the column's type and so null here.
-- Its name. Anew after the schedule got another text.
create or replace function swarmplane.schedule_view(schedule text)
  returns text
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set lock_timeout = '1s'
as $$
declare
  planned swarmplane.schedule;
  called text := swarmplane.schedule_view_name(schedule_view.schedule);
begin
  select * into planned from swarmplane.schedule s where s.name = schedule_view.schedule;
  if not found then
    raise exception 'there is no schedule "%"', schedule_view.schedule using errcode = 'no_data_found',
      hint = 'they are in swarmplane.schedule';
  end if;
  perform swarmplane.require_owner('schedule', planned.name, planned.owner);
  if octet_length(called) > 63 then
    raise exception 'the name "%" is too long for a view', planned.name using errcode = 'name_too_long',
      hint = 'give the schedule a name of at most 54 bytes';
  end if;
  if planned.described is null then
    raise exception 'no hub has looked at the schedule "%" yet', planned.name
      using errcode = 'object_not_in_prerequisite_state', hint = 'a hub at work does within seconds: table swarmplane.hub';
  end if;
  if planned.described ? 'trouble' then
    raise exception 'the schedule "%" cannot be asked: %', planned.name, planned.described ->> 'trouble'
      using errcode = 'object_not_in_prerequisite_state', hint = 'mend its sql';
  end if;
  begin
    execute swarmplane.schedule_view_text(planned, called);
  exception
    -- other columns than before
    when invalid_table_definition then
      execute format('drop view inventory.%I', called);
      execute swarmplane.schedule_view_text(planned, called);
    when syntax_error or duplicate_column then
      raise exception 'what the schedule "%" gives are no columns of a view: %', planned.name, sqlerrm
        using errcode = 'invalid_column_definition', hint = 'name each one otherwise, with as, in at most 63 bytes';
  end;
  perform swarmplane.hand_out_inventory('swarmplane_reader', called, 'view', called,
    format('Public. Rows of the newest answer of each host to the schedule %s.', planned.name));
  return 'inventory.' || quote_ident(called);
end
$$;

create or replace function swarmplane.schedule_view_name(schedule text)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select 'schedule_' || schedule;
$$;

-- Of the answers to this text only: a former one may have had other columns of the same names.
create or replace function swarmplane.schedule_view_text(planned swarmplane.schedule, called text)
  returns text
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select format(
    'create or replace view inventory.%1$I with (security_invoker = true) as
     select n.name as host, n.id as node_id, a.ended_at as taken_at, a.truncated,
            nullif(array_remove(array[%5$s]::text[], null), ''{}'') as unfit%2$s
       from swarmplane.node n
      cross join lateral (
        select t.id, t.asked_at, d.ended_at, d.truncated
          from (select q.id, q.asked_at, q.tick from swarmplane.request q
                 where q.schedule_id = %3$s and q.sql = %4$L
                 order by q.tick desc limit 100) t
          join swarmplane.delivery_done d
            on d.request_id = t.id and d.asked_at = t.asked_at and d.node_id = n.id and d.state = ''ok''
         order by t.tick desc
         limit 1) a
       join swarmplane.result r on r.node_id = n.id and r.request_id = a.id and r.asked_at = a.asked_at
      where n.out_since is null',
    called,
    string_agg(format(', case when swarmplane.fits(r.row ->> %1$L, %2$L) then (r.row ->> %1$L)::%3$s end as %4$I',
                      c.said, c.type, swarmplane.column_type(c.type),
                      c.said || case when lower(c.said) in ('host', 'node_id', 'taken_at', 'truncated', 'unfit') then '_' else '' end),
               '' order by c.place),
    planned.id, planned.sql,
    string_agg(format('case when not swarmplane.fits(r.row ->> %1$L, %2$L) then %1$L end', c.said, c.type), ', ' order by c.place))
    from (
      -- the second of one name is called NAME:1, as in result
      select s.type, s.place,
             s.name || coalesce(':' || nullif(row_number() over (partition by s.name order by s.place) - 1, 0), '') as said
        from jsonb_array_elements(planned.described -> 'columns') with ordinality as e (spec, place)
       cross join lateral (select e.spec ->> 'name' as name, e.spec ->> 'type' as type, e.place) s
    ) c;
$$;

-- Whether a value that a host said can be read as of that type. One host that says another is not to end the view of
-- all; SQLite itself gives a double where whole numbers grow too long.
create or replace function swarmplane.fits(value text, type text)
  returns boolean
  language plpgsql
  immutable
  parallel safe
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  return value is null or case
    when type = 'TEXT' then true
    when type in ('INTEGER', 'BIGINT') then
      value ~ '^-?[0-9]{1,19}$' and value::numeric between -9223372036854775808 and 9223372036854775807
    when type = 'UNSIGNED_BIGINT' then value ~ '^-?[0-9]{1,20}$'
    when type = 'DOUBLE' then
      value in ('NaN', 'Infinity', '-Infinity')
      or value ~ '^-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]{1,3})?$' and length(value) < 1000
         and (value::numeric = 0 or abs(value::numeric) between 2.3e-308 and 1.79e308)
    when type = 'BLOB' then value ~ '^\\x([0-9a-f]{2})*$'
    else false
  end;
end
$$;

-- Without the schedule, its name or its text there is nothing that the view shows.
create or replace function swarmplane.drop_schedule_view(schedule text)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set lock_timeout = '1s'
as $$
declare
  called text := swarmplane.schedule_view_name(schedule);
begin
  if octet_length(called) <= 63 and to_regclass(format('inventory.%I', called)) is not null then
    execute format('drop view inventory.%I', called);
    raise notice 'inventory.% is gone with what it showed; make it anew with swarmplane.schedule_view', quote_ident(called);
  end if;
end
$$;

comment on function swarmplane.fits(text, text) is
  'Private. Whether a value can be read as of a type of host tables. Views of schedules call it as the reader.';
comment on function swarmplane.schedule_view(text) is
  'Public. Makes inventory.schedule_NAME: a typed view of each host''s newest answer to the schedule.';
reset role;
