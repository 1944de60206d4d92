-- Roles and the schema they work in. Roles belong to the whole cluster: another database of it may
-- have made them already. Needs CREATEROLE and CREATE on the database, no superuser.

-- Step 1: the roles, none of which can log in. An operator will notice: six new roles.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['owner', 'hub', 'reader', 'asker', 'operator', 'auditor'] loop
    begin
      if not exists (select from pg_catalog.pg_roles where rolname = 'swarmplane_' || wanted) then
        execute format('create role %I nologin', 'swarmplane_' || wanted);
      end if;
    exception
      -- another database of this cluster made it between our look and our try
      when duplicate_object or unique_violation then null;
    end;
  end loop;
end
$$;

-- Step 2: whoever migrates acts as the owner from here on, and may work as a hub.
do $$
begin
  if not pg_catalog.pg_has_role(current_user, 'swarmplane_owner', 'usage') then
    execute format('grant swarmplane_owner to %I', current_user);
  end if;
  if not pg_catalog.pg_has_role(current_user, 'swarmplane_hub', 'usage') then
    execute format('grant swarmplane_hub to %I', current_user);
  end if;
exception
  when insufficient_privilege then
    raise exception 'user "%" may not act as swarmplane_owner, which another database of this cluster uses already; as a superuser, run: grant swarmplane_owner, swarmplane_hub to %',
      current_user, quote_ident(current_user)
      using errcode = 'insufficient_privilege';
end
$$;

-- Step 3: who includes whom. Skipped where it holds, since only an administrator of the roles may grant.
do $$
declare
  pair text[];
begin
  foreach pair slice 1 in array array[
    ['swarmplane_reader', 'swarmplane_asker'],
    ['swarmplane_asker', 'swarmplane_operator']
  ] loop
    if not pg_catalog.pg_has_role(pair[2], pair[1], 'usage') then
      execute format('grant %I to %I', pair[1], pair[2]);
    end if;
  end loop;
end
$$;

create schema if not exists swarmplane;
alter schema swarmplane owner to swarmplane_owner;
-- the runner's own tables, which it made before this: a hub that may not migrate still compares them
grant select on all tables in schema swarmplane to swarmplane_hub;
comment on schema swarmplane is
  'the swarm, asked and recorded: insert into request, read request_status and result';

-- Step 4: nothing is public that was not granted by name.
set local role swarmplane_owner;
alter default privileges for role swarmplane_owner revoke execute on functions from public;
grant usage on schema swarmplane
  to swarmplane_hub, swarmplane_reader, swarmplane_asker, swarmplane_operator, swarmplane_auditor;
reset role;
