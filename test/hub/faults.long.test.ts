/** What is killed, stopped or cut off: every committed request still reaches its end, with true counts. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { withPostgres } from '../helpers/postgres.ts';
import { RecordingProxy } from '../helpers/recording-proxy.ts';
import { hubFixture, type Fixture } from './hub-fixture.ts';
import { hubProcess } from './hub-processes.ts';
import { ScriptedAsker } from './scripted-asker.ts';
import { silentLog } from '../../src/hub/log.ts';
import { until } from '../helpers/eventually.ts';

async function expectTrueCounts(fixture: Fixture): Promise<void> {
  expect(await fixture.query('table swarmplane.count_fault')).toEqual([]);
  expect(await fixture.query('select from swarmplane.delivery')).toEqual([]);
}

describe('a fault', () => {
  const postgres = withPostgres();

  it('kill -9 of the hub between claim and result: another hub takes over after the lease', async () => {
    const fixture = await hubFixture(postgres());
    const first = await hubProcess(fixture.database.url, 'hub1', 'hang');
    const asked = first.said('asked');
    const id = await fixture.request('select 1');
    await asked;
    await first.end('SIGKILL');

    await hubProcess(fixture.database.url, 'hub2', 'ok');
    // hub2 does not know the host hub1, which is away with its process
    expect(
      await fixture.until('select ok from swarmplane.request where id = $1 and ok = 2', [id]),
    ).toEqual({ ok: 2 });
    expect(
      await fixture.query(
        `select distinct attempt from swarmplane.request_status where request_id = $1 and state = 'ok'`,
        [id],
      ),
    ).toEqual([{ attempt: 2 }]);
    await fixture.until(`select from swarmplane.alert where kind = 'lease_lost'`);
  });

  it('kill -9 and a new start of the same hub: it goes on at once', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.pool.query(
      `update swarmplane.setting set value = '1 hour' where name = 'lease_time'`,
    );
    const first = await hubProcess(fixture.database.url, 'hub1', 'hang');
    const asked = first.said('asked');
    const id = await fixture.request('select 1');
    await asked;
    await first.end('SIGKILL');

    await hubProcess(fixture.database.url, 'hub1', 'ok');
    expect(await fixture.ended(id)).toEqual({ ok: 3 });
    await expectTrueCounts(fixture);
  });

  it('a graceful stop gives work back, no attempt burnt', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.pool.query(
      `update swarmplane.setting set value = '1 hour' where name = 'lease_time'`,
    );
    const first = await hubProcess(fixture.database.url, 'hub1', 'hang');
    const asked = first.said('asked');
    const id = await fixture.request('select 1');
    await asked;
    await first.end('SIGTERM');
    expect(
      await fixture.query(
        'select distinct state, attempt from swarmplane.request_status where request_id = $1',
        [id],
      ),
    ).toEqual([{ state: 'pending', attempt: 0 }]);
    expect(await fixture.query('table swarmplane.lease')).toEqual([]);

    await fixture.startHub();
    expect(await fixture.ended(id)).toEqual({ ok: 3 });
  });

  it('a hub stopped past its lease changes nothing once it wakes', async () => {
    const fixture = await hubFixture(postgres(), ['hub2', 'web1', 'web2']);
    const paused = await hubProcess(fixture.database.url, 'hub2', 'once');
    const asked = paused.said('asked');
    const id = await fixture.request('select 1');
    await asked;
    paused.child.kill('SIGSTOP');

    const other = new ScriptedAsker(['hub2', 'web1', 'web2']);
    Object.assign(other, { nodeId: 'f'.repeat(64), name: 'hub3' });
    other.behave = (host) => ({ state: 'ok', columns: ['by'], rows: [[`hub3 ${host}`]] });
    await fixture.startHub({}, other);
    expect(await fixture.ended(id)).toEqual({ ok: 3 });
    const before = await fixture.query('select * from swarmplane.result order by host');
    paused.child.kill('SIGCONT');
    // it is at work again: it answers the next one, if alone
    await fixture.until(
      `select from swarmplane.hub where name = 'hub2' and seen_at > now() - interval '300 ms'`,
    );
    expect(await fixture.query('select * from swarmplane.result order by host')).toEqual(before);
    await expectTrueCounts(fixture);
  });

  it('kill -9 of PostgreSQL while answers are on their way: they are kept and written', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.pool.query(`alter database ${fixture.database.name} set synchronous_commit = on`);
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    fixture.asker.behave = async (host) => {
      await released;
      return { state: 'ok', columns: ['name'], rows: [[host]] };
    };
    await fixture.startHub();
    // opened now, so that its commits are on disk
    const writer = fixture.database.pool();
    const { rows } = await writer.query<{ id: number }>(
      `insert into swarmplane.request (sql) values ('select 1') returning id`,
    );
    const id = rows[0]!.id;
    await fixture.until('select from swarmplane.request where id = $1 and running = 3', [id]);
    process.kill(await postgres().pid(), 'SIGKILL');
    release();
    await postgres().restart();
    expect(await fixture.ended(id)).toEqual({ ok: 3 });
    expect(await fixture.query('select from swarmplane.result')).toHaveLength(3);
    await expectTrueCounts(fixture);
  });

  it('connections of two hubs cut again and again: nothing is lost, nothing counted twice', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    const other = new ScriptedAsker(['hub1', 'web1', 'web2']);
    Object.assign(other, { nodeId: 'f'.repeat(64) });
    await fixture.startHub({}, other);
    const admin = fixture.database.pool(fixture.database.superUrl);
    let cut = 0;
    for (let i = 0; i < 40; i++) {
      await fixture.request(`select ${i}`);
      if (i % 4 > 0) continue;
      const { rowCount } = await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where application_name in ('swarmplane queue', 'swarmplane listener')
            and datname = current_database() and random() < 0.7`,
      );
      cut += rowCount!;
    }
    expect(cut).toBeGreaterThan(5);
    await fixture.until(
      `select count(*) = 40 as all_done from swarmplane.request where state = 'done'`,
    );
    expect(
      await fixture.query(
        `select sum(ok)::int as ok, sum(targets)::int as targets from swarmplane.request`,
      ),
    ).toEqual([{ ok: 120, targets: 120 }]);
    expect(await fixture.query('select from swarmplane.result')).toHaveLength(120);
    await expectTrueCounts(fixture);
  });

  it.each([
    ['half-open', (proxy: RecordingProxy) => proxy.freeze()],
    ['refused', (proxy: RecordingProxy) => proxy.stop()],
  ])('a hub whose connections are %s still stops, and its process ends', async (_how, spoil) => {
    const fixture = await hubFixture(postgres());
    const url = new URL(fixture.database.url);
    const proxy = await RecordingProxy.start(url.host);
    onTestFinished(() => proxy.stop());
    url.host = proxy.address;
    const hub = await hubProcess(url.href, 'hub1', 'hang');
    const asked = hub.said('asked');
    await fixture.request('select 1');
    await asked;
    await spoil(proxy);
    await hub.end('SIGTERM');
    expect(hub.child.signalCode).toBe(null);
  });

  it('a database that is away at the start is waited for', async () => {
    const fixture = await hubFixture(postgres());
    process.kill(await postgres().pid(), 'SIGKILL');
    let tries = 0;
    const log = { ...silentLog, warn: () => void tries++ };
    const starting = fixture.startHub({}, fixture.asker, log);
    await until(() => tries >= 2, 'the hub tries twice');
    await postgres().restart();
    await starting;
    const id = await fixture.request('select 1');
    expect(await fixture.ended(id)).toEqual({ ok: 3 });
  });
});
