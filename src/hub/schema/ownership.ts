/**
 * Roles belong to the server, not to the database: a dump that was restored without them has the tables and
 * functions, of whoever restored it, and nobody may call them.
 */
import type pg from 'pg';
import { HubError } from '../errors.ts';

/**
 * Of a database that holds a hub's data: it belongs to swarmplane_owner, and hubs may work on it.
 * @throws HubError roles_missing, not_owned
 */
export async function refuseDisowned(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ missing: string[]; owner: string | null; claims: boolean }>(
    OWNERSHIP,
  );
  const { missing, owner, claims } = rows[0] ?? { missing: [], owner: null, claims: true };
  const hint =
    'restore again into a new database, roles first, and without --no-owner and --no-privileges; docs/operating.md, Backup and restore, has the way where there is no copy of the roles';
  if (missing.length > 0)
    throw new HubError(
      'roles_missing',
      `this database was restored into a server without ${missing.join(', ')}`,
      { hint },
    );
  if (owner !== null && (owner !== 'swarmplane_owner' || !claims))
    throw new HubError(
      'not_owned',
      owner === 'swarmplane_owner'
        ? 'swarmplane_hub may not work here, or anybody may: this database was restored without its privileges'
        : `table swarmplane.request belongs to ${JSON.stringify(owner)}, not to swarmplane_owner: this database was restored without its owners`,
      { hint },
    );
}

/** No row, and null, before the first migrations. A missing role is looked for first: asking of it is an error. */
const OWNERSHIP = `
  with missing as (
    select array_agg(wanted order by wanted) as roles
      from unnest(array['swarmplane_owner', 'swarmplane_hub', 'swarmplane_reader', 'swarmplane_asker',
                        'swarmplane_operator', 'swarmplane_auditor']) wanted
     where not exists (select from pg_roles r where r.rolname = wanted))
  select coalesce(missing.roles, '{}') as missing,
         (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = to_regclass('swarmplane.request'))::text as owner,
         missing.roles is not null
           or has_schema_privilege('swarmplane_hub', to_regnamespace('swarmplane'), 'usage')
              and not exists (select from pg_proc p
                               where p.pronamespace = to_regnamespace('swarmplane') and p.proname = 'claim'
                                 and (not has_function_privilege('swarmplane_hub', p.oid, 'execute')
                                      or has_function_privilege('public', p.oid, 'execute'))) as claims
    from missing
   where to_regclass('swarmplane.request') is not null`;
