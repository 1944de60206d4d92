/** Another session's open transaction: it delays what it holds, and nothing else. */
import { expect, it, onTestFinished } from 'vitest';
import pg from 'pg';
import { until } from '../helpers/eventually.ts';
import { eachPostgres } from '../helpers/postgres.ts';
import { hubFixture, type Fixture } from './hub-fixture.ts';

eachPostgres('a stranger who holds', (postgres) => {
  it.each([
    ['the row of a request', `select from swarmplane.request where sql = 'held' for update`],
    ['a request by a change', `update swarmplane.request set reason = 'x' where sql = 'held'`],
    [
      'a delivery',
      `select from swarmplane.delivery d join swarmplane.request r on r.id = d.request_id
        where r.sql = 'held' for update of d`,
    ],
  ])('%s delays that request alone, which is answered when he lets go', async (_, hold) => {
    const fixture = await hubFixture(postgres(), ['hub1']);
    await (await fixture.startHub()).stop();
    // Before the others in the queue.
    const held = await fixture.request('held', { priority: 1 });
    const stranger = await holding(fixture, hold);
    await fixture.startHub();
    for (let n = 0; n < 3; n++) {
      const id = await fixture.request(`select ${n}`);
      expect(await fixture.ended(id)).toEqual({ ok: 1 });
    }
    const failing = await fixture.request('select later');
    await fixture.query('select swarmplane.cancel($1)', [failing]);
    await stranger.query('rollback');
    expect(await fixture.ended(held)).toEqual({ ok: 1 });
    expect(fixture.asker.asked.filter(({ sql }) => sql === 'held')).toHaveLength(1);
  });

  it('a request past its time delays the end of no other', async () => {
    const fixture = await hubFixture(postgres(), ['hub1', 'web1']);
    fixture.asker.set('web1', 'dead');
    await fixture.startHub();
    const columns = { hosts: ['web1'], expires_in: '1 second', wait_for_away: true };
    const held = await fixture.request('held', columns);
    const other = await fixture.request('other', columns);
    await fixture.until(
      `select count(*) = 2 as ok from swarmplane.delivery where state = 'parked'`,
    );
    const stranger = await holding(
      fixture,
      `select from swarmplane.request where sql = 'held' for update`,
    );
    expect(await fixture.ended(other)).toEqual({ unreachable: 1 });
    await stranger.query('rollback');
    expect(await fixture.ended(held)).toEqual({ unreachable: 1 });
  });

  it('the row of a host delays what is said of that host, and an alert says so', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    const stranger = await holding(
      fixture,
      `select from swarmplane.node where name = 'web1' for update`,
    );
    fixture.asker.set('web1', 'dead');
    fixture.asker.set('web2', 'dead');
    await fixture.until(`select state = 'dead' as ok from swarmplane.node where name = 'web2'`);
    await fixture.until(
      `select true as ok from swarmplane.alert where kind = 'node_held' and key = 'web1' and resolved_at is null`,
    );
    await stranger.query('rollback');
    await fixture.until(`select state = 'dead' as ok from swarmplane.node where name = 'web1'`);
    await fixture.until(
      `select resolved_at is not null as ok from swarmplane.alert where kind = 'node_held'`,
    );
  });

  it('an alert delays no outcome that would count it', async () => {
    const fixture = await hubFixture(postgres(), ['hub1']);
    fixture.asker.behave = () => ({ state: 'error', code: 'odd', message: 'odd' });
    await fixture.startHub();
    expect(await fixture.ended(await fixture.request('first'))).toEqual({ failed: 1 });
    const stranger = await holding(
      fixture,
      `select from swarmplane.alert where kind = 'query_failed' for update`,
    );
    expect(await fixture.ended(await fixture.request('second'))).toEqual({ failed: 1 });
    await stranger.query('rollback');
    expect(await fixture.ended(await fixture.request('third'))).toEqual({ failed: 1 });
    expect(
      await fixture.query(`select count from swarmplane.alert where resolved_at is null`),
    ).toEqual([{ count: 2 }]);
  });

  it('a wish for history leaves the turns of hosts alone', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    await fixture.query(`select swarmplane.track('users')`);
    await fixture.until(
      `select count(*) = 3 and bool_and(asked_at is not null) as ok from swarmplane.handover`,
    );
    const before = await asked(fixture);
    await holding(fixture, `select swarmplane.track('groups')`);
    await fixture.query(`select swarmplane.wish_soon()`);
    await until(async () => (await asked(fixture)) > before);
  });

  it('the turn of a host delays that host alone', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.query(`select swarmplane.track('users')`);
    await fixture.startHub();
    await fixture.until(`select count(*) = 3 as ok from swarmplane.handover`);
    await holding(
      fixture,
      `select from swarmplane.handover h join swarmplane.node n on n.id = h.node_id
        where n.name = 'web1' for update of h`,
    );
    const before = await asked(fixture, 'web2');
    await until(async () => {
      await fixture.query('select swarmplane.wish_soon()');
      return (await asked(fixture, 'web2')) > before;
    });
  });

  it('an old partition keeps no other from going', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.query(
      `select swarmplane.make_partitions_of('result', 'week', now() - interval '100 days', now() - interval '80 days')`,
    );
    const old = `select c.relname as name from pg_class c
      where c.relname ~ '^result_\\d{8}$' and c.relname < to_char(now() - interval '60 days', '"result_"YYYYMMDD') order by 1`;
    const parts = (await fixture.query<{ name: string }>(old)).map(({ name }) => name);
    expect(parts.length).toBeGreaterThan(2);
    const stranger = await holding(fixture, `table swarmplane.${parts[0]!}`);
    await fixture.startHub();
    await until(async () => (await fixture.query(old)).length === 1);
    expect(await fixture.query(old)).toEqual([{ name: parts[0] }]);
    await stranger.query('rollback');
    await until(async () => (await fixture.query(old)).length === 0);
  });

  it('the row of a host delays neither a tick nor a request for it', async () => {
    const fixture = await hubFixture(postgres(), ['hub1', 'web1']);
    await fixture.startHub();
    await holding(fixture, `select from swarmplane.node where name = 'web1' for update`);
    await fixture.query(
      `insert into swarmplane.schedule (name, sql, every, hosts) values ('held', 'select 1', '1 hour', '{web1}')`,
    );
    await fixture.until(
      `select state = 'done' and ok = 1 as ok from swarmplane.request where sql = 'select 1'`,
    );
    expect(
      await fixture.query(`select from swarmplane.alert where kind = 'schedule_failed'`),
    ).toEqual([]);
  });

  it('a table that a view stands on delays what needs it, for no longer than he does', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    const stranger = await holding(
      fixture,
      'lock table swarmplane.result in access exclusive mode',
    );
    const id = await fixture.request('select 1');
    await fixture.until(`select true as ok from swarmplane.lease`);
    await stranger.query('rollback');
    expect(await fixture.ended(id)).toEqual({ ok: 3 });
    expect(fixture.asker.asked).toHaveLength(1);
  });
});

/** A superuser's session that is idle in a transaction, in which it did this. */
async function holding(fixture: Fixture, sql: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: fixture.database.superUrl,
    application_name: 'a stranger',
  });
  await client.connect();
  onTestFinished(() => client.end());
  await client.query('begin');
  await client.query(sql);
  return client;
}

/** When the host was asked last, in Unix milliseconds; the first of all when none is named. */
async function asked(fixture: Fixture, host?: string): Promise<number> {
  const [row] = await fixture.query<{ at: number }>(
    `select extract(epoch from min(h.asked_at))::float8 * 1000 as at
       from swarmplane.handover h join swarmplane.node n on n.id = h.node_id
      where $1::text is null or n.name = $1`,
    [host ?? null],
  );
  return row!.at;
}
