/** Sessions under settings of somebody who wants to stop a hub, by role and by database. */
import { describe, expect, it } from 'vitest';
import pg from 'pg';
import { readAlerts } from '../../../src/hub/alerts/feed.ts';
import { connect, endPool } from '../../../src/hub/database/database.ts';
import { pinned } from '../../../src/hub/database/session.ts';
import { runSql } from '../../../src/hub/database/sql-shell.ts';
import { checkDatabase } from '../../../src/hub/doctor/database-check.ts';
import { silentLog } from '../../../src/hub/log.ts';
import { openDatabase } from '../../../src/hub/schema/open-database.ts';
import { eachPostgres, type TestDatabase, type TestPostgres } from '../../helpers/postgres.ts';
import { hubFixture } from '../hub-fixture.ts';

const HOSTILE: Readonly<Record<string, string>> = {
  datestyle: "'SQL, DMY'",
  intervalstyle: 'sql_standard',
  // IST is Israel's time for PostgreSQL.
  timezone: "'Asia/Kolkata'",
  default_transaction_isolation: 'serializable',
  default_transaction_read_only: 'on',
  default_transaction_deferrable: 'on',
  search_path: "''",
  bytea_output: 'escape',
  extra_float_digits: '-15',
  statement_timeout: '1',
  lock_timeout: '1',
  idle_session_timeout: '20',
  idle_in_transaction_session_timeout: '1',
  row_security: 'off',
  standard_conforming_strings: 'off',
  client_encoding: 'latin1',
  array_nulls: 'off',
  transform_null_equals: 'on',
  quote_all_identifiers: 'on',
  'plpgsql.extra_errors': "'all'",
};

async function makeHostile(
  { superUrl, major }: TestPostgres,
  database: TestDatabase,
): Promise<void> {
  const superuser = new pg.Client({ connectionString: superUrl });
  await superuser.connect();
  const more = major >= 17 ? { transaction_timeout: '50' } : {};
  for (const [name, value] of Object.entries({ ...HOSTILE, ...more })) {
    await superuser.query(`alter database ${database.name} set ${name} = ${value}`);
    await superuser.query(
      `alter role swarmplane in database ${database.name} set ${name} = ${value}`,
    );
  }
  await superuser.end();
}

eachPostgres('a hub under hostile settings', (postgres) => {
  it('answers, ticks, seals, finds no drift and can be looked at', async () => {
    const fixture = await hubFixture(postgres());
    const { database } = fixture;
    await makeHostile(postgres(), database);
    const hub = await fixture.startHub();
    // A session that was there before the settings.
    const id = await fixture.request(`select '\\x00', 'Grüße \u{1f512}'`);
    expect(await fixture.ended(id)).toEqual({ ok: 3 });
    await fixture.query(
      `insert into swarmplane.schedule (name, sql, cron, zone) values ('s', 'select 1', '* * * * * *', 'Asia/Kolkata')`,
    );
    await fixture.query(
      `insert into swarmplane.schedule (name, sql, every) values ('e', 'select 1', '1 second')`,
    );
    await fixture.until(`select count(*) filter (where schedule_id is not null) > 2 as ok,
                                count(distinct schedule_id) = 2 as both from swarmplane.request`);
    await fixture.until(`select not exists (select from swarmplane.audit a
      where a.id > (select max(s.settled_id) from swarmplane.audit_seal s)
        and a.id not in (select swarmplane.sealed_ids((select max(s.settled_id) from swarmplane.audit_seal s)))) as sealed`);
    await hub.stop();

    // Drift is looked for at the next start.
    await fixture.startHub();
    const open = await readAlerts(database.url, false);
    expect(open.map(({ kind, key }) => `${kind} ${key}`)).toEqual([]);
    const looked = await checkDatabase(database.url);
    expect(looked.filter(({ state, check }) => state === 'error' && check !== 'settings')).toEqual(
      [],
    );
    expect(looked).toContainEqual(expect.objectContaining({ check: 'drift', state: 'ok' }));
  });

  it('migrates twice, and finds nothing changed by hand', async () => {
    const database = await postgres().createDatabase({ empty: true });
    await makeHostile(postgres(), database);
    for (let n = 0; n < 2; n++) {
      const { pool, aside, drift } = await openDatabase(database.url, silentLog);
      expect(drift).toEqual([]);
      await Promise.all([endPool(pool), endPool(aside)]);
    }
  });

  it('writes values in `swarmplane sql` as everywhere else', async () => {
    const database = await postgres().createDatabase({ empty: true });
    await makeHostile(postgres(), database);
    const superuser = new pg.Client({ connectionString: postgres().superUrl });
    await superuser.connect();
    // Whoever limits his own statements means it.
    await superuser.query(
      `alter role swarmplane in database ${database.name} set statement_timeout = 0`,
    );
    await superuser.query(
      `alter role swarmplane in database ${database.name} set idle_session_timeout = 0`,
    );
    await superuser.end();
    const [result] = await runSql(
      database.url,
      `select '2026-02-01 00:00+00'::timestamptz, '1 day 02:00'::interval, '\\x00ff'::bytea, 0.1::float8 + 0.2`,
    );
    expect(result!.rows).toEqual([
      ['2026-02-01 00:00:00+00', '1 day 02:00:00', '\\x00ff', '0.30000000000000004'],
    ]);
  });

  it('refuses an encoding that is not UTF8 before anything is made', async () => {
    const superuser = new pg.Client({ connectionString: postgres().superUrl });
    await superuser.connect();
    for (const encoding of ['LATIN1', 'SQL_ASCII']) {
      const name = `odd_${encoding.toLowerCase()}`;
      await superuser.query(
        `create database ${name} owner swarmplane encoding '${encoding}' lc_collate 'C' lc_ctype 'C' template template0
         ${postgres().major >= 17 ? 'locale_provider libc' : ''}`,
      );
      const url = postgres().superUrl.replace(/\/postgres$/, `/${name}`);
      await expect(connect(url)).rejects.toMatchObject({
        code: 'not_utf8',
        message: expect.stringContaining(encoding),
        hint: expect.stringContaining("encoding 'UTF8'"),
      });
      expect(await checkDatabase(url)).toEqual([
        expect.objectContaining({ check: 'database', state: 'error' }),
      ]);
      const there = new pg.Client({ connectionString: url });
      await there.connect();
      const { rows } = await there.query(`select to_regnamespace('swarmplane') as schema`);
      expect(rows).toEqual([{ schema: null }]);
      await there.end();
    }
    await superuser.end();
  });
});

describe('pins', () => {
  it('stay behind options of the URL, which keep their role', () => {
    const config = pinned({
      connectionString: 'postgres://a@b/c?options=-c%20role%3Dx',
      use: 'hub',
      role: 'swarmplane_hub',
    });
    const options = new URL(config.connectionString!).searchParams.get('options')!;
    expect(options).toMatch(/^-c role=x -c DateStyle=ISO,MDY /);
    expect(options).toContain('-c default_transaction_isolation=read\\ committed');
    expect(options).not.toContain('swarmplane_hub');
  });
});
