/**
 * What a backup takes from the catalog beside rows: everything that neither migrations nor sql/ make
 * again, and what they make at run time, as columns and keys only. What hangs on a table there
 * (policies, triggers, views, functions of tracked tables) sql/ makes anew when the rows are in.
 */
import type pg from 'pg';
import { COLUMN, CONSTRAINT } from '../schema/dump.ts';

/**
 * In the order in which the restore runs them. A group is skipped from a statement on that says
 * that its object is there already.
 */
export interface CatalogStatements {
  /** May fail: what needs them fails then. */
  readonly extensions: readonly string[];
  /** Roles, who is in which, their settings. May fail, and are told then. */
  readonly roles: readonly string[];
  /** Tables and partitions, bare: before the rows. */
  readonly tables: readonly (readonly string[])[];
  /** After the rows. */
  readonly sequences: readonly string[];
  /** After the last migration and sql/, in any order: those that fail are tried again after others. */
  readonly objects: readonly (readonly string[])[];
  /** Grants and settings, last. May fail, and are told then. `"<database>"` stands for the database. */
  readonly access: readonly string[];
  /** For people: what is not in the backup. */
  readonly leftOut: readonly string[];
}

/** @param allRoles every role of the server, not only those that may use this database */
export async function readCatalog(
  client: pg.ClientBase,
  allRoles: boolean,
): Promise<CatalogStatements> {
  const texts = async (sql: string, values: unknown[] = []): Promise<string[]> =>
    (await client.query<{ text: string }>(sql, values)).rows.map((row) => row.text);
  const groups = async (sql: string): Promise<string[][]> =>
    (await client.query<{ texts: string[] }>(sql)).rows.map((row) => row.texts);
  const ofPeople = async (): Promise<string[][]> => [
    ...(await groups(TABLE_GRANTS)),
    ...(await groups(TRIGGERS)),
    ...(await groups(POLICIES)),
  ];
  const people = await rolesToKeep(client, allRoles);
  const withPasswords = await mayReadPasswords(client);
  return {
    extensions: await texts(EXTENSIONS),
    roles: [
      ...(await texts(rolesText(withPasswords), [people])),
      ...(await texts(MEMBERS, [people])),
      ...(await texts(ROLE_SETTINGS, [people])),
    ],
    tables: [
      ...(await groups(SCHEMA)),
      ...(await groups(SEQUENCES_OF_PEOPLE)),
      ...(await groups(TABLES)),
      ...(await groups(PARTITIONS)),
    ],
    sequences: await texts(SEQUENCES),
    objects: [
      ...(await groups(REFERENCES)),
      ...(await groups(INDEXES)),
      ...(await groups(VIEWS)),
      ...(await groups(FUNCTIONS)),
      ...((await hasTable(client, 'tracked_table')) ? await ofPeople() : []),
    ],
    access: [
      ...(await texts(GRANTS)),
      ...(await texts(COLUMN_GRANTS)),
      ...(await texts(DEFAULT_GRANTS)),
      ...(await texts(DATABASE_SETTINGS)),
    ],
    leftOut: [
      ...(await texts(FOREIGN)),
      ...(withPasswords ? [] : people.map((name) => `the password of role ${name}`)),
    ],
  };
}

/** Made anew by every server with passwords of its own, or what the backup is taken with. */
const LOGINS_OF_SERVER = `('postgres', 'hub', 'operator', session_user)`;

async function mayReadPasswords(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    `select has_table_privilege('pg_authid', 'select') as may`,
  );
  return rows[0]!.may;
}

/** An earlier migration has fewer tables. */
async function hasTable(client: pg.ClientBase, name: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    `select to_regclass('swarmplane.' || $1) is not null as there`,
    [name],
  );
  return rows[0]!.there;
}

/** Who may use the database, whoever is in such a role, and the roles that these are in. */
async function rolesToKeep(client: pg.ClientBase, all: boolean): Promise<string[]> {
  const labelled = (await hasTable(client, 'label_grant'))
    ? 'union select r.oid from swarmplane.label_grant g join pg_roles r on r.rolname = g.role'
    : '';
  const { rows } = await client.query<{ rolname: string }>(
    `with recursive down (id) as (
       select id from (${NAMED} ${labelled}) named
        union
       select m.member from down join pg_auth_members m on m.roleid = down.id
         join pg_roles g on g.oid = m.roleid
        where g.rolname !~ '^pg_'
     ), up (id) as (
       select id from down
        union
       select m.roleid from up join pg_auth_members m on m.member = up.id
         join pg_roles r on r.oid = m.member
        where r.rolname not in ${LOGINS_OF_SERVER}
     )
     select r.rolname from pg_roles r
      where ($1 or r.oid in (select id from up))
        and r.rolname !~ '^(pg_|swarmplane_)' and r.rolname not in ${LOGINS_OF_SERVER}
      order by 1`,
    [all],
  );
  return rows.map((row) => row.rolname);
}

const OURS = `('swarmplane', 'inventory')`;

const ACLS = `
  select (aclexplode(nspacl)).*, format('schema %I', nspname) as object
    from pg_namespace where nspname in ${OURS}
  union all
  select (aclexplode(c.relacl)).*,
         format('%s %s', case c.relkind when 'S' then 'sequence' else 'table' end, c.oid::regclass)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname in ${OURS} and c.relkind in ('r', 'p', 'v', 'm', 'S')
  union all
  select (aclexplode(p.proacl)).*, format('routine %s', p.oid::regprocedure)
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
   where n.nspname in ${OURS}
  union all
  select (aclexplode(datacl)).*, 'database "<database>"'
    from pg_database where datname = current_database()`;

const COLUMN_ACLS = `
  select (aclexplode(a.attacl)).*, c.oid::regclass::text as object, a.attname as name
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
   where n.nspname in ${OURS} and a.attacl is not null and not a.attisdropped`;

const DEFAULT_ACLS = `
  select (aclexplode(d.defaclacl)).*, d.defaclrole, d.defaclnamespace, d.defaclobjtype
    from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace
   where n.nspname in ${OURS} or (n.oid is null and d.defaclrole::regrole::text like 'swarmplane\\_%')`;

const NAMED = `
  select oid as id from pg_roles where rolname like 'swarmplane\\_%'
   union select grantee from (${ACLS}) acl
   union select grantee from (${COLUMN_ACLS}) acl
   union select grantee from (${DEFAULT_ACLS}) acl
   union select relowner from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ${OURS}
   union select proowner from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ${OURS}
   union select s.setrole from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
          where d.datname = current_database()`;

// Passwords are the server's SCRAM verifiers, not the passwords themselves.
const rolesText = (withPasswords: boolean): string => `
  select format('create role %I %s %s %s %s connection limit %s password %L valid until %L', rolname,
           case when rolcanlogin then 'login' else 'nologin' end,
           case when rolinherit then 'inherit' else 'noinherit' end,
           case when rolcreaterole then 'createrole' else 'nocreaterole' end,
           case when rolcreatedb then 'createdb' else 'nocreatedb' end,
           rolconnlimit, ${withPasswords ? 'rolpassword' : 'null::text'}, coalesce(rolvaliduntil, 'infinity')) as text
    from ${withPasswords ? 'pg_authid' : 'pg_roles'}
   where rolname = any ($1)
   order by rolname`;

// PostgreSQL 15 has no options of a membership but that of an administrator.
const MEMBERS = `
  select format('grant %I to %I', g.rolname, m.rolname)
         || case when a.options ? 'inherit_option'
                 then format(' with admin %s, inherit %s, set %s', a.options ->> 'admin_option',
                             a.options ->> 'inherit_option', a.options ->> 'set_option')
                 when (a.options ->> 'admin_option')::boolean then ' with admin option'
                 else '' end as text
    from (select roleid, member, to_jsonb(am) as options from pg_auth_members am) a
    join pg_roles g on g.oid = a.roleid
    join pg_roles m on m.oid = a.member
   where m.rolname = any ($1)
   order by 1`;

/** `name=value` of a setting as the end of a statement; lists are kept quoted as they are. */
const SETTING = `
  format('set %I to %s', split_part(s.setting, '=', 1),
    case when split_part(s.setting, '=', 1) in ('search_path', 'session_preload_libraries', 'local_preload_libraries', 'temp_tablespaces')
         then coalesce(nullif(substr(s.setting, strpos(s.setting, '=') + 1), ''), '''''')
         else quote_literal(substr(s.setting, strpos(s.setting, '=') + 1)) end)`;

const ROLE_SETTINGS = `
  select format('alter role %I %s', r.rolname, ${SETTING}) as text
    from pg_db_role_setting d join pg_roles r on r.oid = d.setrole
   cross join unnest(d.setconfig) s (setting)
   where d.setdatabase = 0 and r.rolname = any ($1)
   order by 1`;

const DATABASE_SETTINGS = `
  select case when r.rolname is null then 'alter database "<database>" '
              else format('alter role %I in database "<database>" ', r.rolname) end || ${SETTING} as text
    from pg_db_role_setting d left join pg_roles r on r.oid = d.setrole
   cross join unnest(d.setconfig) s (setting)
   where d.setdatabase = (select oid from pg_database where datname = current_database())
   order by 1`;

const EXTENSIONS = `
  select format('create extension if not exists %I with schema %I', e.extname, n.nspname) as text
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace
   where e.extname <> 'plpgsql' and n.nspname not in ${OURS}
   order by e.oid`;

const SCHEMA = `
  select array[format('create schema %I authorization %s', nspname, nspowner::regrole)] as texts
    from pg_namespace where nspname = 'inventory'`;

/** Those of identity columns come with their table. */
const SEQUENCES_OF_PEOPLE = `
  select array[format('create sequence %s as %s increment %s minvalue %s maxvalue %s start %s cache %s%s',
                 c.oid::regclass, s.seqtypid::regtype, s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache,
                 case when s.seqcycle then ' cycle' else '' end),
               format('alter sequence %s owner to %s', c.oid::regclass, c.relowner::regrole)] as texts
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_sequence s on s.seqrelid = c.oid
   where n.nspname in ${OURS}
     and not exists (select from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype = 'i')
   order by c.oid`;

/** Comments of a table and its columns, as an array. */
const COMMENTS = `
  array(select format('comment on %s is %L',
                 case when d.objsubid = 0 then format('%s %s', case c.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end, c.oid::regclass)
                      else format('column %s.%I', c.oid::regclass, a.attname) end, d.description)
          from pg_description d left join pg_attribute a on a.attrelid = d.objoid and a.attnum = d.objsubid
         where d.objoid = c.oid and d.classoid = 'pg_class'::regclass
         order by d.objsubid)`;

/** All but what a migration makes first: those are skipped. References come after the rows. */
const TABLES = `
  select array[format('create table %s (%s)%s%s', c.oid::regclass,
           (select string_agg(line, ', ' order by part, place, line) from (
              select 1 as part, a.attnum::int as place, ${COLUMN} as line
                from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
               where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
              union all
              select 2, 0, ${CONSTRAINT}
                from pg_constraint k where k.conrelid = c.oid and k.contype not in ('n', 't', 'f')) lines),
           case when c.relkind = 'p' then ' partition by ' || pg_get_partkeydef(c.oid) else '' end,
           coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '')),
           format('alter table %s owner to %s', c.oid::regclass, c.relowner::regrole)]
         || ${COMMENTS} as texts
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname in ${OURS} and c.relkind in ('r', 'p') and not c.relispartition
     and c.relname not in ('migration', 'sql_file')
   order by c.oid`;

const PARTITIONS = `
  select array[format('create table %s partition of %s %s', c.oid::regclass, i.inhparent::regclass,
                      pg_get_expr(c.relpartbound, c.oid)
                      || case when c.relkind = 'p' then ' partition by ' || pg_get_partkeydef(c.oid) else '' end
                      || coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '')),
               format('alter table %s owner to %s', c.oid::regclass, c.relowner::regrole)] as texts
    from pg_class c
    join pg_inherits i on i.inhrelid = c.oid
    join pg_namespace n on n.oid = c.relnamespace
   where c.relispartition and c.relkind in ('r', 'p') and n.nspname in ${OURS}
   order by c.oid`;

const REFERENCES = `
  select array[format('alter table %s add constraint %I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))] as texts
    from pg_constraint k join pg_namespace n on n.oid = k.connamespace
   where k.contype = 'f' and k.conparentid = 0 and n.nspname = 'inventory'
   order by k.oid`;

// An index made ON ONLY the parent would stay invalid.
const INDEXES = `
  select array[regexp_replace(pg_get_indexdef(i.indexrelid), '^(CREATE (?:UNIQUE )?INDEX .*? ON) ONLY ', '\\1 ')] as texts
    from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = 'inventory'
     and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
     and not exists (select from pg_inherits h where h.inhrelid = i.indexrelid)
   order by i.indexrelid`;

/** A condition on `c`: it is not of a tracked table, whose guards this release makes anew. */
const OF_PEOPLE = `
  not exists (select from swarmplane.tracked_table t where c.relname in (t.name || '_current', t.name || '_history'))`;

/** What our roles may do with an object that people made: comes with it, never with what sql/ makes. */
const ourGrants = (acl: string, object: string): string => `
  array(select format('grant %s on %s to %I', a.privilege_type, ${object}, r.rolname)
          from aclexplode(${acl}) a join pg_roles r on r.oid = a.grantee
         where r.rolname ~ '^swarmplane_' and a.grantee <> a.grantor order by 1)`;

const TABLE_GRANTS = `
  select array[format('grant %s on %s %s to %I', a.privilege_type, case c.relkind when 'S' then 'sequence' else 'table' end,
                      c.oid::regclass, r.rolname)] as texts
    from pg_class c cross join aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
   where c.relnamespace = to_regnamespace('inventory') and c.relkind in ('r', 'p', 'S') and not c.relispartition
     and r.rolname ~ '^swarmplane_' and a.grantee <> a.grantor and ${OF_PEOPLE}
   order by 1`;

const VIEWS = `
  select array[format('create%s view %s%s as %s', case c.relkind when 'm' then ' materialized' else '' end, c.oid::regclass,
                      coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', ''),
                      rtrim(pg_get_viewdef(c.oid), ';')),
               format('alter table %s owner to %s', c.oid::regclass, c.relowner::regrole)]
         || ${COMMENTS} || ${ourGrants('c.relacl', `'table ' || c.oid::regclass`)} as texts
    from pg_class c where c.relnamespace = to_regnamespace('inventory') and c.relkind in ('v', 'm')
   order by c.oid`;

const FUNCTIONS = `
  select array[pg_get_functiondef(p.oid),
               format('alter routine %s owner to %s', p.oid::regprocedure, p.proowner::regrole)]
         || case when d.description is null then '{}'
                 else array[format('comment on routine %s is %L', p.oid::regprocedure, d.description)] end
         || ${ourGrants('p.proacl', `'routine ' || p.oid::regprocedure`)} as texts
    from pg_proc p
    left join pg_description d on d.objoid = p.oid and d.classoid = 'pg_proc'::regclass
   where p.pronamespace = to_regnamespace('inventory') and p.prokind in ('f', 'p')
   order by p.oid`;

const TRIGGERS = `
  select array[pg_get_triggerdef(t.oid)]
         || case t.tgenabled when 'O' then '{}'
                 else array[format('alter table %s %s trigger %I', c.oid::regclass,
                        case t.tgenabled when 'A' then 'enable always' when 'R' then 'enable replica' else 'disable' end, t.tgname)] end as texts
    from pg_trigger t join pg_class c on c.oid = t.tgrelid
   where c.relnamespace = to_regnamespace('inventory') and not t.tgisinternal and t.tgparentid = 0 and ${OF_PEOPLE}
   order by t.oid`;

const POLICIES = `
  select array[format('create policy %I on %s as %s for %s to %s%s%s', p.polname, c.oid::regclass,
                 case when p.polpermissive then 'permissive' else 'restrictive' end,
                 case p.polcmd when '*' then 'all' when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' else 'delete' end,
                 (select string_agg(case when role = 0 then 'public' else role::regrole::text end, ', ') from unnest(p.polroles) role),
                 ' using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                 ' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'),
               format('alter table %s %s row level security', c.oid::regclass,
                 case when c.relrowsecurity then 'enable' else 'disable' end)] as texts
    from pg_policy p join pg_class c on c.oid = p.polrelid
   where c.relnamespace = to_regnamespace('inventory') and ${OF_PEOPLE}
   order by p.oid`;

// What someone was given beyond what the migrations and sql/ give: to roles of his own.
const GRANTS = `
  select format('grant %s on %s to %I%s', privilege_type, object, r.rolname,
           case when is_grantable then ' with grant option' else '' end) as text
    from (${ACLS}) acl
    join pg_roles r on r.oid = acl.grantee
   where r.rolname not in ${LOGINS_OF_SERVER}
     and r.rolname !~ '^swarmplane_'
     and acl.grantee <> acl.grantor
   order by 1`;

const COLUMN_GRANTS = `
  select format('grant %s (%I) on table %s to %I', privilege_type, name, object, r.rolname) as text
    from (${COLUMN_ACLS}) acl
    join pg_roles r on r.oid = acl.grantee
   where r.rolname !~ '^swarmplane_' and r.rolname not in ${LOGINS_OF_SERVER}
   order by 1`;

const DEFAULT_GRANTS = `
  select format('alter default privileges for role %s%s grant %s on %s to %I', acl.defaclrole::regrole,
           coalesce(' in schema ' || (select quote_ident(nspname) from pg_namespace n where n.oid = acl.defaclnamespace), ''),
           acl.privilege_type,
           case acl.defaclobjtype when 'r' then 'tables' when 'f' then 'functions' when 'S' then 'sequences' when 'T' then 'types' else 'schemas' end,
           r.rolname) as text
    from (${DEFAULT_ACLS}) acl
    join pg_roles r on r.oid = acl.grantee
   where r.rolname !~ '^swarmplane_' and acl.grantee <> acl.defaclrole
   order by 1`;

const SEQUENCES = `
  select format('select setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename),
           coalesce(last_value, start_value), last_value is not null) as text
    from pg_sequences
   where schemaname in ${OURS}
   order by 1`;

/** What is not ours, and of our schemas what no statement above makes. */
const FOREIGN = `
  select case c.relkind when 'v' then 'view ' when 'm' then 'materialized view ' when 'f' then 'foreign table '
                        when 'S' then 'sequence ' else 'table ' end || c.oid::regclass as text
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where not c.relispartition and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
     and (n.nspname not in ${OURS} and c.relkind in ('r', 'p', 'v', 'm', 'f')
          or n.nspname in ${OURS} and c.relkind = 'f'
          or n.nspname = 'swarmplane' and c.relkind = 'm')
     and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
   union all
  select 'routine ' || p.oid::regprocedure
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
   where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
     and (n.nspname not in ${OURS} or n.nspname = 'inventory' and p.prokind not in ('f', 'p'))
     and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
   order by 1`;
