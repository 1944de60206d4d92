/** What `swarmplane doctor` finds in a database: each fault is made, found, and told with a next step. */
import { describe, expect, it, onTestFinished } from 'vitest';
import pg from 'pg';
import { checkDatabase } from '../../../src/hub/doctor/database-check.ts';
import type { Finding } from '../../../src/agent/index.ts';
import { withPostgres, type TestDatabase } from '../../helpers/postgres.ts';
import { hubFixture } from '../hub-fixture.ts';
import { startPooler } from '../database/pooler.ts';

const postgres = withPostgres();

/** The findings of one check, `state: message`. */
function of(found: readonly Finding[], check: string): string[] {
  return found
    .filter((one) => one.check === check)
    .map(({ state, message }) => `${state}: ${message}`);
}

async function asSuper(database: TestDatabase, ...statements: string[]): Promise<void> {
  const pool = database.pool(database.superUrl);
  for (const statement of statements) await pool.query(statement);
}

describe('the database, looked at', () => {
  it('is well where a hub works on it, but for what tests switch off', async () => {
    const fixture = await hubFixture(postgres());
    await asSuper(fixture.database, 'grant pg_read_all_stats to swarmplane');
    await fixture.startHub();
    await fixture.ended(await fixture.request('select 1'));
    const found = await checkDatabase(fixture.database.url);
    expect(of(found, 'database')).toEqual([
      expect.stringMatching(/^ok: PostgreSQL 18\..* as swarmplane$/),
    ]);
    expect(of(found, 'listen')).toEqual([
      expect.stringMatching(/^ok: a notification came back after \d+ ms$/),
    ]);
    expect(of(found, 'hub')).toEqual(['ok: at work: hub1']);
    expect(of(found, 'schema')).toEqual([
      expect.stringMatching(/^ok: \d+ migrations, none missing$/),
    ]);
    expect(of(found, 'queue')).toEqual([
      'ok: 0 parked, 0 pending, 0 running; the oldest that is due waits for 0 s',
    ]);
    // test servers run without fsync and without the timeout
    const faults = found.filter(({ state }) => state !== 'ok').map(({ message }) => message);
    expect(faults).toEqual(
      expect.arrayContaining([
        'fsync is off',
        'full_page_writes is off',
        'synchronous_commit is off',
        'idle_in_transaction_session_timeout is 0',
        'no hub makes backups by itself',
      ]),
    );
    expect(faults).toHaveLength(5);
    expect(found.every(({ state, hint }) => state === 'ok' || hint !== undefined)).toBe(true);
  });

  it('says when a backup was verified last, and that none is made any more', async () => {
    const database = await postgres().createDatabase();
    const pool = database.pool();
    await pool.query(
      `select swarmplane.begin_backup('1', 'hub1', '1 day', '/b', 2, true, '1 minute')`,
    );
    await pool.query(
      `update swarmplane.backup set ended_at = '2026-01-02 03:04+00', began_at = '2026-01-02', verified = true, file = 'f'`,
    );
    const looked = async () => of(await checkDatabase(database.url), 'backups');
    expect(await looked()).toEqual(['ok: verified last at 2026-01-02 03:04 UTC']);
    await pool.query(`update swarmplane.backup_plan set planned_at = '2026-01-01'`);
    await pool.query('select swarmplane.look_after_backups()');
    expect(await looked()).toEqual([
      'error: the newest verified backup of this database is of 2026-01-02 00:00:00 UTC; hub hub1 is to make one every 1 day in /b',
    ]);
  });

  it('shows what was changed by hand, what is missing, and what piles up', async () => {
    const database = await postgres().createDatabase();
    await asSuper(
      database,
      `delete from swarmplane.migration where version = (select max(version) from swarmplane.migration)`,
      `do $$ declare part text; begin
         for part in select c.oid::regclass from pg_inherits i join pg_class c on c.oid = i.inhrelid
                      where i.inhparent = 'swarmplane.result'::regclass
         loop execute 'drop table ' || part; end loop; end $$`,
      `select swarmplane.raise_alert('clone', 'web1', 'x', 'critical')`,
    );
    await asSuper(
      database,
      `insert into swarmplane.node (identity, name, state) values (repeat('a', 64), 'web1', 'alive')`,
      `insert into swarmplane.request (sql) values ('select 1')`,
      `update swarmplane.delivery set run_at = now() - interval '2 minutes'`,
    );
    const found = await checkDatabase(database.url);
    expect(of(found, 'drift')[0]).toMatch(/^skipped: another release than this one/);
    expect(of(found, 'schema')[0]).toMatch(/^warning: not applied yet: \d{3}-/);
    expect(of(found, 'partitions')).toContain('error: swarmplane.result has none');
    expect(of(found, 'hub')).toEqual(['error: no hub is at work on it']);
    expect(of(found, 'queue')[0]).toMatch(/^warning: .*1 pending.* waits for 1[2-9]\d s/);
    expect(of(found, 'alerts')).toEqual(['error: 1 critical, 0 warnings open']);
    // looking changed nothing: a second look finds the same
    const again = await checkDatabase(database.url);
    expect(of(again, 'drift')).toEqual(of(found, 'drift'));
  });

  it('shows what was changed by hand, each with the statement that mends it', async () => {
    const database = await postgres().createDatabase();
    await asSuper(database, 'alter table swarmplane.result disable row level security');
    const found = await checkDatabase(database.url);
    expect(found.find(({ check }) => check === 'drift')).toEqual({
      check: 'drift',
      state: 'warning',
      message: 'table swarmplane.result changed by hand: row security: off, was on',
      hint: 'alter table swarmplane.result enable row level security, no force row level security;',
    });
  });

  it('says what its login may not see, and goes on', async () => {
    const database = await postgres().createDatabase();
    const found = await checkDatabase(await database.urlAs('doc_reader', ['swarmplane_reader']));
    expect(of(found, 'schema')[0]).toMatch(/^skipped: this login may not look: permission denied/);
    expect(of(found, 'queue')[0]).toMatch(/^skipped:/);
    expect(of(found, 'partitions')).toContain('error: swarmplane.result has none');
    const stranger = await checkDatabase(await database.urlAs('doc_nobody'));
    expect(of(stranger, 'listen')[0]).toMatch(/^ok:/);
    expect(of(stranger, 'drift')[0]).toMatch(/^skipped:/);
  });

  it('names a transaction that was forgotten', async () => {
    const database = await postgres().createDatabase();
    const forgotten = new pg.Client({ connectionString: database.superUrl });
    await forgotten.connect();
    onTestFinished(() => forgotten.end());
    await forgotten.query('begin');
    await forgotten.query('select 1');
    const old = of(await checkDatabase(database.superUrl, 0), 'snapshots');
    expect(old).toEqual([
      expect.stringMatching(/^warning: process \d+ of postgres is in a transaction since/),
    ]);
    const young = of(await checkDatabase(database.superUrl), 'snapshots');
    expect(young).toEqual(['ok: no transaction is old']);
  });

  it('an empty database, a server that is not there, a URL that is none', async () => {
    const database = await postgres().createDatabase({ empty: true });
    const found = await checkDatabase(database.url);
    expect(of(found, 'schema')[0]).toBe('error: no hub has worked with this database yet');
    const away = await checkDatabase('postgres://a:s3cret@127.0.0.1:1/x');
    expect(away).toHaveLength(1);
    expect(away[0]).toMatchObject({ check: 'database', state: 'error' });
    expect(JSON.stringify(away)).not.toContain('s3cret');
    expect((await checkDatabase('mysql://x'))[0]!.message).toContain('not a PostgreSQL URL');
  });

  it('notices a pooler: by its key data, and by notifications that never come', async () => {
    const pooler = await startPooler(postgres().port, 'transaction');
    const { name } = await postgres().createDatabase();
    const found = await checkDatabase(`postgres://swarmplane@${pooler}/${name}`);
    expect(of(found, 'pooler')[0]).toMatch(/^warning: .* goes through a connection pooler$/);
    expect(of(found, 'listen')[0]).toMatch(/^error: no notification came back within 5 s/);
  });
});
