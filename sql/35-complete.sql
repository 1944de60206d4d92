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
-- outcomes: [{id, state, code, message, ms, truncated, columns, warnings, proof (hex), rows, altered}, ...]
--   state ok, failed, refused, unreachable, cancelled: an end
--   state again: try again if tries and time allow; away: wait until the host is back;
--   later: the swarm has not settled yet, running: the host works on it; try again soon, no attempt burnt
--   rows: [object, ...]; altered: ordinals (from 1) of rows in which characters had to be replaced
-- Returns what became of each; a delivery that is missing was claimed by somebody else meanwhile.
create or replace function swarmplane.complete(lease_token uuid, outcomes jsonb)
  returns table (delivery uuid, became text)
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
#variable_conflict use_column
declare
  attempts_max integer := swarmplane.setting_integer('attempts_max');
  ended text[] := array['ok', 'failed', 'refused', 'expired', 'unreachable', 'cancelled'];
  taken uuid[];
  verdicts text[];
  answered text[];
  troubles jsonb;
begin
  with o as materialized (
    select * from jsonb_to_recordset(outcomes) as o (
      id uuid, state text, code text, message text, ms integer, truncated boolean,
      columns text[], warnings text[], proof text, rows jsonb, altered integer[])
  ), locked as materialized (
    -- what is large (rows, proof) stays in o and is joined where it is stored
    select d.id, d.request_id, d.node_id, d.state as was, d.attempt, d.claimed_at,
           d.reached or o.state not in ('unreachable', 'away', 'later') as reached, r.action,
           n.name as host, n.state as node_state, r.asked_at, r.cancel, r.wait_for_away,
           r.expires_at <= clock_timestamp() as late,
           o.state as said, o.code, o.message
      from o
      join swarmplane.delivery d on d.id = o.id and d.token = lease_token
      join swarmplane.request r on r.id = d.request_id
      join swarmplane.node n on n.id = d.node_id
     order by d.id
       for update of d
  ), judged as materialized (
    select l.*,
           case
             when l.said = any (ended) then l.said
             when l.cancel then 'cancelled'
             when l.late then case when l.reached then 'expired' else 'unreachable' end
             when l.said = 'away' and not l.wait_for_away then 'unreachable'
             when l.said = 'away' and l.node_state in ('dead', 'left') then 'parked'
             when l.said in ('away', 'later', 'running') then 'pending'
             when l.attempt >= attempts_max then 'failed'
             else 'pending'
           end as verdict,
           -- an action that failed says how in a row
           l.said = 'ok' or l.said = 'failed' and l.action is not null as with_rows
      from locked l
  ), again as (
    update swarmplane.delivery d
       set state = j.verdict,
           run_at = case j.verdict when 'parked' then 'infinity' else clock_timestamp() + swarmplane.backoff(j.attempt) end,
           -- a host that is away, or at work, costs no attempt
           attempt = j.attempt
             - case when j.said in ('away', 'later', 'running') and j.was = 'running' then 1 else 0 end,
           reached = j.reached,
           token = null,
           last_code = j.code,
           last_error = j.message
      from judged j
     where d.id = j.id and j.verdict in ('pending', 'parked')
  ), gone as (
    delete from swarmplane.delivery d using judged j where d.id = j.id and j.verdict = any (ended)
  ), done as (
    insert into swarmplane.delivery_done (
      node_id, request_id, asked_at, id, host, state, was, attempt, rows, truncated, ms, code,
      error, columns, warnings, proof, hub, claimed_at)
    select j.node_id, j.request_id, j.asked_at, j.id, j.host, j.verdict, j.was, j.attempt,
           case when j.with_rows then jsonb_array_length(coalesce(o.rows, '[]')) else 0 end,
           coalesce(o.truncated, false), o.ms, j.code, j.message, o.columns, o.warnings,
           decode(o.proof, 'hex'),
           (select l.hub from swarmplane.lease l where l.token = lease_token), j.claimed_at
      from judged j
      join o on o.id = j.id
     where j.verdict = any (ended)
  ), answer as (
    insert into swarmplane.result (node_id, request_id, asked_at, ordinal, host, row, altered)
    select j.node_id, j.request_id, j.asked_at, r.ordinal, j.host, r.row,
           r.ordinal = any (coalesce(o.altered, '{}'))
      from judged j
      join o on o.id = j.id
     cross join jsonb_array_elements(o.rows) with ordinality as r (row, ordinal)
     where j.with_rows
    on conflict do nothing
  )
  select array_agg(j.id), array_agg(j.verdict), array_agg(j.host) filter (where j.verdict = 'ok'),
         jsonb_agg(jsonb_build_object(
           'id', j.id, 'request', j.request_id, 'action', j.action, 'host', j.host, 'said', j.said,
           'verdict', j.verdict, 'code', j.code, 'message', j.message, 'attempt', j.attempt))
           filter (where j.verdict <> 'ok')
    into taken, verdicts, answered, troubles
    from judged j;

  if taken is null then
    return;
  end if;
  if troubles is not null then
    perform swarmplane.note_outcomes(troubles);
  end if;
  -- a host that answers resolves the alerts about itself
  if exists (select from swarmplane.alert a where a.resolved_at is null and a.kind like 'host\_%') then
    perform swarmplane.resolve_alerts(array['host_retried', 'host_gave_no_answer'], answered);
  end if;
  delete from swarmplane.lease l
   where l.token = lease_token
     and not exists (select from swarmplane.delivery d where d.token = lease_token);
  return query select unnest(taken), unnest(verdicts);
end
$$;

-- Every failure raises or counts an alert.
create or replace function swarmplane.note_outcomes(verdicts jsonb)
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
           jsonb_build_object('request', max(v.request), 'hosts', (array_agg(v.host order by v.host))[1:20]) as detail
      from (
        select case
                 when o.said = 'again' and o.verdict = 'pending' then 'host_retried'
                 when o.said = 'again' then 'host_gave_no_answer'
                 when o.action is null then 'query_' || o.verdict
                 else 'action_' || o.verdict
               end as kind,
               case when o.said = 'again' then o.host
                    else concat_ws(' ', o.action, coalesce(o.code, 'unknown')) end as key,
               case when o.said = 'again' and o.verdict = 'pending' then 'info' else 'warning' end as severity,
               case when o.said = 'again' and o.verdict <> 'pending'
                    then format('gave up on %s after %s attempts: ', o.host, o.attempt) else '' end
               || coalesce(o.message, o.code, 'no reason given') as message,
               o.request, o.host
          from jsonb_to_recordset(verdicts) as o (
            request bigint, action text, host text, said text, verdict text, code text, message text, attempt integer)
         where o.verdict in ('failed', 'refused') or (o.said = 'again' and o.verdict <> 'cancelled')
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
