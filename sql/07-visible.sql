-- Which hosts a role may see: by the access labels that are in force now. 80-policy.sql applies it.
-- plpgsql keeps plans for the session; functions in sql would be planned at each call.
set local role swarmplane_owner;

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
  if pg_has_role(asker, 'swarmplane_owner', 'usage')
     or pg_has_role(asker, 'swarmplane_hub', 'usage')
     or pg_has_role(asker, 'swarmplane_auditor', 'usage') then
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

-- The nodes that whoever asks now may see: the role that was set, or else the login.
create or replace function swarmplane.visible_nodes()
  returns integer[]
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  return swarmplane.nodes_visible_to(
    case when current_setting('role') in ('none', '') then session_user
         else current_setting('role')::name end);
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
