/**
 * Drift: an object of sql/ that is no longer what sql/ made it, because someone changed it by hand.
 * After sql/ is applied a hash of every function, view, trigger and policy of the schema is kept;
 * at the next start the same hashes are taken again and compared.
 */
import type pg from 'pg';

export interface Drift {
  readonly kind: 'function' | 'view' | 'trigger' | 'policy';
  /** With arguments for a function, with the table for a trigger or policy. */
  readonly name: string;
  readonly change: 'changed' | 'missing' | 'added';
}

/** Differences between what sql/ left behind and what is there; none before sql/ was first applied. */
export async function findDrift(client: pg.ClientBase): Promise<Drift[]> {
  // Another major version may spell the same definition differently: start from what it says now.
  const { rowCount } = await client.query(
    `select from swarmplane.sql_object where major <> ${MAJOR} limit 1`,
  );
  if (rowCount! > 0) {
    // A hub that may not migrate leaves it to one that may.
    if (!(await mayRemember(client))) return [];
    await rememberObjects(client);
  }
  const { rows } = await client.query<Drift>(`
    with now as (${OBJECTS})
    select coalesce(now.kind, kept.kind) as kind,
           coalesce(now.name, kept.name) as name,
           case when kept.name is null then 'added'
                when now.name is null then 'missing'
                else 'changed' end as change
      from now full join swarmplane.sql_object kept using (kind, name)
     where now.hash is distinct from kept.hash
       and exists (select from swarmplane.sql_file)
     order by 1, 2`);
  return rows;
}

async function mayRemember(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    `select has_table_privilege('swarmplane.sql_object', 'insert, update, delete') as may`,
  );
  return rows[0]!.may;
}

/** Call in the transaction that applied sql/. */
export async function rememberObjects(client: pg.ClientBase): Promise<void> {
  await client.query(`
    with gone as (delete from swarmplane.sql_object where (kind, name) not in (select kind, name from (${OBJECTS}) now))
    insert into swarmplane.sql_object (kind, name, hash, major)
    select kind, name, hash, ${MAJOR} from (${OBJECTS}) now
    on conflict (kind, name) do update set hash = excluded.hash, major = excluded.major`);
}

const MAJOR = "current_setting('server_version_num')::int / 10000";

/** Grants are left out: an administrator may give a view to a role of his own. */
const OBJECTS = `
  select kind, name, md5(definition) as hash
    from (
      select 'function' as kind,
             p.oid::regprocedure::text as name,
             pg_get_functiondef(p.oid) as definition
        from pg_proc p
       where p.pronamespace = 'swarmplane'::regnamespace
         and p.prokind in ('f', 'p')
      union all
      select 'view', c.oid::regclass::text,
             pg_get_viewdef(c.oid) || coalesce(c.reloptions::text, '')
        from pg_class c
       where c.relnamespace = 'swarmplane'::regnamespace
         and c.relkind in ('v', 'm')
      union all
      select 'trigger', t.tgrelid::regclass || '.' || t.tgname,
             pg_get_triggerdef(t.oid) || t.tgenabled::text
        from pg_trigger t
        join pg_class c on c.oid = t.tgrelid
       where c.relnamespace = 'swarmplane'::regnamespace
         and not c.relispartition
         and not t.tgisinternal
      union all
      select 'policy', p.polrelid::regclass || '.' || p.polname,
             concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::regrole[]::text,
                       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
        from pg_policy p
        join pg_class c on c.oid = p.polrelid
       where c.relnamespace = 'swarmplane'::regnamespace
         and not c.relispartition
    ) object`;
