-- Settings: read by the functions of the queue, changed by operators, checked at the change.
-- plpgsql keeps the plan for the session; a function in sql would be planned at each call.
set local role swarmplane_owner;

-- Null for 'forever': no time is older than that.
create or replace function swarmplane.setting_interval(setting_name text)
  returns interval
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  return (select nullif(s.value, 'forever')::interval from swarmplane.setting s where s.name = setting_name);
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

-- Whether a setting may have its value; null where that is no such thing at all.
create or replace function swarmplane.within_bounds(setting swarmplane.setting)
  returns boolean
  language plpgsql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
  set intervalstyle = 'postgres'
as $$
begin
  if setting.kind = 'interval' then
    return case when setting.value = 'forever' then setting.may_be_forever
                else setting.value::interval > interval '0'
                     and (setting.least is null or setting.value::interval >= setting.least::interval)
                     and setting.value::interval <= coalesce(setting.most, '100 years')::interval end;
  end if;
  return setting.value::integer > 0
     and (setting.least is null or setting.value::integer >= setting.least::integer)
     and (setting.most is null or setting.value::integer <= setting.most::integer);
exception
  when data_exception then return null;
end
$$;

create or replace function swarmplane.bounds_text(setting swarmplane.setting)
  returns text
  language sql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select case setting.kind when 'interval' then 'an interval ' else 'a whole number ' end
      || concat_ws(' ', coalesce('from ' || setting.least, 'above 0'), 'to ' || setting.most)
      || case when setting.may_be_forever then ', or forever' else '' end;
$$;

create or replace function swarmplane.tg_setting__before_write()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform swarmplane.require_fleet(format('setting "%s" is', new.name));
  if tg_op = 'UPDATE' and (new.name, new.kind) is distinct from (old.name, old.kind) then
    raise exception 'setting "%" keeps its name and kind', old.name
      using errcode = 'invalid_parameter_value', hint = 'update its value only';
  end if;
  new.value := btrim(new.value);
  if swarmplane.within_bounds(new) is distinct from true then
    raise exception 'setting "%" cannot be "%": write %', new.name, new.value, swarmplane.bounds_text(new)
      using errcode = 'invalid_parameter_value', hint = 'value, least and most of each are in swarmplane.setting';
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
  'Public. Limits and times of the queue; operators may update "value", between "least" and "most". Changes are audited.';
reset role;
