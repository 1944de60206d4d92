-- Who sees which host: by the access labels that are in force now.
set local role swarmplane_owner;

do $$
declare
  guarded text;
begin
  foreach guarded in array array['node_address', 'node_key', 'node_wish', 'node_label', 'delivery', 'delivery_done',
                                 'result', 'head', 'taking', 'gap_run', 'handover', 'desired_host', 'desired_try',
                                 'desired_event'] loop
    perform swarmplane.guard_by_label('swarmplane', guarded);
  end loop;
  perform swarmplane.guard_by_label('swarmplane', 'node', 'id');
end
$$;

-- Rows of sensitive tables are for a role of their own, whoever asked.
drop policy if exists sensitive_apart on swarmplane.result;
create policy sensitive_apart on swarmplane.result as restrictive using (
  not sensitive or (select swarmplane.reads_sensitive()));

-- A request is visible to its asker, or through a delivery that is.
alter table swarmplane.request enable row level security;
drop policy if exists asker_or_delivery on swarmplane.request;
create policy asker_or_delivery on swarmplane.request for select using (
  (select swarmplane.sees_all())
  or asked_by = session_user
  or exists (select from swarmplane.delivery d where d.request_id = request.id)
  or exists (select from swarmplane.delivery_done e where e.request_id = request.id));
drop policy if exists everybody_inserts on swarmplane.request;
create policy everybody_inserts on swarmplane.request for insert with check (true);

create or replace trigger _700_audit
  after insert or update or delete on swarmplane.node_label
  for each row execute function swarmplane.tg_audit('node_label');
-- Whoever sees every host says who else sees which, and cannot shut himself out by it.
create or replace function swarmplane.tg_label_grant__check()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if tg_when = 'BEFORE' then
    perform swarmplane.require_fleet('access labels are granted');
  elsif not swarmplane.sees_all() then
    raise exception 'then % would not see every host any more', swarmplane.acting_role()
      using errcode = 'insufficient_privilege',
            hint = format('first: insert into swarmplane.label_grant (role, label) values (%L, ''*'')', swarmplane.acting_role());
  end if;
  return null;
end
$$;

create or replace trigger _100_check
  before insert or update or delete on swarmplane.label_grant
  for each statement execute function swarmplane.tg_label_grant__check();
create or replace trigger _110_check_own
  after insert or update or delete on swarmplane.label_grant
  for each statement execute function swarmplane.tg_label_grant__check();
create or replace trigger _700_audit
  after insert or update or delete on swarmplane.label_grant
  for each row execute function swarmplane.tg_audit('label_grant');

comment on table swarmplane.node_label is
  'Public. Labels for access, set by operators; not those that hosts declare of themselves.';
comment on table swarmplane.label_grant is
  'Public. Which role sees hosts of which label; the label * stands for every host.';
reset role;
