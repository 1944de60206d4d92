import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished, vi } from 'vitest';
import { driftText, lookForDrift, type Drift } from '../../../src/hub/schema/drift.ts';
import { migrate } from '../../../src/hub/schema/migrate.ts';
import { needs } from '../../helpers/needs.ts';
import {
  eachPostgres,
  migrationsDir,
  sqlDir,
  startTestPostgres,
  type TestDatabase,
} from '../../helpers/postgres.ts';
import { SYSTEM_15 } from '../../helpers/postgres-server.ts';
import { hubFixture } from '../hub-fixture.ts';

// Servers of their own, and half a second a change where others work as well.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const OWNER = 'swarmplane_owner';

/** What is done by hand, as a superuser, and what is told of it. */
const TAMPERED: readonly (readonly [sql: string, told: string | RegExp | readonly string[]])[] = [
  [
    'alter table swarmplane.result disable row level security',
    'table swarmplane.result changed by hand: row security: off, was on',
  ],
  [
    'alter table inventory.mounts_current disable row level security',
    'table inventory.mounts_current changed by hand: row security: off, was on',
  ],
  ['alter policy by_label on swarmplane.result using (true)', /using: true, was/],
  [
    'alter policy by_label on inventory.shadow_history to swarmplane_reader',
    'policy inventory.shadow_history.by_label changed by hand: definition',
  ],
  [
    'drop policy sensitive_apart on swarmplane.result',
    'policy swarmplane.result.sensitive_apart missing by hand',
  ],
  [
    'create policy all_of_it on swarmplane.result for select using (true)',
    'policy swarmplane.result.all_of_it added by hand',
  ],
  [
    'drop index swarmplane.alert_event_unsent',
    'index swarmplane.alert_event_unsent missing by hand',
  ],
  [
    'alter table swarmplane.schedule drop constraint every_or_cron',
    'constraint swarmplane.schedule.every_or_cron missing by hand',
  ],
  [
    'alter table swarmplane.node_label disable trigger all',
    [
      'constraint swarmplane.node_label.node_label_node_id_fkey changed by hand: holds: no, was yes',
      'trigger swarmplane.node_label._101_refuse_truncate changed by hand: fires: never, was always',
      'trigger swarmplane.node_label._700_audit changed by hand: fires: never, was by itself',
    ],
  ],
  [
    'drop trigger _700_audit on swarmplane.setting',
    'trigger swarmplane.setting._700_audit missing by hand',
  ],
  [
    'drop trigger _910_notify_resolved on swarmplane.alert',
    'trigger swarmplane.alert._910_notify_resolved missing by hand',
  ],
  [
    'alter table inventory.mounts_history disable trigger _100_refuse_change',
    'trigger inventory.mounts_history._100_refuse_change changed by hand: fires: never, was always',
  ],
  [
    'create rule nothing as on delete to swarmplane.request do instead nothing',
    'rule swarmplane.request.nothing added by hand',
  ],
  [
    'grant select on swarmplane.delivery to public',
    'grant select on table swarmplane.delivery to public added by hand',
  ],
  [
    'grant insert (action) on swarmplane.request to swarmplane_asker',
    'grant insert (action) on table swarmplane.request to swarmplane_asker added by hand',
  ],
  [
    'grant execute on function swarmplane.raise_alert to public',
    'grant execute on routine swarmplane.raise_alert(text,text,text,text,jsonb,integer) to public added by hand',
  ],
  [
    'revoke select on swarmplane.node from swarmplane_reader',
    'grant select on table swarmplane.node to swarmplane_reader missing by hand',
  ],
  [
    'grant select on inventory.shadow_current to swarmplane_reader',
    'grant select on table inventory.shadow_current to swarmplane_reader added by hand',
  ],
  [
    'grant swarmplane_auditor to swarmplane_asker',
    'membership swarmplane_auditor to swarmplane_asker added by hand',
  ],
  [
    'grant pg_read_all_data to swarmplane_asker',
    'membership pg_read_all_data to swarmplane_asker added by hand',
  ],
  [
    'alter role swarmplane_reader bypassrls',
    'role swarmplane_reader changed by hand: may: bypassrls, was nothing by itself',
  ],
  [
    'alter table swarmplane.result owner to swarmplane_operator',
    /table swarmplane\.result changed by hand: owner: swarmplane_operator, was swarmplane_owner/,
  ],
  [
    `revoke insert on swarmplane.alert from ${OWNER}`,
    'ownership table swarmplane.alert added by hand',
  ],
  [
    'alter function swarmplane.visible_nodes() security invoker',
    'function swarmplane.visible_nodes() changed by hand: security: invoker, was definer',
  ],
  [
    'alter function swarmplane.visible_nodes() reset search_path',
    'function swarmplane.visible_nodes() changed by hand: settings: none, was search_path=pg_catalog, swarmplane, pg_temp',
  ],
  [
    `create or replace function swarmplane.sees_all() returns boolean language sql stable security definer
       set search_path = pg_catalog, swarmplane, pg_temp as 'select true'`,
    'function swarmplane.sees_all() changed by hand: body; language: sql, was plpgsql',
  ],
  [
    `create function swarmplane.setting_interval(text, text) returns interval language sql as $$select interval '1 s'$$`,
    'function swarmplane.setting_interval(text,text) added by hand',
  ],
  [
    `do $$ begin execute 'create or replace view swarmplane.count_fault as '
       || rtrim(pg_get_viewdef('swarmplane.count_fault'::regclass), ';') || ' limit 0'; end $$`,
    'view swarmplane.count_fault changed by hand: definition; options: none, was security_invoker=true',
  ],
  [
    'alter view swarmplane.request_status reset (security_invoker)',
    /view swarmplane.request_status changed by hand: options: none/,
  ],
  [
    `alter table swarmplane.request alter asked_by set default 'postgres'`,
    /column swarmplane.request.asked_by changed by hand: default/,
  ],
  [
    'alter table swarmplane.request alter asked_by drop not null',
    'column swarmplane.request.asked_by changed by hand: null: null, was not null',
  ],
  [
    `do $$ begin execute format('grant select on %s to swarmplane_reader',
       (select min(inhrelid::regclass::text) from pg_inherits where inhparent = 'swarmplane.audit'::regclass)); end $$`,
    /grant select on table swarmplane.audit_\w+ to swarmplane_reader added by hand/,
  ],
];

eachPostgres('drift', (postgres) => {
  it('names each change by hand, and what it says mends it', async () => {
    const database = await tracking(await postgres().createDatabase({ used: true }));
    const pool = database.pool(database.superUrl);
    expect(await drift(database)).toEqual([]);
    for (const [sql, told] of TAMPERED) {
      await pool.query(sql);
      const found = await drift(database);
      const texts = found.map(driftText);
      if (told instanceof RegExp) expect(texts).toEqual([expect.stringMatching(told)]);
      else expect(texts).toEqual(typeof told === 'string' ? [told] : told);
      for (const { mend } of found) await mended(database, mend);
      expect((await drift(database)).map(driftText), `after mending ${sql}`).toEqual([]);
    }
  });

  it('lets be what an administrator has beside it', async () => {
    const database = await tracking(await postgres().createDatabase({ used: true }));
    await database.pool(database.superUrl).query(`
      create role reports_${postgres().major} nologin;
      create schema reports authorization reports_${postgres().major};
      create table reports.seen (id int);
      create table swarmplane.my_notes (id int);
      create function swarmplane.my_function() returns int language sql as 'select 1';
      create index my_index on swarmplane.result (node_id);
      create view inventory.my_view as select * from inventory.mounts;
      create function swarmplane.my_trigger() returns trigger language plpgsql as 'begin return null; end';
      create trigger my_trigger after insert on swarmplane.alert for each row execute function swarmplane.my_trigger();
      grant usage on schema swarmplane to reports_${postgres().major};
      grant select on swarmplane.result, inventory.mounts to reports_${postgres().major};
      grant swarmplane_reader to reports_${postgres().major};
      alter table swarmplane.node set (autovacuum_vacuum_scale_factor = 0.01);
      comment on table swarmplane.node is 'mine';
      create publication mine for tables in schema swarmplane`);
    expect(await drift(database)).toEqual([]);
  });

  it('is an alert as long as it is there, and no longer', async () => {
    const fixture = await hubFixture(postgres());
    const { database, query, until: untilRow, startHub } = fixture;
    const sql = (text: string): Promise<unknown> => database.pool(database.superUrl).query(text);
    const open = `select key, message, detail ->> 'mend' as mend, count, first_at from swarmplane.alert
                   where kind = 'drift' and resolved_at is null order by key`;
    await sql('alter table swarmplane.result disable row level security');
    const hub = await startHub({ driftMs: 100, alertsMs: 50 });
    await query(`update swarmplane.setting set value = least where name = 'alert_quiet_after'`);
    const [first] = await query<{ key: string; message: string; mend: string }>(open);
    expect(first).toMatchObject({
      key: 'table swarmplane.result',
      message:
        'table swarmplane.result changed by hand: row security: off, was on; mend it: ' +
        'alter table swarmplane.result enable row level security, no force row level security;',
    });
    // While a hub is at work a second thing changes, and is told of without the first being told anew.
    await sql('drop index swarmplane.alert_event_unsent');
    await untilRow(`select from swarmplane.alert where kind = 'drift' and key = $1`, [
      'index swarmplane.alert_event_unsent',
    ]);
    await sql(first!.mend);
    await untilRow(`select resolved_at from swarmplane.alert where kind = 'drift' and key = $1`, [
      first!.key,
    ]);
    await hub.stop();
    // Nobody looks: it is there still. It is over a day old, and alerts that nobody repeats go when quiet.
    await query(
      `update swarmplane.alert set last_at = now() - interval '9 days' where kind = 'drift'`,
    );
    await query('select swarmplane.look_after_alerts()');
    const [left, ...none] = await query<{ key: string; mend: string; count: number }>(open);
    expect(none).toEqual([]);
    expect(left).toMatchObject({ key: 'index swarmplane.alert_event_unsent', count: 1 });
    await sql(left!.mend);
    const successor = await startHub();
    expect(await query(open)).toEqual([]);
    await successor.stop();
  });
});

needs('pg_dump 15', existsSync(join(SYSTEM_15, 'pg_dump')))(
  'a dump that is restored has none, and keeps what there was, on PostgreSQL 15 and 18',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'swarmplane-drift-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const source = await startTestPostgres({ major: 15 });
    onTestFinished(() => source.stop());
    const old = await tracking(await source.createDatabase({ used: true }));
    const whole = join(folder, 'whole.dump');
    const tampered = join(folder, 'tampered.dump');
    await run('pg_dump', '--format=custom', `--file=${whole}`, old.superUrl);
    await old.pool(old.superUrl).query('drop index swarmplane.alert_event_unsent');
    await run('pg_dump', '--format=custom', `--file=${tampered}`, old.superUrl);
    for (const major of [15, 18] as const) {
      const server = await startTestPostgres({ major });
      onTestFinished(() => server.stop());
      const restored = await server.createDatabase({ empty: true });
      await run('pg_restore', '--exit-on-error', `--dbname=${restored.superUrl}`, whole);
      expect((await drift(restored)).map(driftText)).toEqual([]);
      const other = await server.createDatabase({ empty: true });
      await run('pg_restore', '--exit-on-error', `--dbname=${other.superUrl}`, tampered);
      expect((await drift(other)).map(driftText)).toEqual([
        'index swarmplane.alert_event_unsent missing by hand',
      ]);
    }
  },
);

const run = (program: string, ...args: string[]): Promise<unknown> =>
  promisify(execFile)(join(SYSTEM_15, program), args);

it('a release that another one followed does not judge it', async () => {
  const server = await startTestPostgres();
  onTestFinished(() => server.stop());
  const database = await server.createDatabase();
  await database
    .pool()
    .query(
      `update swarmplane.sql_file set checksum = 'of a newer one' where name = '10-alert.sql'`,
    );
  await database.pool(database.superUrl).query('drop index swarmplane.alert_event_unsent');
  expect(await drift(database)).toBeUndefined();
});

async function tracking(database: TestDatabase): Promise<TestDatabase> {
  await database.pool().query(`select swarmplane.track('mounts'), swarmplane.track('shadow')`);
  return database;
}

async function mended(database: TestDatabase, mend: string): Promise<void> {
  await database.pool(database.superUrl).query(mend);
  if (/sql_file/.test(mend)) await migrate(database.pool(), { ...FOLDERS, release: '0.0.0' });
}

async function drift(database: TestDatabase, url = database.url): Promise<Drift[]> {
  const client = await database.pool(url).connect();
  try {
    return (await lookForDrift(client, FOLDERS))!;
  } finally {
    client.release();
  }
}

const FOLDERS = { migrationsDir, sqlDir };
