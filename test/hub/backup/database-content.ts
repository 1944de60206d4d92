/** All that a hub's database is, as text to compare: schema, rows, sequences, partitions, comments, rights. */
import { createHash } from 'node:crypto';
import pg from 'pg';
import { dumpSchema } from '../../../src/hub/schema/dump.ts';

/**
 * By section; rows as their number and hash. With `since` without what depends on when a migration ran:
 * times after it, and the transactions of audit rows.
 */
export async function contentOf(superUrl: string, since?: Date): Promise<Record<string, string[]>> {
  const client = new pg.Client({ connectionString: superUrl });
  await client.connect();
  try {
    await client.query(
      `set timezone = 'UTC'; set search_path = pg_catalog; set extra_float_digits = 3; set bytea_output = hex`,
    );
    const found: Record<string, string[]> = { schema: (await dumpSchema(client)).split('\n') };
    for (const [section, sql] of Object.entries(SECTIONS))
      found[section] = await lines(client, sql);
    found['rows'] = [];
    for (const name of await lines(client, TABLES)) {
      const audit = since !== undefined && name === 'swarmplane.audit';
      const row = audit ? `to_jsonb(t) - 'xid'` : '(t.*)';
      const rows = await lines(client, `select (${row})::text as text from ${name} t`);
      const sorted = rows.map((row) => withoutTimes(row, since)).sort();
      const hash = createHash('sha256').update(sorted.join('\n')).digest('hex');
      found['rows'].push(`${name}: ${rows.length} ${hash}`);
    }
    return found;
  } finally {
    await client.end();
  }
}

function withoutTimes(row: string, since: Date | undefined): string {
  if (since === undefined) return row;
  const from = since.toISOString().replace('T', ' ').slice(0, 19);
  return row.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00/g, (at) =>
    at >= from ? 'later' : at,
  );
}

async function lines(client: pg.Client, sql: string): Promise<string[]> {
  const { rows } = await client.query<{ text: string }>(sql);
  return rows.map((row) => row.text);
}

const OURS = `(select oid from pg_namespace where nspname in ('swarmplane', 'inventory'))`;

const TABLES = `
  select c.oid::regclass::text as text from pg_class c
   where c.relnamespace in ${OURS} and c.relkind in ('r', 'p') and not c.relispartition
     and c.relname not in ('migration', 'sql_file')
   order by 1`;

const SECTIONS: Record<string, string> = {
  sequences: `
    select schemaname || '.' || sequencename || ' ' || coalesce(last_value::text, 'unused') as text
      from pg_sequences where schemaname in ('swarmplane', 'inventory') order by 1`,
  partitions: `
    select c.oid::regclass || ' of ' || i.inhparent::regclass || ' ' || pg_get_expr(c.relpartbound, c.oid)
           || ' ' || c.relowner::regrole || ' ' || coalesce(c.reloptions::text, '') as text
      from pg_class c join pg_inherits i on i.inhrelid = c.oid
     where c.relispartition and c.relkind in ('r', 'p') and c.relnamespace in ${OURS} order by 1`,
  indexes: `
    select pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' invalid' end as text
      from pg_index i join pg_class c on c.oid = i.indrelid
     where c.relnamespace in ${OURS} and not c.relispartition order by 1`,
  comments: `
    select pg_describe_object(classoid, objoid, objsubid) || ': ' || description as text
      from pg_description
     where pg_describe_object(classoid, objoid, objsubid) ~ '(swarmplane|inventory)' order by 1`,
  bodies: `
    select md5(pg_get_functiondef(p.oid)) || ' ' || p.oid::regprocedure as text
      from pg_proc p where p.pronamespace in ${OURS} and p.prokind in ('f', 'p')
     union all
    select md5(pg_get_viewdef(c.oid)) || ' ' || c.oid::regclass
      from pg_class c where c.relnamespace in ${OURS} and c.relkind in ('v', 'm') order by 1`,
  triggers: `
    select pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text as text
      from pg_trigger t join pg_class c on c.oid = t.tgrelid
     where c.relnamespace in ${OURS} and not t.tgisinternal order by 1`,
  migrations: `select version || ' ' || checksum as text from swarmplane.migration order by version`,
};
