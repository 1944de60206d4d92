/** What `swarmplane doctor` looks at in a database that can be reached, one question each. */
import type pg from 'pg';
import { broken, fine, skipped, warning, type Finding } from '../../agent/index.ts';
import { driftText, findDrift } from '../schema/drift.ts';
import { HubError } from '../errors.ts';
import { findHolders, holderText } from '../database/holders.ts';
import type { QueueFacts } from '../queue/facts.ts';
import { readMigrations } from '../schema/migration-files.ts';
import { MIGRATIONS_DIR, SQL_DIR } from '../release.ts';
import { refuseUnfinished } from '../schema/restore-mark.ts';

export interface Look {
  readonly check: string;
  /** Runs in a transaction that is rolled back. May reject with what pg throws. */
  look(client: pg.Client, oldMs: number): Promise<Finding[]>;
}

export const DATABASE_LOOKS: readonly Look[] = [
  { check: 'restore', look: unfinishedRestore },
  { check: 'settings', look: settings },
  { check: 'connections', look: connections },
  { check: 'snapshots', look: snapshots },
  { check: 'roles', look: roles },
  { check: 'schema', look: schema },
  { check: 'drift', look: drift },
  { check: 'dead rows', look: deadRows },
  { check: 'partitions', look: partitions },
  { check: 'queue', look: queue },
  { check: 'stalled', look: stalled },
  { check: 'backups', look: backups },
  { check: 'locks', look: locks },
  { check: 'counts', look: counts },
];

/** Of those that hubs make by themselves. */
async function backups(client: pg.Client): Promise<Finding[]> {
  const { rows } = await client.query<{
    plans: number;
    old: string | null;
    verified: string | null;
  }>(
    `select (select count(*)::int from swarmplane.backup_plan) as plans,
            (select string_agg(message, '; ' order by key) from swarmplane.alert
              where kind in ('backup_old', 'backup_failed') and resolved_at is null) as old,
            (select to_char(max(ended_at) at time zone 'UTC', 'YYYY-MM-DD HH24:MI') from swarmplane.backup
              where verified) as verified`,
  );
  const { plans, old, verified } = rows[0]!;
  if (plans === 0)
    return [skipped('backups', 'no hub makes backups by itself', 'backup in its config.yaml')];
  if (old !== null) return [broken('backups', old, 'table swarmplane.backup says what went wrong')];
  const last = verified === null ? 'none was verified yet' : `verified last at ${verified} UTC`;
  return [fine('backups', last)];
}

async function unfinishedRestore(client: pg.Client): Promise<Finding[]> {
  try {
    await refuseUnfinished(client);
    return [];
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return [broken('restore', error.message, error.hint ?? 'restore it again')];
  }
}

/** Setting, whether a value is fine, how bad it is otherwise, and what to do. */
const SETTINGS: readonly (readonly [
  name: string,
  fits: (value: string) => boolean,
  how: typeof broken,
  hint: string,
])[] = [
  [
    'fsync',
    (v) => v === 'on',
    broken,
    'alter system set fsync = on: a crash would lose the database',
  ],
  ['full_page_writes', (v) => v === 'on', broken, 'alter system set full_page_writes = on'],
  [
    'synchronous_commit',
    (v) => v !== 'off',
    warning,
    'alter system set synchronous_commit = on: a crash would lose requests that were committed',
  ],
  ['autovacuum', (v) => v === 'on', warning, 'alter system set autovacuum = on'],
  [
    'idle_in_transaction_session_timeout',
    (v) => v !== '0',
    warning,
    "alter system set idle_in_transaction_session_timeout = '10min': a forgotten transaction keeps dead rows for ever",
  ],
  [
    'default_transaction_read_only',
    (v) => v === 'off',
    broken,
    'alter database .. set default_transaction_read_only = off',
  ],
  [
    'default_transaction_isolation',
    (v) => v === 'read committed',
    broken,
    "alter database .. set default_transaction_isolation = 'read committed': claims skip what others hold",
  ],
];

async function settings(client: pg.Client): Promise<Finding[]> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    'select name, setting from pg_settings where name = any($1)',
    [SETTINGS.map(([name]) => name)],
  );
  const values = new Map(rows.map(({ name, setting }) => [name, setting]));
  const found = SETTINGS.flatMap(([name, fits, how, hint]) => {
    const value = values.get(name);
    return value === undefined || fits(value) ? [] : [how('settings', `${name} is ${value}`, hint)];
  });
  return found.length > 0 ? found : [fine('settings', `${SETTINGS.length} looked at, all fit`)];
}

async function connections(client: pg.Client): Promise<Finding[]> {
  const [row] = await ask<{ used: number; most: number }>(
    client,
    `select (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as used,
            current_setting('max_connections')::int
              - current_setting('superuser_reserved_connections')::int as most`,
  );
  const { used, most } = row!;
  const says = `${used} of ${most} connections in use`;
  if (most - used >= CONNECTIONS_FREE_MIN) return [fine('connections', says)];
  const hint = 'raise max_connections or stop other clients: a hub takes up to 12';
  return [warning('connections', says, hint)];
}

const CONNECTIONS_FREE_MIN = 15;

/** What keeps dead rows from being cleared away, and how far the transaction counter has run. */
async function snapshots(client: pg.Client, oldMs: number): Promise<Finding[]> {
  const rows = await ask<{ what: string; hint: string }>(client, SNAPSHOTS, [oldMs]);
  const found = rows.map(({ what, hint }) => warning('snapshots', what, hint));
  const [seen] = await ask<{ all: boolean }>(
    client,
    `select pg_has_role(current_user, 'pg_read_all_stats', 'usage') as all`,
  );
  if (!seen!.all)
    found.push(
      skipped('snapshots', 'other logins are not visible', 'grant pg_read_all_stats to it'),
    );
  return found.length > 0 ? found : [fine('snapshots', 'no transaction is old')];
}

const SNAPSHOTS = `
  select format('process %s of %s is in a transaction since %s', pid, usename, date_trunc('second', xact_start)) as what,
         format('end it: select pg_terminate_backend(%s)', pid) as hint
    from pg_stat_activity
   where datname = current_database() and xact_start <= now() - $1 * interval '1 ms'
     and pid <> pg_backend_pid()
     and backend_type = 'client backend'
   union all
  select format('prepared transaction "%s" of %s is open since %s', gid, owner, date_trunc('second', prepared)),
         format('end it: rollback prepared %L', gid)
    from pg_prepared_xacts
   where database = current_database() and prepared < now() - $1 * interval '1 ms'
   union all
  select format('replication slot %s holds rows of %s transactions', slot_name, age(coalesce(catalog_xmin, xmin))),
         format('drop it if nobody uses it: select pg_drop_replication_slot(%L)', slot_name)
    from pg_replication_slots
   where age(coalesce(catalog_xmin, xmin)) > 10000000
   union all
  select format('%s transactions since the oldest freeze', age(datfrozenxid)), 'vacuum freeze; at 2 billion the server stops'
    from pg_database
   where datname = current_database() and age(datfrozenxid) > 1000000000`;

async function roles(client: pg.Client): Promise<Finding[]> {
  const names = ROLES.map((name) => `swarmplane_${name}`);
  const rows = await ask<{ name: string }>(
    client,
    'select n as name from unnest($1::text[]) n where not exists (select from pg_roles where rolname = n)',
    [names],
  );
  if (rows.length > 0) {
    const missing = rows.map(({ name }) => name).join(', ');
    const hint = 'start a hub here once: it makes them, and needs CREATEROLE for it';
    return [broken('roles', `missing: ${missing}`, hint)];
  }
  const operators = await ask<{ name: string }>(
    client,
    `select rolname as name from pg_roles
      where rolcanlogin and not rolsuper and pg_has_role(oid, 'swarmplane_operator', 'usage')
      order by 1`,
  );
  const who = operators.map(({ name }) => name).join(', ') || 'nobody but superusers';
  return [fine('roles', `all six are there; operators: ${who}`)];
}

const ROLES = ['owner', 'hub', 'reader', 'asker', 'operator', 'auditor', 'sensitive'];

async function schema(client: pg.Client): Promise<Finding[]> {
  const [there] = await ask<{ ready: boolean }>(
    client,
    `select to_regclass('swarmplane.sql_file') is not null as ready`,
  );
  if (!there!.ready) {
    const hint = 'start one with `swarmplane hub --database URL`: it makes the schema';
    return [broken('schema', 'no hub has worked with this database yet', hint)];
  }
  const files = await readMigrations(MIGRATIONS_DIR);
  const rows = await ask<{ version: number; name: string; checksum: string; release: string }>(
    client,
    'select version, name, checksum, release from swarmplane.migration order by version',
  );
  const changed = rows.find((row) => {
    const file = files[row.version - 1];
    return file !== undefined && file.checksum !== row.checksum;
  });
  if (changed !== undefined) {
    const hint = 'install swarmplane again: a released migration never changes';
    return [broken('schema', `migration ${changed.name} is not the one that was applied`, hint)];
  }
  const newest = rows.at(-1);
  if ((newest?.version ?? 0) > files.length) {
    const says = `migration ${newest!.name} is of swarmplane ${newest!.release}, newer than this program`;
    return [warning('schema', says, `install swarmplane ${newest!.release} here`)];
  }
  const missing = files.slice(newest?.version ?? 0).map(({ name }) => name);
  if (missing.length === 0) return [fine('schema', `${rows.length} migrations, none missing`)];
  const says = `not applied yet: ${missing.join(', ')}`;
  return [warning('schema', says, 'start a hub of this version: it applies them')];
}

async function drift(client: pg.Client): Promise<Finding[]> {
  const found = await findDrift(client, { migrationsDir: MIGRATIONS_DIR, sqlDir: SQL_DIR });
  if (found === undefined) {
    const says = 'another release than this one made the schema';
    return [skipped('drift', says, 'start a hub of this release, or look with that one')];
  }
  if (found.length === 0) return [fine('drift', 'the schema is as released')];
  const told = found.slice(0, DRIFT_SHOWN_MAX);
  const more = found.length - told.length;
  return [
    ...told.map((each) => warning('drift', driftText(each), each.mend)),
    ...(more === 0 ? [] : [warning('drift', `and ${more} more`, 'mend these and look again')]),
  ];
}

const DRIFT_SHOWN_MAX = 20;

async function deadRows(client: pg.Client): Promise<Finding[]> {
  const rows = await ask<{ name: string; dead: number; live: number }>(
    client,
    `select relname as name, n_dead_tup::float8 as dead, n_live_tup::float8 as live
       from pg_stat_all_tables
      where schemaname = 'swarmplane' and n_dead_tup > 10000 and n_dead_tup > n_live_tup
      order by n_dead_tup desc limit 5`,
  );
  if (rows.length === 0) return [fine('dead rows', 'autovacuum keeps up')];
  return rows.map(({ name, dead, live }) =>
    warning(
      'dead rows',
      `swarmplane.${name} holds ${dead} dead rows beside ${live}`,
      `vacuum swarmplane.${name}; if that does not help, something holds an old snapshot`,
    ),
  );
}

async function partitions(client: pg.Client): Promise<Finding[]> {
  const rows = await ask<{ name: string; days: number | null }>(client, PARTITIONS);
  const short = rows.filter(({ days }) => (days ?? 0) < PARTITION_DAYS_MIN);
  if (short.length === 0) return [fine('partitions', `made ahead for ${rows.length} tables`)];
  return short.map(({ name, days }) => {
    const until = days === null ? 'has none' : `has them for ${days.toFixed(1)} more days`;
    const how = (days ?? 0) <= 0 ? broken : warning;
    return how(
      'partitions',
      `swarmplane.${name} ${until}`,
      'start a hub: it makes them every hour',
    );
  });
}

const PARTITION_DAYS_MIN = 7;

const PARTITIONS = `
  select p.relname as name,
         (select extract(epoch from max(substring(pg_get_expr(c.relpartbound, c.oid) from $$TO \\('([^']+)'\\)$$)::timestamptz)
                                    - now())::float8 / 86400
            from pg_inherits i join pg_class c on c.oid = i.inhrelid
           where i.inhparent = p.oid) as days
    from pg_class p
   where p.relnamespace = 'swarmplane'::regnamespace and p.relkind = 'p'
   order by 1`;

async function queue(client: pg.Client): Promise<Finding[]> {
  const [row] = await ask<{ facts: QueueFacts }>(
    client,
    'select swarmplane.queue_facts() as facts',
  );
  const { deliveries, oldest_due_seconds: due, alerts, hubs } = row!.facts;
  const found: Finding[] = [];
  if (hubs.length === 0) {
    found.push(broken('hub', 'no hub is at work on it', 'start one with `swarmplane hub`'));
  } else found.push(fine('hub', `at work: ${hubs.join(', ')}`));
  const waits = Object.entries(deliveries).map(([state, count]) => `${count} ${state}`);
  const says = `${waits.join(', ')}; the oldest that is due waits for ${due.toFixed(0)} s`;
  const hint = 'look whether a hub is at work and what its log says; more hubs share the work';
  found.push(due > DUE_S_MAX ? warning('queue', says, hint) : fine('queue', says));
  const { critical = 0, warning: warnings = 0 } = alerts;
  const open = `${critical} critical, ${warnings} warnings open`;
  if (critical > 0) found.push(broken('alerts', open, 'see `swarmplane alerts`'));
  else if (warnings > 0) found.push(warning('alerts', open, 'see `swarmplane alerts`'));
  else found.push(fine('alerts', 'none open'));
  return found;
}

const DUE_S_MAX = 60;

/** What hubs could write of it; a hub that cannot says it in `swarmplane status` of its host. */
async function stalled(client: pg.Client): Promise<Finding[]> {
  const rows = await ask<{ message: string }>(
    client,
    `select message from swarmplane.alert where kind = 'hub_stalled' and resolved_at is null order by key`,
  );
  if (rows.length === 0) return [fine('stalled', 'no part of a hub')];
  return rows.map(({ message }) => broken('stalled', message, STALLED_HINT));
}

const STALLED_HINT = 'end the transaction that holds it up, or give back the right that is missing';

async function locks(client: pg.Client): Promise<Finding[]> {
  const holders = (await findHolders(client)).filter(({ state }) => state !== 'active');
  const open = holders.filter(({ state }) => state !== null && state !== 'idle');
  if (open.length === 0) return [fine('locks', 'no idle transaction holds any of ours')];
  return open.map((holder) =>
    warning('locks', `held by ${holderText(holder)}`, LOCKS_HINT(holder.pid)),
  );
}

const LOCKS_HINT = (pid: number | null): string =>
  pid === null
    ? 'end it: commit prepared or rollback prepared'
    : `end it: select pg_terminate_backend(${pid})`;

async function counts(client: pg.Client): Promise<Finding[]> {
  const rows = await ask<{ id: string }>(
    client,
    'select request_id::text as id from swarmplane.count_fault limit 5',
  );
  if (rows.length === 0) return [fine('counts', 'of requests are what their deliveries say')];
  const ids = rows.map(({ id }) => id).join(', ');
  return [
    broken('counts', `of requests ${ids} are not what their deliveries say`, 'please report this'),
  ];
}

async function ask<T extends pg.QueryResultRow>(
  client: pg.Client,
  sql: string,
  values: readonly unknown[] = [],
): Promise<T[]> {
  return (await client.query<T>(sql, [...values])).rows;
}
