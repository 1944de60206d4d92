-- Which hosts a role may see: by the access labels that are in force now. 80-policy.sql applies it.
-- plpgsql keeps plans for the session; functions in sql would be planned at each call.
set local role swarmplane_owner;

-- Whom a hub acts for while it reads the view of a check (75-desired.sql): the row's owner. Told by a row that
-- this transaction wrote, which nobody but the owner of the tables can.
create or replace function swarmplane.checked_for()
  returns name
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if pg_current_xact_id_if_assigned() is null or not pg_has_role(session_user, 'swarmplane_hub', 'usage') then
    return null;
  end if;
  return (select d.owner from swarmplane.desired d where d.checking_xid = pg_current_xact_id_if_assigned());
end
$$;

-- Who asks now: the role that was set, or else the login.
create or replace function swarmplane.acting_role()
  returns name
  language plpgsql
  stable
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  return case when current_setting('role') in ('none', '') then coalesce(swarmplane.checked_for(), session_user)
              else current_setting('role')::name end;
end
$$;

-- The nodes that a role may see. Null stands for all of them.
create or replace function swarmplane.nodes_visible_to(asker name)
  returns integer[]
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
declare
  labels text[];
begin
  if not exists (select from pg_roles r where r.rolname = asker) then
    return '{}';
  end if;
  if pg_has_role(asker, 'swarmplane_owner', 'usage')
     or pg_has_role(asker, 'swarmplane_hub', 'usage') then
    return null;
  end if;
  select array_agg(g.label) into labels
    from swarmplane.label_grant g
    join pg_roles r on r.rolname = g.role
   where pg_has_role(asker, r.oid, 'usage');
  if '*' = any (labels) then
    return null;
  end if;
  return coalesce(
    (select array_agg(distinct l.node_id) from swarmplane.node_label l where l.label = any (labels)),
    '{}');
end
$$;

-- The nodes that whoever asks now may see.
create or replace function swarmplane.visible_nodes()
  returns integer[]
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  return swarmplane.nodes_visible_to(swarmplane.acting_role());
end
$$;

-- Whether a login may have rows of sensitive tables; a login that is gone may not.
create or replace function swarmplane.reads_sensitive(login name)
  returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  return exists (
    select from pg_roles r
     where r.rolname = login
       and (pg_has_role(r.oid, 'swarmplane_sensitive', 'usage')
            or pg_has_role(r.oid, 'swarmplane_owner', 'usage')
            or pg_has_role(r.oid, 'swarmplane_hub', 'usage')));
end
$$;

-- Whether who asks now may.
create or replace function swarmplane.reads_sensitive()
  returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  return swarmplane.reads_sensitive(swarmplane.acting_role());
end
$$;

-- For what reaches every host: refused to whoever sees only some.
create or replace function swarmplane.require_fleet(what text)
  returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if not swarmplane.sees_all() then
    raise exception '% for all hosts, and % sees only some', what, session_user
      using errcode = 'insufficient_privilege',
            hint = 'ask an operator with the access label *';
  end if;
end
$$;

-- For a thing of somebody: refused to others who see only some of the hosts.
create or replace function swarmplane.require_owner(kind text, name text, owner name)
  returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  if owner <> session_user and not swarmplane.sees_all() then
    raise exception '% "%" is of %, and % sees only some hosts', kind, name, owner, session_user
      using errcode = 'insufficient_privilege',
            hint = 'ask its owner, or an operator with the access label *';
  end if;
end
$$;

create or replace function swarmplane.sees_all()
  returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  return swarmplane.visible_nodes() is null;
end
$$;

-- Rows of a table are seen by the labels of their node. In parentheses both functions are computed once
-- for a statement, not for each row.
create or replace function swarmplane.guard_by_label(schema_name text, table_name text, node_column text default 'node_id')
  returns void
  language plpgsql
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  execute format('alter table %I.%I enable row level security', schema_name, table_name);
  execute format('drop policy if exists by_label on %I.%I', schema_name, table_name);
  execute format(
    'create policy by_label on %I.%I using (
       (select swarmplane.sees_all()) or %I = any ((select swarmplane.visible_nodes())::integer[]))',
    schema_name, table_name, node_column);
end
$$;
reset role;
