-- Whose turn it is to hand over, and what each host is wished to take. Hubs share hosts by row locks.
set local role swarmplane_owner;

-- What a host is wished to take now: [{table, every (seconds)}], sorted. Of a query that a hub has looked at, also
-- query: {query (its text), columns, key} and sensitive: the sensitive tables that it reads, which its owner may.
create or replace function swarmplane.wishes_of(host swarmplane.node)
  returns jsonb
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select coalesce(jsonb_agg(
           jsonb_build_object('table', w.table_name, 'every', w.every)
           || case when q.name is null then '{}' else jsonb_build_object(
                'query', q.told - 'sensitive', 'sensitive', q.told -> 'sensitive') end
           order by w.table_name), '[]')
    from (select w.table_name, ceil(extract(epoch from min(w.every)))::integer as every
            from swarmplane.track_wish w
            join swarmplane.tracked_table t on t.name = w.table_name
           where swarmplane.is_selected(host, w.hosts, w.labels, w.access_label, w.site)
             and (w.fleet or coalesce(host.id = any (swarmplane.nodes_visible_to(w.owner)), true))
           group by w.table_name) w
    left join swarmplane.tracked_query q on q.name = w.table_name
   where q.name is null
      or q.told is not null and (q.told -> 'sensitive' = '[]' or swarmplane.reads_sensitive(q.owner));
$$;

-- The version of a list for a host that has `held`: always a greater one when the list changes, the same for
-- all hosts with the same list where that can be. Greater than those of another database, too.
create or replace function swarmplane.version_of(wanted jsonb, held bigint)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  found_version bigint;
begin
  perform from swarmplane.wish_list l where l.version = held and l.tables = wanted;
  if found then
    return held;
  end if;
  perform swarmplane.hold_latch('wish_list');
  select max(l.version) into found_version
    from swarmplane.wish_list l where l.tables = wanted and l.version > coalesce(held, 0);
  if found_version is null then
    insert into swarmplane.wish_list (version, tables)
    select greatest(floor(extract(epoch from clock_timestamp()) * 1000)::bigint,
                    coalesce(max(l.version), 0) + 1, coalesce(held, 0) + 1), wanted
      from swarmplane.wish_list l
    returning version into found_version;
  end if;
  return found_version;
end
$$;

-- Hosts whose turn it is: alive, due, and with something to take or to be told. Their next turn is set at
-- once, so a hub that dies costs one turn. `told`: the host has confirmed that version of the list;
-- acks: [{table, line, sequence, hash}] of what has been committed here.
create or replace function swarmplane.claim_handovers(most integer)
  returns table (identity text, version bigint, wish jsonb, told boolean, acks jsonb)
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
#variable_conflict use_column
declare
  host swarmplane.node;
  turn swarmplane.handover;
  wanted bigint;
begin
  perform set_config('synchronous_commit', 'off', true);
  with fresh as materialized (
    select n.id from swarmplane.node n
     where n.state = 'alive' and not exists (select from swarmplane.handover h where h.node_id = n.id)
     order by n.id
       for key share of n skip locked
  )
  insert into swarmplane.handover (node_id) select f.id from fresh f on conflict do nothing;
  perform swarmplane.take_turn_wishes();
  for turn in
    select h.* from swarmplane.handover h
      join swarmplane.node n on n.id = h.node_id and n.state = 'alive'
     where h.due_at <= now()
     order by h.due_at, h.node_id
     limit most
       for update of h skip locked
  loop
    select * into strict host from swarmplane.node n where n.id = turn.node_id;
    wish := swarmplane.wishes_of(host);
    wanted := swarmplane.version_of(wish, greatest(turn.version, turn.known_version));
    update swarmplane.handover h
       set version = wanted,
           asked_at = now(),
           due_at = now() + swarmplane.handover_period(wish, host.id)
     where h.node_id = host.id;
    -- a host that was told to take nothing has nothing to hand over
    continue when wish = '[]' and (turn.known_version = wanted or turn.version is null);
    identity := host.identity;
    version := wanted;
    told := turn.known_version is not distinct from wanted;
    select coalesce(jsonb_agg(jsonb_build_object(
             'table', h.table_name, 'line', encode(h.line, 'hex'), 'sequence', h.sequence,
             'hash', encode(h.hash, 'hex')) order by h.table_name), '[]')
      into acks
      from swarmplane.head h where h.node_id = host.id and h.line is not null;
    return next;
  end loop;
end
$$;

-- Every host's turn is now, once for all wishes that were changed since. A host whose turn somebody holds has it
-- at its usual time.
create or replace function swarmplane.take_turn_wishes()
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  with wished as materialized (
    select w.id from swarmplane.turn_wish w order by w.id for update skip locked
  )
  delete from swarmplane.turn_wish w using wished where w.id = wished.id;
  if not found then
    return;
  end if;
  with away as materialized (
    select h.node_id from swarmplane.handover h
     where h.due_at > now()
     order by h.node_id
       for update skip locked
  )
  update swarmplane.handover h set due_at = now() from away where h.node_id = away.node_id;
end
$$;

-- Half of the shortest interval, from 5 seconds to a minute, longer where there are more than 600 hosts, so
-- that no more than ten are asked in a second. Spread by a tenth: hosts do not march in step.
create or replace function swarmplane.handover_period(wish jsonb, node_id integer)
  returns interval
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select greatest(least(greatest(coalesce(min((w ->> 'every')::integer), 120) / 2.0, 5), 60),
                  (select count(*) from swarmplane.handover) / 10.0)
         * (0.95 + (hashint8extended(node_id, extract(epoch from now())::bigint) & 1023) / 10230.0)
         * interval '1 second'
    from jsonb_array_elements(wish) w;
$$;

-- What hosts said to a turn: [{identity, version (of the list it keeps), refused: [{table, code, message, tracked}],
-- told, soon, error, refusal, boot, up_ms, clock_off_ms}, ...]. `told`: it took up the list just now; what it refused then stays until it is told again.
-- `tracked`: it takes the table and does not hand it over. `soon`: milliseconds until its next turn. One that keeps
-- another version is told anew.
create or replace function swarmplane.note_handovers(answers jsonb)
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select set_config('synchronous_commit', 'off', true);
  with said as materialized (
    select h.node_id, a.*
      from jsonb_to_recordset(answers)
             as a (identity text, version bigint, refused jsonb, told boolean, soon integer, error text)
      join swarmplane.node n on n.identity = a.identity
      join swarmplane.handover h on h.node_id = n.id
     order by h.node_id
       -- of a host whose turn somebody holds nothing is noted: it is asked again at its usual time
       for update of h skip locked
  )
  update swarmplane.handover h
     set known_version = coalesce(s.version, h.known_version),
         refused = coalesce(s.refused || case when s.told then '[]' else (
           select coalesce(jsonb_agg(r), '[]') from jsonb_array_elements(h.refused) r where not r ? 'tracked') end, h.refused),
         answered_at = case when s.error is null then now() else h.answered_at end,
         last_error = s.error,
         due_at = coalesce(now() + s.soon * interval '1 millisecond', h.due_at)
    from said s
   where h.node_id = s.node_id;
  select swarmplane.raise_alert('history_refused', n.name || ' ' || (r ->> 'table'),
           format('%s does not track %s: %s', n.name, r ->> 'table', r ->> 'message'))
    from jsonb_to_recordset(answers) as a (identity text, refused jsonb, told boolean)
    join swarmplane.node n on n.identity = a.identity,
         jsonb_array_elements(a.refused) r
   where a.told and r ->> 'code' in ('authority', 'name_taken')
   order by n.name, r ->> 'table';
  select swarmplane.note_vitals(answers);
$$;

-- Milliseconds until the next turn of a host that is there; null where there is none.
create or replace function swarmplane.next_handover()
  returns double precision
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select case when exists (select from swarmplane.turn_wish) then 0
              else extract(epoch from min(h.due_at) - clock_timestamp())::double precision * 1000 end
    from swarmplane.handover h
    join swarmplane.node n on n.id = h.node_id and n.state = 'alive';
$$;

comment on table swarmplane.handover is
  'Public. When each host hands its takings over next, which wishes it knows, and which it refuses.';
comment on table swarmplane.wish_list is
  'Private. Wish lists by version, as hosts keep them.';
reset role;
