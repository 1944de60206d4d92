/** Roles that are dropped or renamed while requests, schedules, tracks and grants name them: the fleet does not wait. */
import { expect, it } from 'vitest';
import { eachPostgres } from '../helpers/postgres.ts';
import { hubFixture } from './hub-fixture.ts';
import { ScriptedAsker } from './scripted-asker.ts';

eachPostgres('roles that go', (postgres) => {
  it('take their requests along, and two hubs work on', async () => {
    const { database, pool, asker, query, until, ended, request, startHub } =
      await hubFixture(postgres());
    const [bob, olga] = [
      database.pool(await database.urlAs('gone_bob', ['swarmplane_asker'])),
      database.pool(await database.urlAs('gone_olga', ['swarmplane_operator'])),
    ];
    await pool.query(`
      delete from swarmplane.label_grant;
      insert into swarmplane.label_grant (role, label) values ('gone_bob', 'web'), ('gone_olga', '*')`);
    asker.set('web2', 'dead');
    const first = await startHub();
    const second = new ScriptedAsker(['hub2', 'hub1', 'web1', 'web2']);
    await startHub({}, second);
    await pool.query(
      `insert into swarmplane.node_label select id, 'web' from swarmplane.node where name like 'web%'`,
    );
    second.set('web2', 'dead', { incarnation: 9 });
    await until(`select state = 'dead' as dead from swarmplane.node where name = 'web2'`);

    const asked = async (of: typeof pool, columns: string, values: string): Promise<number> => {
      const { rows } = await of.query<{ id: number }>(
        `insert into swarmplane.request (sql, ${columns}) values ('select 1', ${values}) returning id`,
      );
      return rows[0]!.id;
    };
    const waits = await asked(bob, 'hosts, expires_in', `'{web2}', '1 day'`);
    const grows = await asked(olga, 'include_new, expires_in', `true, '1 day'`);
    await olga.query(`
      insert into swarmplane.schedule (name, sql, every) values ('hers', 'select 1', '1 second');
      select swarmplane.track('mounts', hosts => '{web1}')`);
    await until(
      `select count(*) filter (where state = 'parked') = 2 as parked from swarmplane.delivery where request_id = any ($1)`,
      [[waits, grows]],
    );
    await until('select ok = targets - 1 as answered from swarmplane.request where id = $1', [
      grows,
    ]);
    await Promise.all([bob.end(), olga.end()]);
    const admin = database.pool(database.superUrl);
    await admin.query('drop role gone_bob; alter role gone_olga rename to gone_olga_smith');

    // hosts are reported, hubs start, others ask and are answered
    asker.set('web3', 'alive');
    await until(`select state = 'alive' as seen from swarmplane.node where name = 'web3'`);
    await first.stop();
    await startHub();
    expect(await ended(await request('select 2', { hosts: ['web1', 'web3'] }))).toEqual({ ok: 2 });
    await until(
      `select count(*) = 1 as said from swarmplane.alert where kind = 'schedule_failed' and key = 'hers' and resolved_at is null`,
    );

    // each minute, by the hubs
    await pool.query('select swarmplane.look_after_alerts()');
    expect(await ended(waits)).toEqual({ cancelled: 1 });
    expect(await ended(grows)).toMatchObject({ cancelled: 1 });
    const reasons = await query(
      `select request_id as id, error from swarmplane.request_status where state = 'cancelled' and request_id = any ($1) order by 1`,
      [[waits, grows]],
    );
    expect(reasons).toEqual(
      [
        [waits, 'gone_bob'],
        [grows, 'gone_olga'],
      ].map(([id, name]) => ({
        id,
        error: expect.stringContaining(
          `the request was cancelled: its asker ${name} is no role of this server any more`,
        ),
      })),
    );
    expect(
      await query(`select key from swarmplane.alert where kind = 'asker_gone' order by 1`),
    ).toEqual([{ key: 'gone_bob' }, { key: 'gone_olga' }]);
    expect(await query('select * from swarmplane.count_fault')).toEqual([]);
    const smith = database.pool(await database.urlAs('gone_olga_smith'));
    const seen = await smith.query('select count(*)::int as hosts from swarmplane.node');
    expect(seen.rows).toEqual([{ hosts: 0 }]);
  });
});
