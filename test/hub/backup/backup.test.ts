import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { backupEmbedded, restoreEmbedded } from '../../../src/hub/backup/embedded-backup.ts';
import { openPool } from '../../../src/hub/database/database.ts';
import { dumpSchema } from '../../../src/hub/schema/dump.ts';
import { EmbeddedPostgres } from '../../../src/hub/postgres/embedded.ts';
import { HubError } from '../../../src/hub/errors.ts';
import { migrate } from '../../../src/hub/schema/migrate.ts';
import { migrationsDir, sqlDir } from '../../helpers/postgres.ts';

let folder: string;
let server: EmbeddedPostgres;
const pools: pg.Pool[] = [];

const place = (name: string): { dataDir: string; homeForRoot: string } => ({
  dataDir: join(folder, name),
  homeForRoot: `${folder}-home`,
});

function open(url: string): pg.Pool {
  const pool = openPool(url, { max: 2 });
  pools.push(pool);
  return pool;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swarmplane-backup-'));
  server = await EmbeddedPostgres.start(place('one'));
  await migrate(open(server.hubUrl), { migrationsDir, sqlDir, release: '0.0.0' });
  await fill(open(server.superUrl));
});

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.end()));
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
  await rm(`${folder}-home`, { recursive: true, force: true });
});

/** Rows of a real request, values that are easily damaged, and what is made only at run time. */
async function fill(pool: pg.Pool): Promise<void> {
  await pool.query(`
    create table inventory_probe (left_out int);
    create function theirs() returns int language sql as 'select 1';
    create role alice login password 'wonderland';
    grant swarmplane_operator to alice;
    grant select on swarmplane.request_status to alice;
    set role swarmplane_owner;
    create table inventory.odd (
      id bigint generated always as identity primary key,
      text_ text, bytes bytea, number numeric, real8 double precision, at timestamptz, span interval,
      doc jsonb, list text[], net inet,
      twice numeric generated always as (number * 2) stored
    );
    create table inventory.odd_history (id bigint not null, valid_to timestamptz not null, primary key (id, valid_to))
      partition by range (valid_to);
    create index on inventory.odd_history using brin (valid_to);
    create table inventory.odd_history_2026 partition of inventory.odd_history for values from ('2026-01-01') to ('2027-01-01');
    create view inventory.latest with (security_invoker) as select * from inventory.odd;
    create function inventory.how_many() returns bigint language sql begin atomic select count(*) from inventory.latest; end;
    grant select on inventory.odd to swarmplane_reader;
    reset role;
    insert into inventory.odd (text_, bytes, number, real8, at, span, doc, list, net) values
      (E'line\\nbreak "quote" \\\\ ü \\u2028', '\\x00ff', 12345678901234567890.0123456789, 0.1::float8 + 0.2, '2026-11-22 01:02:03.456789+00', '1 mon 2 days', 'null', array['a,b', null, '{}'], '10.0.0.1/8'),
      ('', null, 'NaN', 'Infinity', 'infinity', null, '{"a": 1e400}', '{}', '::1'),
      (null, null, null, null, null, null, null, null, null);
    insert into inventory.odd (number) select n from generate_series(1, 1000) n;
    insert into inventory.odd_history values (1, '2026-05-05');
    insert into swarmplane.node (identity, name, state) values (repeat('a', 64), 'web1', 'alive'), (repeat('b', 64), 'web2', 'alive');
    select swarmplane.make_partitions();
    insert into swarmplane.request (sql) values ('select 1'), ('select 2')`);
}

/** Every row of every table of ours, as text, and the schema. */
async function everything(url: string): Promise<Record<string, string[]>> {
  const pool = open(url);
  const { rows: tables } = await pool.query<{ name: string }>(`
    select c.oid::regclass::text as name from pg_class c
     where c.relnamespace in ('swarmplane'::regnamespace, 'inventory'::regnamespace)
       and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname not in ('migration', 'sql_file') order by 1`);
  const found: Record<string, string[]> = { schema: (await dumpSchema(pool)).split('\n') };
  for (const { name } of tables) {
    const { rows } = await pool.query<{ row: string }>(
      `select (t.*)::text as row from ${name} t order by 1`,
    );
    found[name] = rows.map((each) => each.row);
  }
  const { rows } = await pool.query<{ row: string }>(`
    select schemaname || '.' || sequencename || ' ' || coalesce(last_value::text, 'unused') as row from pg_sequences
     where schemaname in ('swarmplane', 'inventory') order by 1`);
  found['sequences'] = rows.map((each) => each.row);
  const { rows: partitions } = await pool.query<{ row: string }>(`
    select c.oid::regclass || ' ' || pg_get_expr(c.relpartbound, c.oid) || ' ' || c.relowner::regrole as row
      from pg_class c where c.relispartition and c.relkind = 'r' order by 1`);
  found['partitions'] = partitions.map((each) => each.row);
  return found;
}

async function failure(promise: Promise<unknown>): Promise<HubError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HubError);
  return error as HubError;
}

describe('a backup', () => {
  it('taken while the hub works, restored on another machine, is the same to the last digit', async () => {
    const file = join(folder, 'full.backup');
    const summary = await backupEmbedded({ ...place('one'), file });
    expect(summary.leftOut).toEqual(['routine public.theirs()', 'table public.inventory_probe']);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const before = await everything(server.superUrl);

    const restored = await restoreEmbedded({ ...place('two'), file });
    expect(restored).toMatchObject({ rows: summary.rows, formerDatabase: undefined, notDone: [] });
    expect(restored.tables).toHaveLength(summary.tables);
    const other = await EmbeddedPostgres.start(place('two'));
    expect(await everything(other.superUrl)).toEqual(before);

    const hub = open(other.hubUrl);
    const { rows } = await hub.query(
      `insert into inventory.odd (text_) values ('next') returning id::int`,
    );
    expect(rows).toEqual([{ id: 1004 }]);
    expect((await hub.query('select inventory.how_many()::int as n')).rows).toEqual([{ n: 1004 }]);
    // Rows went in without triggers; those are at work again.
    expect((await hub.query('select count(*)::int as n from swarmplane.delivery')).rows).toEqual([
      { n: 4 },
    ]);
    await hub.query(`insert into swarmplane.request (sql) values ('select 3')`);
    expect((await hub.query('select count(*)::int as n from swarmplane.delivery')).rows).toEqual([
      { n: 6 },
    ]);
    expect((await hub.query('select * from swarmplane.count_fault')).rows).toEqual([]);
    const again = await migrate(hub, { migrationsDir, sqlDir, release: '0.0.0' });
    expect(again).toEqual({ applied: [], reapplied: [], drift: [] });

    const alice = open(other.url.replace(/\/\/operator:[^@]+@/, '//alice:wonderland@'));
    expect(
      (await alice.query('select count(*)::int as n from swarmplane.request_status')).rows,
    ).toEqual([{ n: 6 }]);
    await Promise.all(pools.splice(0).map((pool) => pool.end()));
    await other.stop();
  });

  it('replaces a database in use by no one and keeps the old one under another name', async () => {
    const file = join(folder, 'replace.backup');
    await backupEmbedded({ ...place('one'), file });
    await open(server.superUrl).query(
      `insert into inventory.odd (text_) values ('after the backup')`,
    );
    await Promise.all(pools.splice(0).map((pool) => pool.end()));
    const { formerDatabase } = await restoreEmbedded({ ...place('one'), file, replace: true });
    const find = `select count(*)::int as n from inventory.odd where text_ = 'after the backup'`;
    expect((await open(server.superUrl).query(find)).rows).toEqual([{ n: 0 }]);
    const former = server.superUrl.replace(/\/swarmplane$/, `/${formerDatabase}`);
    expect((await open(former).query(find)).rows).toEqual([{ n: 1 }]);
  });

  it('is refused while a hub is connected', async () => {
    const file = join(folder, 'busy.backup');
    await backupEmbedded({ ...place('one'), file });
    await open(server.hubUrl).query('select 1');
    const error = await failure(restoreEmbedded({ ...place('one'), file, replace: true }));
    expect(error.code).toBe('database_in_use');
    expect(error.message).toContain('swarmplane hub');
  });

  it('does not overwrite a file, and says where there is no database', async () => {
    const file = join(folder, 'there');
    await writeFile(file, 'mine');
    expect((await failure(backupEmbedded({ ...place('one'), file }))).code).toBe('file_exists');
    expect(await readFile(file, 'utf8')).toBe('mine');
    const error = await failure(backupEmbedded({ ...place('nowhere'), file: join(folder, 'x') }));
    expect(error.code).toBe('no_database');
  });

  it('cut short, damaged or of something else is refused and changes nothing', async () => {
    const file = join(folder, 'good.backup');
    await backupEmbedded({ ...place('one'), file });
    const before = await everything(server.superUrl);
    await Promise.all(pools.splice(0).map((pool) => pool.end()));
    const whole = await readFile(file);
    const lines = gunzipSync(whole).toString().trimEnd().split('\n');
    const withoutEnd = gzipSync(lines.slice(0, -1).join('\n'));
    const newer = gzipSync(lines[0]!.replace('"version":2', '"version":9'));
    for (const [bytes, code] of [
      [whole.subarray(0, whole.length / 2), 'backup_incomplete'],
      [withoutEnd, 'backup_incomplete'],
      [newer, 'backup_too_new'],
      [Buffer.from('hello'), 'not_a_backup'],
      [gzipSync('hello'), 'not_a_backup'],
      [gzipSync(lines.slice(3).join('\n')), 'not_a_backup'],
    ] as const) {
      const bad = join(folder, 'bad.backup');
      await writeFile(bad, bytes);
      expect(
        (await failure(restoreEmbedded({ ...place('one'), file: bad, replace: true }))).code,
      ).toBe(code);
    }
    expect(await everything(server.superUrl)).toEqual(before);
    const { rows } = await open(server.superUrl).query(
      `select datname from pg_database where datname like '%restore'`,
    );
    expect(rows).toEqual([]);
  });
});
