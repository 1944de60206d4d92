-- Takings into tables: one writer per node and table by the head row, in the order of the host's own
-- sequence. Late and repeated takings change nothing; what is missing is a row that says so.
set local role swarmplane_owner;

-- What one host handed over, in one transaction.
-- batch: {shapes: [{hash, table, columns: [{name, type}], key: [name, ...]}, ...],
--         full_asked: [table, ...]  -- tables whose whole state was asked for
--         lines: {table: line}  -- of the heads as they were when the host was asked
--         takings: [{table, line, sequence, at (ms), shape, kind, base, hash, key_version, signature, reason_code,
--                    reason, dropped_from, dropped_to, added: [[value, ...], ...], removed: [row hash, ...]}, ...]}
-- Bytes are hex. Values are in the order of the shape's columns, blobs as '\x..'.
-- Returns for each table what became of its last taking, and what to acknowledge:
--   became: taken, repeated; again (the whole state is needed: `why`); refused (it was whole and still wrong)
create or replace function swarmplane.ingest(node_identity text, batch jsonb)
  returns table (table_name text, line text, sequence bigint, hash text, taken integer, became text, why text)
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  -- for all that it calls: everything is found by key, and to plan takes longer than to find
  set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  host swarmplane.node;
  unchanged jsonb := '{}';
  said record;
  outcome text;
  reached text := '';
begin
  select * into host from swarmplane.node n where n.identity = node_identity;
  if not found then
    raise exception 'no node is called "%"', left(node_identity, 80) using errcode = 'no_data_found';
  end if;
  if batch -> 'shapes' <> '[]' then
    perform swarmplane.note_shapes(host, batch -> 'shapes');
  end if;
  if batch @? '$.takings[*] ? (@.kind == "same")' then
    unchanged := swarmplane.take_unchanged(host, batch -> 'takings');
  end if;
  for said in
    select t.taking, t.taking ->> 'table' as name, coalesce(batch -> 'full_asked' ? (t.taking ->> 'table'), false) as whole,
           row_number() over w as number, row_number() over w = count(*) over (partition by t.taking ->> 'table') as last
      from jsonb_array_elements(batch -> 'takings') with ordinality as t (taking, place)
    window w as (partition by t.taking ->> 'table' order by t.place)
     order by 2, t.place
  loop
    if said.name is distinct from reached then
      reached := said.name;
      taken := 0;
      outcome := null;
    end if;
    -- after one that could not be taken the next ones of its table have nothing to stand on
    if said.number <= (unchanged ->> said.name)::bigint then
      outcome := 'taken';
      taken := taken + 1;
    elsif outcome is null or outcome in ('taken', 'repeated') then
      outcome := swarmplane.take(host, said.taking, said.whole, decode(batch -> 'lines' ->> said.name, 'hex'));
      taken := taken + (outcome = 'taken')::integer;
    end if;
    if said.last then
      table_name := said.name;
      became := split_part(outcome, ': ', 1);
      why := nullif(substr(outcome, length(became) + 3), '');
      select encode(h.line, 'hex'), h.sequence, encode(h.hash, 'hex') into line, sequence, hash
        from swarmplane.head h where h.node_id = host.id and h.table_name = said.name;
      return next;
    end if;
  end loop;
end
$$;

-- What most takings are: the next ones of their tables, and nothing changed. Those at the front of each table's
-- are taken all at once; how many, {table: number}. Whatever else there is to say of a taking, `take` says it.
create or replace function swarmplane.take_unchanged(host swarmplane.node, takings jsonb)
  returns jsonb
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  fit swarmplane.taking[];
  taken jsonb;
begin
  with said as materialized (
    select t.taking ->> 'table' as name, s.*, to_timestamp(s.at / 1000) as host_at,
           row_number() over (partition by t.taking ->> 'table' order by t.place) as number
      from jsonb_array_elements(takings) with ordinality as t (taking, place)
     cross join jsonb_to_record(t.taking) as s (
           kind text, line text, sequence bigint, at double precision, shape text, base text, hash text,
           key_version integer, signature text)
  ), heads as materialized (
    select h.*
      from swarmplane.head h
     where h.node_id = host.id
       -- those of the other takings as well: `take` locks them in this order, too
       and h.table_name = any (array(select s.name from said s where s.number = 1))
     order by h.table_name
       for update
  ), placed as (
    select s.*, h.rows, k.id as shape_id,
           bool_and(s.kind = 'same' and k.id is not null and s.sequence = h.sequence + s.number
                    and decode(s.line, 'hex') = h.line and decode(s.base, 'hex') = h.hash and s.hash = s.base
                    and s.host_at <= now() + interval '5 minutes') over w as fits,
           -- as in `take`: a microsecond after the one before it at least
           greatest(h.seen_at, max(greatest(least(s.host_at, now()), now() - swarmplane.setting_interval('history_kept'))
                                   - s.number * interval '1 microsecond') over w)
             + s.number * interval '1 microsecond' as kept_at
      from said s
      join heads h on h.table_name = s.name
      left join swarmplane.table_shape k on k.table_name = s.name and k.hash = decode(s.shape, 'hex')
    window w as (partition by s.name order by s.number)
  )
  select array_agg(row(
           p.kept_at, p.host_at, clock_timestamp(), p.sequence, host.id, p.key_version, p.shape_id, p.rows, p.name, p.kind,
           decode(p.line, 'hex'), decode(p.base, 'hex'), decode(p.hash, 'hex'), decode(p.signature, 'hex'),
           null, null, null, null)::swarmplane.taking order by p.name, p.number)
    into fit
    from placed p
   where p.fits;
  if fit is null then
    return '{}';
  end if;
  perform swarmplane.make_month_partition('swarmplane', 'taking', m.month)
    from (select distinct date_trunc('month', f.at, 'UTC') as month from unnest(fit) f) m;
  with noted as (
    insert into swarmplane.taking select f.* from unnest(fit) f
  ), last as (
    select f.table_name, max(f.sequence) as sequence, max(f.at) as at, count(*) as takings,
           (array_agg(f.shape order by f.sequence desc))[1] as shape
      from unnest(fit) f group by 1
  ), known as (
    update swarmplane.gap_run g
       set until = first.at
      from (select f.table_name, min(f.at) as at from unnest(fit) f group by 1) first
     where g.node_id = host.id and g.table_name = first.table_name and g.until is null
  ), moved as (
    update swarmplane.head h
       set sequence = last.sequence, shape = last.shape, seen_at = last.at, gap_reason = null
      from last
     where h.node_id = host.id and h.table_name = last.table_name
  )
  select jsonb_object_agg(last.table_name, last.takings) into taken from last;
  return taken;
end
$$;

-- One taking. 'taken', 'repeated', 'again: why' or 'refused: why'.
create or replace function swarmplane.take(host swarmplane.node, taking jsonb, whole boolean, asked_line bytea)
  returns text
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  head swarmplane.head;
  t swarmplane.taking;
  state record;
  trouble text;
begin
  t := swarmplane.read_taking(host, taking);
  select s.id into t.shape from swarmplane.table_shape s
   where s.table_name = t.table_name and s.hash = decode(taking ->> 'shape', 'hex');
  if t.shape is null and t.kind <> 'gap' then
    return 'refused: its columns cannot be kept';
  end if;
  head := swarmplane.locked_head(host, t.table_name);
  trouble := swarmplane.out_of_order(host, head, t, whole, asked_line);
  if trouble is not null then
    return trouble;
  end if;
  -- the host's clock orders nothing, but times of one table never run backwards and never ahead of ours
  t.at := greatest(least(t.host_at, now()), now() - swarmplane.setting_interval('history_kept'),
                   head.seen_at + interval '1 microsecond');
  perform swarmplane.make_month_partition('swarmplane', 'taking', t.at);
  if t.kind in ('full', 'delta') then
    begin
      state := swarmplane.write_rows(t, taking);
      if state.hash is distinct from t.hash then
        raise exception 'its rows do not amount to the hash that the host signed' using errcode = 'data_corrupted';
      end if;
    exception
      when data_exception or data_corrupted or integrity_constraint_violation or program_limit_exceeded then
        perform swarmplane.raise_alert('history_refused', host.name || ' ' || t.table_name,
          format('a taking of %s at %s was refused: %s', t.table_name, host.name, sqlerrm));
        return case t.kind when 'full' then 'refused: ' else 'again: ' end || sqlerrm;
    end;
    t.rows := state.rows;
  elsif t.kind = 'same' then
    t.rows := head.rows;
  end if;
  perform swarmplane.note_taking(host, head, t);
  return 'taken';
end
$$;

-- Whoever holds it is the one writer of the table at that host.
create or replace function swarmplane.locked_head(host swarmplane.node, host_table text)
  returns swarmplane.head
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  head swarmplane.head;
begin
  loop
    select * into head from swarmplane.head h
     where h.node_id = host.id and h.table_name = host_table
       for update;
    exit when found;
    insert into swarmplane.head (node_id, table_name) values (host.id, host_table) on conflict do nothing;
  end loop;
  return head;
end
$$;

create or replace function swarmplane.read_taking(host swarmplane.node, taking jsonb)
  returns swarmplane.taking
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  t swarmplane.taking;
begin
  t.node_id := host.id;
  t.table_name := taking ->> 'table';
  t.line := decode(taking ->> 'line', 'hex');
  t.sequence := (taking ->> 'sequence')::bigint;
  t.host_at := to_timestamp((taking ->> 'at')::double precision / 1000);
  t.received_at := clock_timestamp();
  t.kind := taking ->> 'kind';
  t.base := decode(taking ->> 'base', 'hex');
  t.hash := decode(taking ->> 'hash', 'hex');
  t.key_version := (taking ->> 'key_version')::integer;
  t.signature := decode(taking ->> 'signature', 'hex');
  if t.kind = 'gap' then
    t.reason_code := coalesce(taking ->> 'reason_code', '');
    t.reason := coalesce(taking ->> 'reason', '');
  end if;
  t.dropped_from := (taking ->> 'dropped_from')::bigint;
  t.dropped_to := (taking ->> 'dropped_to')::bigint;
  return t;
end
$$;

-- Null where the taking is the next one; otherwise what becomes of it.
create or replace function swarmplane.out_of_order(
  host swarmplane.node,
  head swarmplane.head,
  t swarmplane.taking,
  whole boolean,
  asked_line bytea
)
  returns text
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  earlier swarmplane.taking;
  new_line boolean := head.line is distinct from t.line;
begin
  if new_line or t.sequence <= head.sequence then
    select * into earlier from swarmplane.taking c
     where c.node_id = t.node_id and c.table_name = t.table_name and c.line = t.line
       and (new_line or c.sequence = t.sequence)
     limit 1;
    -- A full may stand for a delta of the same number, and a gap for whatever was not handed over: neither is
    -- another taking. Of two states, or of a state and a gap of its own, one is.
    if not new_line and found and num_nonnulls(earlier.dropped_from, t.dropped_from) = 0
       and (earlier.hash, earlier.host_at) is distinct from (t.hash, t.host_at) then
      perform swarmplane.raise_alert('history_went_back', host.name || ' ' || t.table_name, format(
        '%s took %s number %s twice: it was restored from a backup, or there are two of it', host.name, t.table_name, t.sequence));
      return 'again: its numbers went back';
    end if;
    -- a line that begins in an answer to a question asked before the head was what it is now came late
    if found or not new_line or asked_line is distinct from head.line then
      return 'repeated';
    end if;
  end if;
  if t.kind in ('delta', 'same') then
    if new_line then
      return 'again: nothing is known of what it builds on';
    end if;
    if t.base is distinct from head.hash or (t.kind = 'same' and t.hash is distinct from t.base) then
      return 'again: it builds on another state';
    end if;
  end if;
  -- a line may begin with what is whole, but not with a gap in its middle
  if new_line and t.kind = 'gap' and coalesce(t.dropped_from, t.sequence) > 1 then
    return format('again: takings 1 to %s were not handed over', coalesce(t.dropped_from, t.sequence) - 1);
  end if;
  if not new_line and not whole and coalesce(t.dropped_from, t.sequence) > head.sequence + 1 then
    return format('again: takings from %s on were not handed over', head.sequence + 1);
  end if;
  return null;
end
$$;

-- The row in taking, one for what never came before it, and the head.
create or replace function swarmplane.note_taking(host swarmplane.node, head swarmplane.head, t swarmplane.taking)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  lost swarmplane.taking;
begin
  if head.line = t.line and coalesce(t.dropped_from, t.sequence) > head.sequence + 1 then
    lost := t;
    lost.at := greatest(head.seen_at, t.at - interval '1 microsecond');
    lost.sequence := t.sequence - 1;
    lost.kind := 'gap';
    lost.reason_code := 'lost';
    lost.reason := 'never handed over';
    lost.dropped_from := head.sequence + 1;
    lost.dropped_to := coalesce(t.dropped_from, t.sequence) - 1;
    lost.base := null;
    lost.hash := null;
    lost.shape := null;
    lost.rows := null;
    lost.signature := null;
    lost.key_version := null;
    perform swarmplane.make_month_partition('swarmplane', 'taking', lost.at);
    insert into swarmplane.taking select lost.*;
    perform swarmplane.note_gap(head, lost);
    head.gap_reason := lost.reason;
  end if;
  if t.kind = 'gap' then
    perform swarmplane.note_gap(head, t);
    perform swarmplane.shorten_gap(t);
  elsif head.gap_reason is not null then
    update swarmplane.gap_run g set until = t.at
     where g.node_id = t.node_id and g.table_name = t.table_name and g.until is null;
  end if;
  -- another question: what is otherwise from here on is no change of the host
  if t.kind = 'full' and head.shape <> t.shape
     and exists (select from swarmplane.table_shape s where s.id = t.shape and s.query is not null) then
    t.reason_code := 'redefined';
  end if;
  insert into swarmplane.taking select t.*;
  update swarmplane.head h
     set line = t.line,
         sequence = greatest(t.sequence, t.dropped_to),
         hash = case t.kind when 'gap' then h.hash else t.hash end,
         rows = coalesce(t.rows, h.rows),
         shape = coalesce(t.shape, h.shape),
         first_at = coalesce(h.first_at, case when t.kind <> 'gap' then t.at end),
         seen_at = t.at,
         changed_at = case when t.kind in ('full', 'delta') then t.at else h.changed_at end,
         gap_reason = t.reason
   where h.node_id = t.node_id and h.table_name = t.table_name;

  if head.line is not null and head.line <> t.line then
    perform swarmplane.raise_alert('history_new_line', host.name || ' ' || t.table_name,
      format('%s counts its takings of %s anew: restored from a backup, or its state folder was emptied', host.name, t.table_name));
  end if;
  if t.dropped_from is not null or lost.sequence is not null then
    perform swarmplane.raise_alert('history_gap', host.name || ' ' || t.table_name,
      format('%s takings of %s at %s are lost', coalesce(t.dropped_to - t.dropped_from + 1, 0)
        + coalesce(lost.dropped_to - lost.dropped_from + 1, 0), t.table_name, host.name));
  end if;
  if t.host_at > now() + interval '5 minutes' then
    perform swarmplane.raise_alert('clock_ahead', host.name,
      format('the clock of %s is %s ahead', host.name, date_trunc('second', t.host_at - now())));
  end if;
end
$$;

-- The gap as it is read, unless the taking before said the same. `head`: before the taking.
create or replace function swarmplane.note_gap(head swarmplane.head, t swarmplane.taking)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  open swarmplane.gap_run;
begin
  if head.gap_reason is not null then
    select g.* into open
      from swarmplane.gap_run g
     where g.node_id = t.node_id and g.table_name = t.table_name and g.until is null
     order by g.at desc
     limit 1;
    if head.line = t.line and t.dropped_from is null and open.takings_lost is null
       and (open.reason_code, open.reason) = (t.reason_code, t.reason) then
      return;
    end if;
  end if;
  insert into swarmplane.gap_run (node_id, table_name, at, since, until, reason_code, reason, takings_lost)
  values (t.node_id, t.table_name, t.at,
          case when head.first_at is null then null when head.gap_reason is null then head.seen_at else open.since end,
          null, t.reason_code, t.reason, t.dropped_to - t.dropped_from + 1);
end
$$;

-- Of takings that say one after the other that there is no state, for the same reason, the first and the last are
-- kept: since when, until when. The last one makes room for `t`, where that says the same again.
create or replace function swarmplane.shorten_gap(t swarmplane.taking)
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  with former as materialized (
    select c.*
      from swarmplane.taking c
     where c.node_id = t.node_id and c.table_name = t.table_name
     order by c.at desc
     limit 2
  )
  delete from swarmplane.taking c
   using (select max(f.at) as at from former f
          having count(*) = 2 and bool_and(swarmplane.says_same_gap(f::swarmplane.taking, t))) last
   where c.node_id = t.node_id and c.table_name = t.table_name and c.at = last.at;
$$;

create or replace function swarmplane.says_same_gap(one swarmplane.taking, other swarmplane.taking)
  returns boolean
  language sql
  immutable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select one.kind = 'gap' and other.kind = 'gap' and one.line = other.line
     and one.reason_code = other.reason_code and one.reason = other.reason
     and num_nonnulls(one.dropped_from, other.dropped_from) = 0;
$$;

-- Writes what came and went at t.at; the hash and the number of the rows that hold now.
create or replace function swarmplane.write_rows(t swarmplane.taking, taking jsonb, out hash bytea, out rows integer)
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform swarmplane.make_month_partition('inventory', t.table_name || '_history', t.at);
  execute format('select w.hash, w.rows from inventory.%I($1, $2, $3, $4, $5) w', swarmplane.writer_name(t.table_name, t.shape))
    into hash, rows
    using t.at, t.node_id, t.kind = 'full', coalesce(taking -> 'added', '[]'),
          array(select decode(r.row, 'hex') from jsonb_array_elements_text(taking -> 'removed') r (row));
end
$$;
reset role;
