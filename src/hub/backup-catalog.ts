/**
 * What a backup takes from the catalog beside rows: everything that neither migrations nor sql/ make
 * again. Each is a query with one column `text`, a statement for the restore to run.
 */
import type pg from 'pg';
import { inventoryTables } from './dump.ts';

/** In the order in which the restore runs them, each group before or after the rows. */
export interface CatalogStatements {
  readonly roles: readonly string[];
  /** Tables, then partitions: before the rows. */
  readonly tables: readonly string[];
  /** After the rows and the last migration; any order, those that fail are tried again after others. */
  readonly objects: readonly string[];
  readonly sequences: readonly string[];
}

export async function readCatalog(client: pg.ClientBase): Promise<CatalogStatements> {
  const texts = async (sql: string): Promise<string[]> => {
    const { rows } = await client.query<{ text: string }>(sql);
    return rows.map((row) => row.text);
  };
  return {
    roles: [...(await texts(ROLES)), ...(await texts(MEMBERS))],
    tables: [
      ...(await texts(INVENTORY_SCHEMA)),
      ...(await inventoryTables(client)),
      ...(await texts(PARTITIONS)),
      ...(await texts(OWNERS)),
    ],
    objects: [
      ...(await texts(INVENTORY_VIEWS)),
      ...(await texts(INVENTORY_FUNCTIONS)),
      ...(await texts(GRANTS)),
    ],
    sequences: await texts(SEQUENCES),
  };
}

/** Tables that are not ours: a backup leaves them out and says so. */
export async function foreignTables(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(`
    select c.oid::regclass::text as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'm') and not c.relispartition
       and n.nspname not in ('swarmplane', 'inventory', 'information_schema')
       and n.nspname !~ '^pg_'
     order by 1`);
  return rows.map((row) => row.name);
}

/** Made anew by every server with passwords of its own. */
const LOGINS_OF_SERVER = `('postgres', 'hub', 'operator')`;

// Passwords are the server's SCRAM verifiers, not the passwords themselves.
const ROLES = `
  select format('create role %I %s %s %s %s connection limit %s password %L valid until %L', rolname,
           case when rolcanlogin then 'login' else 'nologin' end,
           case when rolinherit then 'inherit' else 'noinherit' end,
           case when rolcreaterole then 'createrole' else 'nocreaterole' end,
           case when rolcreatedb then 'createdb' else 'nocreatedb' end,
           rolconnlimit, rolpassword, coalesce(rolvaliduntil, 'infinity')) as text
    from pg_authid
   where rolname !~ '^(pg_|swarmplane_)' and rolname not in ${LOGINS_OF_SERVER}
   order by rolname`;

const MEMBERS = `
  select format('grant %I to %I with admin %s, inherit %s, set %s',
           g.rolname, m.rolname, a.admin_option::text, a.inherit_option::text, a.set_option::text) as text
    from pg_auth_members a
    join pg_roles g on g.oid = a.roleid
    join pg_roles m on m.oid = a.member
   where m.rolname !~ '^(pg_|swarmplane_)' and m.rolname not in ${LOGINS_OF_SERVER}
   order by 1`;

const INVENTORY_SCHEMA = `
  select format('create schema if not exists inventory authorization %s', nspowner::regrole) as text
    from pg_namespace where nspname = 'inventory'`;

const PARTITIONS = `
  select format('create table if not exists %s partition of %s %s',
           c.oid::regclass, i.inhparent::regclass, pg_get_expr(c.relpartbound, c.oid)) as text
    from pg_class c
    join pg_inherits i on i.inhrelid = c.oid
    join pg_namespace n on n.oid = c.relnamespace
   where c.relispartition and c.relkind in ('r', 'p') and n.nspname in ('swarmplane', 'inventory')
   order by c.oid`;

const OWNERS = `
  select format('alter table %s owner to %s', c.oid::regclass, c.relowner::regrole) as text
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p') and (c.relispartition or n.nspname = 'inventory')
     and n.nspname in ('swarmplane', 'inventory')
   order by c.oid`;

const INVENTORY_VIEWS = `
  select format('create or replace view %1$s%2$s as %3$s; alter view %1$s owner to %4$s', c.oid::regclass,
           coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', ''),
           rtrim(pg_get_viewdef(c.oid), ';'), c.relowner::regrole) as text
    from pg_class c where c.relnamespace = to_regnamespace('inventory') and c.relkind = 'v'
   order by c.oid`;

const INVENTORY_FUNCTIONS = `
  select format('%s; alter routine %s owner to %s', pg_get_functiondef(p.oid), p.oid::regprocedure, p.proowner::regrole) as text
    from pg_proc p where p.pronamespace = to_regnamespace('inventory') and p.prokind in ('f', 'p')
   order by p.oid`;

// What someone was given beyond what the migrations and sql/ give: to roles of his own.
const GRANTS = `
  select format('grant %s on %s to %I%s', privilege_type, object, r.rolname,
           case when is_grantable then ' with grant option' else '' end) as text
    from (
      select (aclexplode(nspacl)).*, format('schema %I', nspname) as object
        from pg_namespace where nspname in ('swarmplane', 'inventory')
      union all
      select (aclexplode(relacl)).*, format('%s %s', case relkind when 'S' then 'sequence' else 'table' end, oid::regclass)
        from pg_class where relkind in ('r', 'p', 'v', 'S')
         and relnamespace in (to_regnamespace('swarmplane'), to_regnamespace('inventory'))
      union all
      select (aclexplode(proacl)).*, format('routine %s', oid::regprocedure)
        from pg_proc where pronamespace in (to_regnamespace('swarmplane'), to_regnamespace('inventory'))
    ) acl
    join pg_roles r on r.oid = acl.grantee
   where r.rolname not in ${LOGINS_OF_SERVER}
     and (r.rolname !~ '^swarmplane_' or object ~ '\\minventory\\M')
     and acl.grantee <> acl.grantor
   order by 1`;

const SEQUENCES = `
  select format('select setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename),
           coalesce(last_value, start_value), last_value is not null) as text
    from pg_sequences
   where schemaname in ('swarmplane', 'inventory')
   order by 1`;
