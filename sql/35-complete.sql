-- Ending work: an outcome and its rows are one transaction, and the lease token is the fence.
set local role swarmplane_owner;

-- Wait before try number attempt + 1: doubles each time, capped, and spread by a random factor.
create or replace function swarmplane.backoff(attempt integer)
  returns interval
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  return least(
           swarmplane.setting_interval('retry_max'),
           swarmplane.setting_interval('retry_min') * power(2, least(greatest(attempt, 1), 20) - 1)
         ) * (0.75 + random() / 2);
end
$$;

-- What a hub learnt of deliveries that it claimed under `lease_token`, all of one request.
-- outcomes: [{id, state, code, message, ms, truncated, columns, warnings, proof (hex), rows, altered, sensitive}, ...]
--   state ok, failed, refused, unreachable, cancelled: an end
--   state again: try again if tries and time allow; away: wait until the host is back;
--   later: the swarm has not settled yet, running: the host works on it; try again soon, no attempt burnt
--   rows: [object, ...]; altered: ordinals (from 1) of rows in which characters had to be replaced;
--   sensitive: they are of sensitive tables
-- Returns what became of each; a delivery that is missing was claimed by somebody else meanwhile.
-- Whoever changes several deliveries of one token holds its lease, so that no two wait for each other.
create or replace function swarmplane.complete(lease_token uuid, outcomes jsonb)
  returns table (delivery uuid, became text)
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  -- as in claim
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  lease record;
  asked record;
  troubled boolean;
  ends jsonb := outcomes;
  done_with bigint := 0;
  ids uuid[];
  taken uuid[];
  states text[];
  answered text[];
begin
  select l.hub, l.request_id into lease from swarmplane.lease l where l.token = lease_token for update;
  select r.id, r.asked_at, r.action is not null as is_action into asked
    from swarmplane.request r
   where r.id = coalesce(
           lease.request_id,
           (select d.request_id
              from swarmplane.delivery d
              join jsonb_to_recordset(outcomes) as o (id uuid) on d.id = o.id
             where d.token is not distinct from lease_token
             limit 1));
  if not found then
    return;
  end if;
  troubled := exists (select from jsonb_to_recordset(outcomes) as o (state text) where o.state <> 'ok');
  if troubled then
    outcomes := swarmplane.judged(lease_token, asked.id, outcomes);
    return query select w.id, w.state from swarmplane.put_back(lease_token, outcomes) as w (id, state);
    get diagnostics done_with = row_count;
    ends := jsonb_path_query_array(outcomes, '$[*] ? (@.state != "pending" && @.state != "parked")');
  end if;
  ids := array(select (o ->> 'id')::uuid from jsonb_array_elements(ends) as o);
  -- each finds its outcome by its place, not by a join, whose plan would be made for an empty queue
  with gone as (
    delete from swarmplane.delivery d
     where d.id = any (ids) and d.token is not distinct from lease_token
    returning d.id, d.node_id, d.state as was, d.attempt, d.claimed_at,
              (select n.name from swarmplane.node n where n.id = d.node_id) as host,
              ends -> array_position(ids, d.id) - 1 as outcome
  ), ended as (
    select g.id, g.node_id, g.was, g.attempt, g.claimed_at, g.host, o.*,
           -- an action that failed says how in a row
           case when o.state = 'ok' or o.state = 'failed' and asked.is_action
                then g.outcome -> 'rows' end as shown
      from gone g
     cross join jsonb_to_record(g.outcome) as o (
           state text, code text, message text, ms integer, truncated boolean,
           columns text[], warnings text[], proof text, altered integer[], sensitive boolean)
  ), done as (
    insert into swarmplane.delivery_done (
      node_id, request_id, asked_at, id, host, state, was, attempt, rows, truncated, ms, code,
      error, columns, warnings, proof, hub, claimed_at)
    select e.node_id, asked.id, asked.asked_at, e.id, e.host, e.state, e.was, e.attempt,
           coalesce(jsonb_array_length(e.shown), 0), coalesce(e.truncated, false), e.ms, e.code,
           e.message, e.columns, e.warnings, decode(e.proof, 'hex'), lease.hub, e.claimed_at
      from ended e
  ), answer as (
    insert into swarmplane.result (node_id, request_id, asked_at, ordinal, host, row, altered, sensitive)
    select e.node_id, asked.id, asked.asked_at, r.ordinal, e.host, r.row,
           r.ordinal = any (coalesce(e.altered, '{}')), coalesce(e.sensitive, false)
      from ended e
     cross join jsonb_array_elements(e.shown) with ordinality as r (row, ordinal)
    on conflict do nothing
  )
  select array_agg(e.id), array_agg(e.state), array_agg(e.host) filter (where e.state = 'ok')
    into taken, states, answered
    from ended e;

  if troubled then
    perform swarmplane.note_outcomes(asked.id, outcomes);
  end if;
  -- a host that answers resolves the alerts about itself
  if exists (select from swarmplane.alert a where a.resolved_at is null and a.kind like 'host\_%') then
    perform swarmplane.resolve_alerts(array['host_retried', 'host_gave_no_answer'], answered);
  end if;
  done_with := done_with + coalesce(cardinality(taken), 0);
  delete from swarmplane.lease l where l.token = lease_token and l.open <= done_with;
  if not found then
    update swarmplane.lease l set open = l.open - done_with where l.token = lease_token;
  end if;
  return query select unnest(taken), unnest(states);
end
$$;

-- The outcomes of deliveries that are still this lease's, with `state` what becomes of the delivery and
-- `said` what the hub called it. Nobody waits for a host that is out: `gone`.
create or replace function swarmplane.judged(lease_token uuid, of_request bigint, outcomes jsonb)
  returns jsonb
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  ended constant text[] := array['ok', 'failed', 'refused', 'expired', 'unreachable', 'cancelled'];
begin
  return (
    select jsonb_agg(
             j.outcome || jsonb_build_object(
               'said', j.said, 'host', j.name, 'attempt', j.attempt, 'reached', j.reached, 'gone', g.gone,
               'code', case when g.gone then j.node_state else j.outcome ->> 'code' end,
               'message', case when g.gone then concat_ws(
                   '; before that: ', 'the host ' || swarmplane.out_words(j.node_state),
                   case when j.reached then j.outcome ->> 'message' end)
                 else j.outcome ->> 'message' end,
               'state',
               case
                 when j.said = any (ended) then j.said
                 when r.cancel then 'cancelled'
                 when r.expires_at <= clock_timestamp() then
                   case when j.reached then 'expired' else 'unreachable' end
                 when g.gone then case when j.reached then 'expired' else 'unreachable' end
                 when j.said = 'away' and not r.wait_for_away then 'unreachable'
                 when j.said = 'away' and j.node_state = 'dead' then 'parked'
                 when j.said in ('away', 'later', 'running') then 'pending'
                 when j.attempt >= swarmplane.setting_integer('attempts_max') then 'failed'
                 else 'pending'
               end))
      from swarmplane.request r
     cross join (
        select o as outcome, o ->> 'state' as said, d.attempt, n.name, n.state as node_state, n.out_since,
               d.reached or o ->> 'state' not in ('unreachable', 'away', 'later') as reached
          from jsonb_array_elements(outcomes) as o
          join swarmplane.delivery d on d.id = (o ->> 'id')::uuid and d.token = lease_token
          join swarmplane.node n on n.id = d.node_id
     ) j
     cross join lateral (
        select j.out_since is not null and j.said <> all (ended)
               and not r.cancel and not coalesce(r.expires_at <= clock_timestamp(), false) as gone
     ) g
     where r.id = of_request);
end
$$;

-- Those that did not end wait for their next try, or for their host.
create or replace function swarmplane.put_back(lease_token uuid, judged jsonb)
  returns table (delivery uuid, became text)
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    update swarmplane.delivery d
       set state = o.state,
           run_at = case o.state when 'parked' then 'infinity'
                                 else clock_timestamp() + swarmplane.backoff(d.attempt) end,
           -- a host that is away, or at work, costs no attempt
           attempt = d.attempt
             - case when o.said in ('away', 'later', 'running') and d.state = 'running' then 1 else 0 end,
           reached = o.reached,
           token = null,
           last_code = o.code,
           last_error = o.message
      from jsonb_to_recordset(judged) as o (
        id uuid, state text, said text, reached boolean, code text, message text)
     where d.id = o.id and d.token = lease_token and o.state in ('pending', 'parked')
    returning d.id, o.state;
end
$$;

-- Every failure raises or counts an alert.
create or replace function swarmplane.note_outcomes(of_request bigint, judged jsonb)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  cause record;
begin
  for cause in
    select v.kind, v.key, v.severity, count(*)::integer as times, min(v.message) as message,
           jsonb_build_object('request', of_request, 'hosts', (array_agg(v.host order by v.host))[1:20]) as detail
      from (
        select o.host,
               case
                 when o.said = 'again' and o.state = 'pending' then 'host_retried'
                 when o.said = 'again' then 'host_gave_no_answer'
                 when r.action is null then 'query_' || o.state
                 else 'action_' || o.state
               end as kind,
               case when o.said = 'again' then o.host
                    else concat_ws(' ', r.action, coalesce(o.code, 'unknown')) end as key,
               case when o.said = 'again' and o.state = 'pending' then 'info' else 'warning' end as severity,
               case when o.said = 'again' and o.state <> 'pending'
                    then format('gave up on %s after %s attempts: ', o.host, o.attempt) else '' end
               || coalesce(o.message, o.code, 'no reason given') as message
          from swarmplane.request r
         cross join jsonb_to_recordset(judged) as o (
            state text, said text, host text, attempt integer, code text, message text, gone boolean)
         where r.id = of_request
           and not o.gone
           and (o.state in ('failed', 'refused') or (o.said = 'again' and o.state <> 'cancelled'))
           -- whoever waits for an answer, as ask does, is told himself: his typo is no news for others
           and (o.said = 'again' or r.action is not null or r.schedule_id is not null or r.wait_for_away)
      ) v
     group by 1, 2, 3
     order by 1, 2
  loop
    perform swarmplane.raise_alert(
      cause.kind, cause.key, cause.message, cause.severity, cause.detail, cause.times);
  end loop;
end
$$;
reset role;
