/** History with real agents, a real hub and PostgreSQL: tracked from the start, read, verified elsewhere. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type pg from 'pg';
import { withPostgres, type TestDatabase } from '../helpers/postgres.ts';
import { eventually, TestSwarm } from '../helpers/swarm.ts';

describe('history of a swarm', () => {
  const postgres = withPostgres();
  let database: TestDatabase;
  let swarm: TestSwarm;

  beforeAll(async () => {
    database = await postgres().createDatabase({ empty: true });
    swarm = await TestSwarm.start(['hub1', 'web1'], { hub: true, database: database.url });
  });

  afterAll(() => swarm.stop());

  it('begins by itself, survives kill -9 of hub and agent, and is what the hosts signed', async () => {
    const pool = database.pool(database.superUrl);
    const taken = (than: number) =>
      eventually(async () => {
        const { rows } = await pool.query<{ n: number }>(
          `select count(*)::int as n from swarmplane.head where table_name in ('os_version', 'mounts') and sequence > $1`,
          [than],
        );
        return rows[0]!.n === 4 ? true : undefined;
      }, 'both hosts handed over');
    await taken(0);
    // oftener than people may wish for
    await pool.query(
      'alter table swarmplane.track_wish drop constraint every_is_ten_seconds_or_more',
    );
    await pool.query(
      `update swarmplane.track_wish set every = '1 second' where table_name in ('os_version', 'mounts')`,
    );
    for (const name of ['hub1', 'web1']) {
      await swarm.host(name).end('SIGKILL');
      swarm.host(name).start();
      await swarm.host(name).until(() => true, 'is up');
    }
    await allFetched(swarm, pool);
    await taken(2);

    const web1 = swarm.host('web1');
    const at = ['--database', database.url];
    const now = await web1.cli(
      'history',
      'web1',
      'os_version',
      '--at',
      new Date().toISOString(),
      ...at,
    );
    expect(now.stderr).toBe('');
    expect(now.stdout).toMatch(/^ name +\| version/);
    const changes = await web1.cli('history', 'web1', 'os_version', ...at);
    expect(changes.stdout).toMatch(/\n {2}= .*platform: /);
    // on a host that is not the hub
    const verified = await web1.cli('history', 'verify', ...at);
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    expect(verified.stdout).toMatch(/all as the hosts signed it\n$/);
    const { rows } = await pool.query(
      `select node_id from swarmplane.taking group by node_id, table_name, line, sequence having count(*) > 1`,
    );
    expect(rows).toEqual([]);

    await pool.query(`update inventory.os_version_current set name = 'Plan 9' where node_id =
      (select id from swarmplane.node where name = 'hub1')`);
    const found = await web1.cli('history', 'verify', 'hub1', 'os_version', ...at);
    expect(found.code).toBe(1);
    expect(found.stdout).toMatch(
      /^hub1 os_version, taking 1 of .*: the row of the host was changed/,
    );
  }, 180_000);

  it('keeps a sensitive table once the hub has a certificate that names it, and says so until then', async () => {
    const pool = database.pool(database.superUrl);
    const ask = async (sql: string) => {
      await pool.query('select swarmplane.wish_soon()');
      const { rows } = await pool.query<{ it: string }>(sql);
      return rows.map(({ it }) => it).join();
    };
    await pool.query(`select swarmplane.track('shadow', '10 seconds')`);
    const refused = `select n.name || ' ' || (r ->> 'table') || ' ' || (r ->> 'code') as it
      from swarmplane.handover h join swarmplane.node n on n.id = h.node_id, jsonb_array_elements(h.refused) r order by 1`;
    await eventually(
      async () =>
        (await ask(refused)) === 'hub1 shadow authority,web1 shadow authority' ? true : undefined,
      'both refuse',
    );
    const alerts = `select key as it from swarmplane.alert where kind = 'history_refused' order by 1`;
    expect(await ask(alerts)).toBe('hub1 shadow,web1 shadow');
    const told = `select coalesce(sum(known_version), 0) as it from swarmplane.handover`;
    const versions = await ask(told);

    const hub1 = swarm.host('hub1');
    const role = ['--role', 'reader-of-sensitive', '--tables', 'shadow'];
    const { stdout: granted } = await hub1.cli('operator', 'grant', 'hub1', '--yes', ...role);
    const serial = /serial ([0-9a-f]{32})/.exec(granted)![1]!;
    const taken = `select n.name as it from swarmplane.head h join swarmplane.node n on n.id = h.node_id
      where h.table_name = 'shadow' and h.line is not null order by 1`;
    await eventually(
      async () => ((await ask(taken)) === 'hub1,web1' ? true : undefined),
      'both hand over',
    );
    expect(await ask(refused)).toBe('');
    expect(await ask(told), 'the list is the same').toBe(versions);

    // without it they go on taking the table, and do not hand it over
    // By serial: the hub stays one.
    expect((await hub1.cli('operator', 'revoke', serial)).code).toBe(0);
    await eventually(
      async () =>
        (await ask(refused)) === 'hub1 shadow authority,web1 shadow authority' ? true : undefined,
      'both refuse again',
    );
    const { history } = (await swarm.host('web1').status()) as unknown as {
      history: { tables: { table: string }[] };
    };
    expect(history.tables.map(({ table }) => table)).toContain('shadow');
  }, 120_000);

  it('finds the newest takings removed together with what says that they were there', async () => {
    const pool = database.pool(database.superUrl);
    await allFetched(swarm, pool);
    const web1 = swarm.host('web1');
    await swarm.host('hub1').end();
    const verify = () =>
      web1.cli('history', 'verify', 'web1', 'os_version', '--database', database.url);
    expect(await verify()).toMatchObject({ code: 0, stderr: '' });
    const own = `table_name = 'os_version' and node_id = (select id from swarmplane.node where name = 'web1')`;
    await pool.query(`
      delete from swarmplane.taking where ${own} and sequence > 2;
      update swarmplane.head set sequence = 2, seen_at = (
        select max(at) from swarmplane.taking where ${own}) where ${own}`);
    const found = await verify();
    expect(found.code).toBe(1);
    expect(found.stdout).toMatch(
      /^web1 os_version, taking 2 of .*: the host was told that its takings up to \d+ are kept, and there are 2 of them\n$/,
    );
    swarm.host('hub1').start();
    await swarm.host('hub1').until((s) => s.hub?.['state'] === 'ready', 'has a hub');
  }, 120_000);

  it('says what is wrong with what was asked', async () => {
    const web1 = swarm.host('web1');
    const history = (...args: string[]) => web1.cli('history', ...args, '--database', database.url);
    expect((await history('web9', 'mounts')).stderr).toContain('no host is called "web9"');
    expect((await history('web1', 'nope')).stderr).toContain('table "nope" is not tracked');
    const when = await history('web1', 'mounts', '--at', 'soon');
    expect(when.stderr).toContain('"soon" is no time');
  });
});

/** Each host was told that takings of os_version and mounts are kept, more than two of each. */
async function allFetched(swarm: TestSwarm, pool: pg.Pool): Promise<void> {
  const sql = `select count(*) as n from swarm_tracks where name in ('os_version', 'mounts') and fetched > 2`;
  await eventually(async () => {
    await pool.query('select swarmplane.wish_soon()');
    const { stdout } = await swarm.host('web1').cli('query', '--json', sql);
    const rows = JSON.parse(stdout) as { n: number }[];
    return rows.length === 2 && rows.every(({ n }) => n === 2) ? true : undefined;
  }, 'all were told');
}
