-- Queries that are tracked as tables are. Hosts take them on their own; what a row of history was an answer to is
-- said by its shape, so that rows of two texts are never taken for each other.
set local role swarmplane_owner;

-- Tracks the rows of a query under a name from now on. `key`: columns that tell two rows of one host apart. The name
-- with another text or key is a new declaration: what the former one gave ends with the first taking of the new one.
create or replace function swarmplane.track_query(
  name text,
  sql text,
  every interval default '1 hour',
  key text[] default '{}',
  hosts text[] default null,
  labels jsonb default null,
  access_label text[] default null,
  site text[] default null
)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set lock_timeout = '1s'
as $$
#variable_conflict use_column
declare
  declared swarmplane.tracked_query;
begin
  perform swarmplane.limit_waits();
  perform swarmplane.check_tracked_query(track_query.name, track_query.sql, track_query.key);
  select * into declared from swarmplane.tracked_query q where q.name = track_query.name for update;
  if not found then
    insert into swarmplane.tracked_query (name, sql, key) values (track_query.name, track_query.sql, track_query.key);
  elsif (declared.sql, declared.key) is distinct from (track_query.sql, track_query.key)
        or declared.described ? 'trouble' then
    perform swarmplane.require_owner('tracked query', declared.name, declared.owner);
    update swarmplane.tracked_query q
       set sql = track_query.sql, key = track_query.key, owner = session_user, declared_at = now(),
           described = null, described_at = null
     where q.name = track_query.name;
  end if;
  perform swarmplane.wish_track(track_query.name, track_query.every, track_query.hosts, track_query.labels,
    track_query.access_label, track_query.site);
  perform swarmplane.check_room_for_queries();
end
$$;

-- What can be said of a declaration without looking into the query.
create or replace function swarmplane.check_tracked_query(name text, sql text, key text[])
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if name !~ '^[a-z][a-z0-9_]{0,39}$' or name is null or name like 'schedule\_%' then
    raise exception 'a query cannot be tracked as "%"', left(name, 80) using errcode = 'invalid_name',
      hint = 'a name has small letters, digits and underscores, begins with a letter and not with schedule_, and has at most 40 characters';
  end if;
  if exists (select from swarmplane.host_table t where t.name = check_tracked_query.name) then
    raise exception '"%" is a table of the hosts', name using errcode = 'duplicate_table',
      hint = format('track the table with swarmplane.track(%L), or the query under another name', name);
  end if;
  if name ~ '_(current|history)(_|$)|_(changes|changes_at|as_of|diff)$' then
    raise exception 'a query cannot be tracked as "%"', name using errcode = 'invalid_name',
      hint = 'what is made for other names in inventory is called so, by _current, _history, _changes, _as_of and _diff';
  end if;
  if not exists (select from swarmplane.tracked_query q where q.name = check_tracked_query.name) then
    perform swarmplane.check_inventory_names(check_tracked_query.name);
  end if;
  if sql is null or octet_length(sql) not between 1 and 8192 then
    raise exception 'the text of the query has % bytes', coalesce(octet_length(sql)::text, 'no')
      using errcode = 'invalid_parameter_value', hint = 'it has 1 to 8192';
  end if;
  if key is null or array_position(key, null) is not null
     or cardinality(key) > (select count(distinct k) from unnest(key) k) then
    raise exception 'key is %', coalesce(key::text, 'null') using errcode = 'invalid_parameter_value',
      hint = 'name each column once: key => ''{name}''; without a key rows come and go';
  end if;
end
$$;

-- A list of wishes goes to a host in one request. A text that a hub has still to look at, and what hosts were told
-- before it: whichever is longer may be in it.
create or replace function swarmplane.check_room_for_queries()
  returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  bytes bigint := (
    select sum(greatest(octet_length(q.sql) + octet_length(coalesce(q.described, '{}')::text), octet_length(q.told::text)))
      from swarmplane.tracked_query q
     where exists (select from swarmplane.track_wish w where w.table_name = q.name));
begin
  if bytes > 90000 then
    raise exception 'the tracked queries have % bytes together', bytes using errcode = 'program_limit_exceeded',
      hint = 'at most 90000: untrack one, or write them shorter';
  end if;
end
$$;

-- Texts that no hub has looked at, of queries that are tracked and of schedules; those that were refused longer
-- than so ago, too. Those whose row somebody holds come later.
create or replace function swarmplane.undescribed(retry interval)
  returns table ("of" text, name text, sql text)
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  with queries as materialized (
    select q.name, q.sql
      from swarmplane.tracked_query q
     where (q.described is null or q.described ? 'trouble' and q.described_at < now() - retry)
       and exists (select from swarmplane.track_wish w where w.table_name = q.name)
       for update of q skip locked
  ), schedules as materialized (
    select s.name, s.sql
      from swarmplane.schedule s
     where s.sql is not null and (s.described is null or s.described ? 'trouble' and s.described_at < now() - retry)
       for no key update of s skip locked
  )
  select t."of", t.name, t.sql
    from (select 'query' as "of", q.name, q.sql from queries q
           union all
          select 'schedule', s.name, s.sql from schedules s) t
   -- by chance: those that cannot be written down now keep no others waiting
   order by random()
   limit 16;
$$;

-- What a hub found: {columns: [{name, type}], tables, sensitive}, or {trouble}.
create or replace function swarmplane.describe("of" text, name text, sql text, described jsonb)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
#variable_conflict use_column
declare
  declared swarmplane.tracked_query;
begin
  if describe."of" = 'schedule' then
    update swarmplane.schedule s
       set described = describe.described, described_at = now()
     where s.name = describe.name and s.sql = describe.sql;
    return;
  end if;
  select * into declared from swarmplane.tracked_query q
   where q.name = describe.name and q.sql = describe.sql for update;
  if not found then
    return;
  end if;
  if described ? 'columns' then
    described := swarmplane.make_tracked_query(declared, described);
  end if;
  update swarmplane.tracked_query q
     set described = describe.described, described_at = now()
   where q.name = declared.name;
  if described ? 'trouble' then
    perform swarmplane.raise_alert('query_refused', declared.name,
      format('the query "%s" is not tracked%s: %s', declared.name,
             case when declared.told is null then '' else ', and its former text still is' end, described ->> 'trouble'));
    return;
  end if;
  perform swarmplane.resolve_alerts('{query_refused}', array[declared.name]);
  perform swarmplane.wish_soon();
end
$$;

-- Makes its tables and what hosts are told; what was found, or why it cannot be kept. What may pass is thrown.
create or replace function swarmplane.make_tracked_query(declared swarmplane.tracked_query, described jsonb)
  returns jsonb
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  names text[] := array(select c ->> 'name' from jsonb_array_elements(described -> 'columns') c);
  twice text := (select c.name from unnest(names) as c (name) group by lower(c.name), c.name having count(*) > 1 limit 1);
  lacks text := (select string_agg(k, ', ') from unnest(declared.key) k where k <> all (names));
begin
  if exists (select from swarmplane.host_table t where t.name = declared.name) then
    raise exception '"%" is a table of the hosts', declared.name;
  end if;
  if twice is not null then
    raise exception 'it gives two columns "%": name one of them otherwise, with as', twice;
  end if;
  if lacks is not null then
    raise exception 'its key names % and it gives %', lacks, array_to_string(names, ', ');
  end if;
  -- How many rows there are and a hash of them is for every reader, and tells a query's owner what he asks it to.
  if described -> 'sensitive' <> '[]' and not swarmplane.reads_sensitive(declared.owner) then
    raise exception 'it reads %, which % may not; then write it anew: swarmplane hub grant --role sensitive %',
      (select string_agg(t, ', ') from jsonb_array_elements_text(described -> 'sensitive') t), declared.owner, declared.owner;
  end if;
  -- before there is anything to read: what was sensitive once stays so, with its history
  if described -> 'sensitive' <> '[]' then
    update swarmplane.tracked_query q set sensitive = true where q.name = declared.name;
  end if;
  perform swarmplane.extend_tracked(declared.name, described -> 'columns', declared.key);
  perform swarmplane.hand_out_anew();
  update swarmplane.tracked_query q
     set described = make_tracked_query.described,
         told = jsonb_build_object('query', q.sql, 'columns', make_tracked_query.described -> 'columns', 'key', q.key,
                                   'sensitive', make_tracked_query.described -> 'sensitive')
   where q.name = declared.name;
  perform swarmplane.check_room_for_queries();
  return described;
exception
  when others then
    -- a lock, a deadlock, a full disk, a server that stops: none says anything of the query
    if left(sqlstate, 2) in ('08', '40', '53', '55', '57', '58', 'XX') then
      raise;
    end if;
    return jsonb_build_object('trouble', sqlerrm);
end
$$;

create or replace trigger _700_audit
  after insert or delete or update of name, sql, key on swarmplane.tracked_query
  for each row execute function swarmplane.tg_audit('tracked_query');

comment on function swarmplane.track_query(text, text, interval, text[], text[], jsonb, text[], text[]) is
  'Public. Keeps the history of a query''s rows: track_query(''big_files'', ''select path, size from file where ..'', key => ''{path}'').';
reset role;
