-- Backups by the clock: one hub makes one, when the newest good one of any hub is as old as its configuration says.
-- A good one has ended without trouble and, where they are verified, was.
set local role swarmplane_owner;

-- Begins a backup where one is due and no other hub is at it. `id` is null where none is, `wait` says in how many
-- milliseconds to look again. A hub that died leaves it when its lease is over.
create or replace function swarmplane.begin_backup(
  hub text,
  name text,
  every interval,
  folder text,
  keep integer,
  verify boolean,
  lease interval,
  out id bigint,
  out wait double precision
)
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
  set lock_timeout = '1s'
as $$
#variable_conflict use_column
declare
  due_at timestamptz;
begin
  insert into swarmplane.backup_plan (hub, name, every, folder, keep, verify)
  values ($1, $2, $3, $4, $5, $6)
  on conflict (hub) do update
    set name = excluded.name, every = excluded.every, folder = excluded.folder, keep = excluded.keep, verify = excluded.verify,
        planned_at = now()
   where (backup_plan.name, backup_plan.every, backup_plan.folder, backup_plan.keep, backup_plan.verify)
      is distinct from (excluded.name, excluded.every, excluded.folder, excluded.keep, excluded.verify);
  -- one hub at a time, and no reader waits
  lock table swarmplane.backup in share row exclusive mode;
  update swarmplane.backup b
     set ended_at = now(), trouble = 'interrupted: its hub died or was stopped'
   where b.ended_at is null and b.lease_until < clock_timestamp();
  due_at := greatest(
    swarmplane.newest_backup($6) + $3,
    (select max(b.lease_until) from swarmplane.backup b where b.ended_at is null),
    -- what failed here is tried again, and not at once; another hub may do better
    (select max(b.ended_at) from swarmplane.backup b
      where b.hub = $1 and b.trouble is not null and b.trouble not like 'interrupted%' and b.ended_at <= now())
    + least($3, interval '15 minutes'));
  wait := greatest(extract(epoch from due_at - clock_timestamp()) * 1000, 0);
  if wait > 0 then
    return;
  end if;
  wait := 0;
  insert into swarmplane.backup (hub, name, folder, lease_until) values ($1, $2, $4, clock_timestamp() + lease)
  returning backup.id into id;
end
$$;

-- When the newest good one began; null where there is none.
create or replace function swarmplane.newest_backup(verify boolean)
  returns timestamptz
  language sql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  select max(b.began_at)
    from swarmplane.backup b
   where b.ended_at is not null and b.trouble is null and (b.verified or not verify) and b.began_at <= now()
     and b.removed_at is null;
$$;

create or replace function swarmplane.renew_backup(id bigint, lease interval)
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  update swarmplane.backup b set lease_until = clock_timestamp() + lease where b.id = $1 and b.ended_at is null;
$$;

-- How it went: {file, bytes, rows, verified} or {trouble}. Files of this hub in this folder that are beyond those to
-- be kept, oldest first: only such as it made, and only after one that is good.
create or replace function swarmplane.end_backup(id bigint, outcome jsonb)
  returns table (old_id bigint, old_file text)
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
#variable_conflict use_column
declare
  made swarmplane.backup;
begin
  update swarmplane.backup b
     set ended_at = now(), file = outcome ->> 'file', bytes = (outcome ->> 'bytes')::bigint, rows = (outcome ->> 'rows')::bigint,
         verified = coalesce((outcome -> 'verified')::boolean, false), trouble = outcome ->> 'trouble'
   where b.id = $1
  returning b.* into strict made;
  if made.trouble is not null then
    perform swarmplane.raise_alert('backup_failed', made.name, format('hub %s could not make a backup: %s', made.name, made.trouble));
    return;
  end if;
  perform swarmplane.resolve_alerts('{backup_failed,backup_old}', array[made.name]);
  perform swarmplane.look_after_backups();
  return query
  select o.id, o.file
    from swarmplane.backup o
    join swarmplane.backup_plan p on p.hub = o.hub
   where o.hub = made.hub and o.folder = made.folder and o.file is not null and o.removed_at is null
     and p.keep <= (
       select count(*) from swarmplane.backup n
        where n.hub = o.hub and n.folder = o.folder and n.file is not null and n.removed_at is null
          -- by number: times come twice where a clock was set back
          and (n.verified or not p.verify) and n.id > o.id)
   order by o.id;
end
$$;

create or replace function swarmplane.note_removed_backup(id bigint)
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  update swarmplane.backup b set removed_at = now() where b.id = $1;
$$;

-- A hub without backups in its configuration.
create or replace function swarmplane.forget_backup_plan(hub text)
  returns void
  language sql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
  delete from swarmplane.backup_plan p where p.hub = $1;
$$;

-- Every minute, by the hubs: an alert for each plan without a good backup for half as long again as it says.
create or replace function swarmplane.look_after_backups()
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  plan swarmplane.backup_plan;
  newest timestamptz;
begin
  for plan in select * from swarmplane.backup_plan p order by p.hub loop
    newest := swarmplane.newest_backup(plan.verify);
    if greatest(newest, plan.planned_at) < now() - plan.every * 1.5 then
      perform swarmplane.keep_alert('backup_old', plan.name, format(
        'the newest %s of this database is %s; hub %s is to make one every %s in %s',
        case when plan.verify then 'verified backup' else 'backup' end,
        coalesce('of ' || date_trunc('second', newest at time zone 'UTC')::text || ' UTC', 'not made yet'),
        plan.name, plan.every, plan.folder), 'critical');
    else
      perform swarmplane.resolve_alerts('{backup_old}', array[plan.name]);
    end if;
  end loop;
  perform swarmplane.resolve_alerts('{backup_old,backup_failed}', array_agg(a.key))
    from swarmplane.alert a
   where a.kind in ('backup_old', 'backup_failed') and a.resolved_at is null
     and not exists (select from swarmplane.backup_plan p where p.name = a.key)
  having count(*) > 0;
  delete from swarmplane.backup b
   where (b.removed_at is not null or b.trouble is not null)
     and b.began_at < now() - swarmplane.setting_interval('alert_kept');
end
$$;
reset role;
