-- Settings: read by the functions of the queue, changed by operators, checked at the change.
-- plpgsql keeps the plan for the session; a function in sql would be planned at each call.
set local role swarmplane_owner;

create or replace function swarmplane.setting_interval(setting_name text)
  returns interval
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  return (select s.value::interval from swarmplane.setting s where s.name = setting_name);
end
$$;

create or replace function swarmplane.setting_integer(setting_name text)
  returns integer
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  return (select s.value::integer from swarmplane.setting s where s.name = setting_name);
end
$$;

-- From here to the end of the function that calls it, where that has `set lock_timeout`: a wait for a lock that
-- takes longer than the setting lock_wait fails.
create or replace function swarmplane.limit_waits()
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select set_config('lock_timeout',
    ceil(extract(epoch from swarmplane.setting_interval('lock_wait')) * 1000)::text, true);
$$;

create or replace function swarmplane.tg_setting__before_write()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  positive boolean;
begin
  perform swarmplane.require_fleet(format('setting "%s" is', new.name));
  if tg_op = 'UPDATE' and (new.name, new.kind) is distinct from (old.name, old.kind) then
    raise exception 'setting "%" keeps its name and kind', old.name
      using errcode = 'invalid_parameter_value', hint = 'update its value only';
  end if;
  begin
    if new.kind = 'interval' then
      positive := new.value::interval > interval '0';
    else
      positive := new.value::integer > 0;
    end if;
  exception
    when data_exception then positive := null;
  end;
  if positive is distinct from true then
    raise exception 'setting "%" cannot be "%"', new.name, new.value
      using errcode = 'invalid_parameter_value',
            hint = case new.kind
                     when 'interval' then 'write a positive interval such as ''30 seconds'''
                     else 'write a positive whole number'
                   end;
  end if;
  if new.name like '%\_kept' and new.value::interval < interval '1 day' then
    raise exception 'setting "%" cannot be "%"', new.name, new.value
      using errcode = 'invalid_parameter_value', hint = 'keep at least ''1 day''';
  end if;
  return new;
end
$$;

create or replace function swarmplane.tg_setting__before_delete()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  raise exception 'setting "%" is needed and cannot be deleted', old.name
    using errcode = 'object_not_in_prerequisite_state', hint = 'update its value';
end
$$;

create or replace trigger _100_check
  before insert or update on swarmplane.setting
  for each row execute function swarmplane.tg_setting__before_write();
alter table swarmplane.setting enable always trigger _100_check;

create or replace trigger _110_refuse_delete
  before delete on swarmplane.setting
  for each row execute function swarmplane.tg_setting__before_delete();
alter table swarmplane.setting enable always trigger _110_refuse_delete;

comment on table swarmplane.setting is
  'Public. Limits and times of the queue; operators may update "value". Changes are audited.';
reset role;
