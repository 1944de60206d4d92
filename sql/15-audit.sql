-- Audit: who (session_user), when, what, before and after. Rows are added, never changed.
set local role swarmplane_owner;

-- A part of a canonical encoding: behind its length (docs/protocol.md section 2). Names in a body of this
-- kind are resolved when it is made, so that no search_path need be pinned, which would cost each call.
create or replace function swarmplane.field(part bytea)
  returns bytea
  language sql
  immutable
  parallel safe
  return int4send(octet_length(part)) || part;

-- Microseconds since 1970, whatever the session's time zone; what lies beyond 2255 is 2^53 - 1.
create or replace function swarmplane.micros(at timestamptz)
  returns bigint
  language sql
  immutable
  strict
  parallel safe
  return least(greatest(extract(epoch from at) * 1000000, -9007199254740991), 9007199254740991)::bigint;

-- The hash of an audit row (docs/protocol.md section 10): of what it says, not of where it is kept.
create or replace function swarmplane.audit_hash(entry swarmplane.audit)
  returns bytea
  language sql
  stable
  return sha256(
    swarmplane.field(convert_to('swarmplane/1 audit row', 'UTF8'))
    || swarmplane.field(int8send(entry.id))
    || swarmplane.field(int8send(swarmplane.micros(entry.at)))
    || swarmplane.field(convert_to(entry.actor::text, 'UTF8'))
    || swarmplane.field(convert_to(entry.action, 'UTF8'))
    || swarmplane.field(convert_to(entry.object, 'UTF8'))
    || swarmplane.field(convert_to(coalesce(entry.before::text, ''), 'UTF8'))
    || swarmplane.field(convert_to(coalesce(entry.after::text, ''), 'UTF8')));

create or replace function swarmplane.tg_audit__before_insert()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  new.actor := session_user;
  new.xid := pg_current_xact_id();
  new.hash := swarmplane.audit_hash(new);
  return new;
end
$$;

create or replace trigger _100_hash
  before insert on swarmplane.audit
  for each row execute function swarmplane.tg_audit__before_insert();

-- Trigger argument 1: what is audited, as in "request". The row's key is its column id, name or kind.
create or replace function swarmplane.tg_audit()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  -- what before and after say must not hang on the session that wrote it
  set timezone = 'UTC'
  set intervalstyle = 'postgres'
as $$
declare
  was jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  is_now jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
  row_now jsonb := coalesce(is_now, was);
  counted text[] := array['targets', 'pending', 'running', 'ok', 'failed', 'refused', 'expired',
                          'unreachable', 'cancelled', 'state', 'closed_at', 'expires_at'];
begin
  if tg_argv[0] = 'request' then
    was := was - counted;
    is_now := is_now - counted;
  end if;
  insert into swarmplane.audit (actor, action, object, before, after)
  values (
    session_user,
    tg_argv[0] || '.' || lower(tg_op),
    tg_argv[0] || ' ' || concat_ws(
      ' ', coalesce(row_now ->> 'id', row_now ->> 'node_id', row_now ->> 'role'),
      coalesce(row_now ->> 'name', row_now ->> 'label')),
    was,
    is_now
  );
  return null;
end
$$;

create or replace function swarmplane.tg_audit__refuse_change()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  raise exception 'audit rows are never changed or deleted'
    using errcode = 'insufficient_privilege',
          hint = 'old ones go by the setting audit_kept, once they are sealed';
end
$$;

create or replace trigger _100_refuse_change
  before update or delete on swarmplane.audit
  for each row execute function swarmplane.tg_audit__refuse_change();
alter table swarmplane.audit enable always trigger _100_refuse_change;

create or replace trigger _101_refuse_truncate
  before truncate on swarmplane.audit
  for each statement execute function swarmplane.tg_audit__refuse_change();
alter table swarmplane.audit enable always trigger _101_refuse_truncate;

create or replace trigger _700_audit
  after insert on swarmplane.request
  for each row execute function swarmplane.tg_audit('request');

create or replace trigger _700_audit
  after insert or update or delete on swarmplane.setting
  for each row execute function swarmplane.tg_audit('setting');

comment on table swarmplane.audit is
  'Public. Requests, cancels and settings: who (session_user), when, what, before and after. Never result rows.';
reset role;
