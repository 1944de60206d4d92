-- Ask and wait, for people at a prompt: call swarmplane.ask('select ...'); table swarmplane.answer;
set local role swarmplane_owner;

-- Invoker's rights and no SET clause: it commits in the middle, which neither would allow. Call it at
-- the top level, outside of a transaction. Hosts that are away end as unreachable at once.
create or replace procedure swarmplane.ask(
  sql text,
  hosts text[] default '{*}',
  timeout interval default '30 seconds'
)
  language plpgsql
as $$
declare
  asked bigint;
  open_until timestamptz;
  step double precision := 0.002;
  now_state text;
  ended integer;
  trouble record;
  told integer := 0;
  more bigint := 0;
begin
  -- a transaction that began before this statement is the caller's
  if pg_catalog.now() < pg_catalog.statement_timestamp() then
    raise exception 'ask commits, and it was called inside of a transaction'
      using errcode = 'invalid_transaction_termination',
            hint = 'call it after commit or rollback; inside, insert into swarmplane.request and read result after the commit';
  end if;
  -- for itself, so that the answer of an earlier ask is not taken for that of one that fails
  perform pg_catalog.set_config('swarmplane.last_request', '', false);
  commit;
  insert into swarmplane.request (sql, hosts, expires_in, wait_for_away)
  values (ask.sql, ask.hosts, ask.timeout, false)
  returning id into asked;
  perform pg_catalog.set_config('swarmplane.last_request', asked::text, false);
  commit;

  -- a little over the time, for the hub to end what did not answer
  open_until := pg_catalog.clock_timestamp() + ask.timeout + interval '3 seconds';
  loop
    select r.state, r.targets - r.pending - r.running into now_state, ended
      from swarmplane.request r where r.id = asked;
    commit; -- no snapshot is held while waiting
    exit when now_state = 'done' or pg_catalog.clock_timestamp() > open_until;
    perform pg_catalog.pg_sleep(step);
    step := least(step * 1.2, 0.25);
  end loop;

  raise notice '%', swarmplane.account(asked);
  for trouble in
    select s.error, s.state,
           case pg_catalog.count(*) when 1 then pg_catalog.min(s.host)
                else pg_catalog.count(*) || ' hosts' end as who,
           pg_catalog.count(*) over () as reasons
      from swarmplane.request_status s
     where s.request_id = asked and s.state in ('failed', 'refused') and s.error is not null
     group by s.state, s.error
     order by pg_catalog.count(*) desc, s.error
     limit 3
  loop
    raise notice '%: %: %', trouble.who, trouble.state, trouble.error;
    told := told + 1;
    more := trouble.reasons - told;
  end loop;
  if more > 0 then
    raise notice '% more %: table swarmplane.request_status where request_id = %', more,
      case more when 1 then 'reason' else 'reasons' end, asked;
  end if;
  if now_state <> 'done' then
    raise warning 'request % is still open%', asked,
      case when ended = 0 then ': is a hub running? see table swarmplane.hub' else '' end;
  end if;
end
$$;

comment on procedure swarmplane.ask(text, text[], interval) is
  'Public. Asks, waits for the account and says it; the rows are then in the view swarmplane.answer.';
reset role;
