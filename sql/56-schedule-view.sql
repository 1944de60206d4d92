-- The newest answer of a schedule as a typed view, one for each schedule that somebody wants it of.
set local role swarmplane_owner;

-- Makes inventory.schedule_NAME: the rows of each host's newest answer, among those to the last 100 ticks, with
-- when it came and whether the host had more. Its name. Anew after the schedule got another text.
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
     select n.name as host, n.id as node_id, a.ended_at as taken_at, a.truncated%2$s
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
    string_agg(format(', (r.row ->> %L)::%s as %I', c.said, swarmplane.column_type(c.type),
                      c.said || case when lower(c.said) in ('host', 'node_id', 'taken_at', 'truncated') then '_' else '' end),
               '' order by c.place),
    planned.id, planned.sql)
    from (
      -- the second of one name is called NAME:1, as in result
      select s.type, s.place,
             s.name || coalesce(':' || nullif(row_number() over (partition by s.name order by s.place) - 1, 0), '') as said
        from jsonb_array_elements(planned.described -> 'columns') with ordinality as e (spec, place)
       cross join lateral (select e.spec ->> 'name' as name, e.spec ->> 'type' as type, e.place) s
    ) c;
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

comment on function swarmplane.schedule_view(text) is
  'Public. Makes inventory.schedule_NAME: a typed view of each host''s newest answer to the schedule.';
reset role;
