/** Each part of a hub stopped in turn: alert, metric, doctor and status say so, and that it goes on. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import pg from 'pg';
import { checkDatabase } from '../../src/hub/doctor/database-check.ts';
import { backupDatabase } from '../../src/hub/backup/embedded-backup.ts';
import type { Hub, HubOptions, HubTuning } from '../../src/hub/hub.ts';
import { stallText, type ToldStall } from '../../src/hub/stall-watch.ts';
import { until } from '../helpers/eventually.ts';
import { eachPostgres } from '../helpers/postgres.ts';
import { hubFixture, temporaryFolder, type Fixture } from './hub-fixture.ts';

/** Every part is to go well ten times a second or so. */
const BUSY: Partial<HubTuning> = {
  heartbeatMs: 60,
  pollMs: 60,
  nodesMs: 60,
  sealMs: 60,
  retentionMs: 60,
  partitionsMs: 60,
  alertsMs: 60,
  watchdogMs: 100,
  stallMs: 200,
  stallLookMs: 50,
};

/** The function without which a part does not go on. */
const NEEDS: readonly (readonly [part: string, signature: string])[] = [
  ['heartbeat', 'heartbeat(uuid, uuid[])'],
  ['claims', 'claim(uuid, integer, text[], boolean)'],
  ['tending', 'sweep(boolean)'],
  ['outcomes', 'complete(uuid, jsonb)'],
  ['schedules', 'tick_intervals()'],
  ['desired state', 'due_desired()'],
  ['nodes', 'report_nodes(jsonb)'],
  ['departures', 'departed()'],
  ['history', 'claim_handovers(integer)'],
  ['history retention', 'drop_old_history()'],
  ['sealing', 'begin_seal(text, integer, boolean)'],
  ['retention', 'drop_old_partition()'],
  ['partitions', 'make_partitions(interval)'],
  ['alerts', 'look_after_alerts()'],
  ['webhook', 'claim_alert_event(interval)'],
  ['backups', 'begin_backup(text, text, interval, text, integer, boolean, interval)'],
];

eachPostgres('a hub that stands still', (postgres) => {
  it('says so of each part that lacks a right, and that it goes on', async () => {
    const fixture = await hubFixture(postgres());
    const { hub } = await startWatched(fixture, {
      webhook: { url: await takingWebhook() },
      backups: backupsOf(fixture),
    });
    for (const [part, signature] of NEEDS) {
      await fixture.query(`revoke execute on function swarmplane.${signature} from swarmplane_hub`);
      if (part === 'outcomes') await fixture.request('select 1');
      const { message, severity, detail } = await alertOf(
        fixture,
        part,
        `message like '%permission denied%'`,
      );
      expect([message, severity], part).toEqual([
        expect.stringMatching(
          new RegExp(`^hub hub1: ${part} stands still since .*permission denied`),
        ),
        'critical',
      ]);
      expect(detail, part).toMatchObject({ hub: 'hub1', part });
      expect(await metric(hub, part), part).toBe(true);
      expect(await doctorSays(fixture), part).toContain(`${part} stands still`);

      await fixture.query(`grant execute on function swarmplane.${signature} to swarmplane_hub`);
      await goesOn(fixture, part);
      await until(async () => (await metric(hub, part)) === false);
    }
  });

  it('says so of a listener that hears nothing', async () => {
    const fixture = await hubFixture(postgres());
    await startWatched(fixture);
    const superuser = fixture.database.pool(fixture.database.superUrl);
    // What is connected stays; nothing connects anew.
    await fixture.until(
      `select count(*) > 0 as there from pg_stat_activity
        where datname = current_database() and application_name = 'swarmplane watch'`,
    );
    await superuser.query('alter role swarmplane connection limit 0');
    onTestFinished(() =>
      superuser.query('alter role swarmplane connection limit -1').then(() => undefined),
    );
    await superuser.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'swarmplane listener'`,
    );
    const open = `select message from swarmplane.alert
                   where kind = 'hub_stalled' and key = 'hub1 listener' and resolved_at is null`;
    const { message } = await until(
      async () => (await superuser.query<{ message: string }>(open)).rows[0],
    );
    expect(message).toContain('too many connections');
    await superuser.query('alter role swarmplane connection limit -1');
    await goesOn(fixture, 'listener');
  });

  it('names who holds the lock, at what, and goes on when he lets go', async () => {
    const fixture = await hubFixture(postgres());
    await startWatched(fixture);
    const stranger = await strangerAt(fixture);
    await stranger.query('begin; lock table swarmplane.lease in access exclusive mode');
    const { rows } = await stranger.query<{ pid: number }>('select pg_backend_pid() as pid');
    const { detail, message } = await alertOf(
      fixture,
      'heartbeat',
      `message like '%lock timeout; locks are held by%'`,
    );
    expect(message).toContain('swarmplane.lease AccessExclusiveLock');
    const { holders } = detail as { holders: object[] };
    expect(holders).toContainEqual(
      expect.objectContaining({ pid: rows[0]!.pid, user: 'postgres', application: 'a stranger' }),
    );
    const found = await checkDatabase(fixture.database.superUrl);
    expect(found).toContainEqual(
      expect.objectContaining({
        check: 'locks',
        state: 'warning',
        hint: `end it: select pg_terminate_backend(${rows[0]!.pid})`,
      }),
    );
    await stranger.query('rollback');
    await goesOn(fixture, 'heartbeat');
  });

  it('says so of itself where alerts cannot be written, and writes the alert afterwards', async () => {
    const fixture = await hubFixture(postgres());
    const { hub, told } = await startWatched(fixture);
    const stranger = await strangerAt(fixture);
    await stranger.query('begin; lock table swarmplane.alert in access exclusive mode');
    const says = /^alerts stands still since .*lock timeout/;
    await until(() => told().find((stall) => says.test(stallText(stall))));
    await until(() =>
      told()
        .find(({ part }) => part === 'alerts')
        ?.holders.find(({ holds }) => holds?.includes('swarmplane.alert AccessExclusiveLock')),
    );
    expect(await metric(hub, 'alerts')).toBe(true);
    await stranger.query('rollback');
    await until(() => told().length === 0);
    await fixture.until(`select count(*) = 0 as ok from swarmplane.alert
                          where kind = 'hub_stalled' and resolved_at is null`);
  });

  it('says so when it cannot even begin, and begins when it can', async () => {
    const fixture = await hubFixture(postgres());
    const stranger = await strangerAt(fixture);
    await stranger.query('begin; lock table swarmplane.hub in access exclusive mode');
    let stalls: readonly ToldStall[] = [];
    const starting = fixture.startHub(BUSY, fixture.asker, undefined, {
      onStalls: (now) => (stalls = now),
    });
    await until(() => stalls.find(({ part, why }) => part === 'start' && why.includes('lock')));
    await alertOf(fixture, 'start');
    await stranger.query('rollback');
    await starting;
    await goesOn(fixture, 'start');
  });

  it('does not leave the alert of a hub that was stopped', async () => {
    const fixture = await hubFixture(postgres());
    const { hub } = await startWatched(fixture);
    await fixture.query('revoke execute on function swarmplane.departed() from swarmplane_hub');
    await alertOf(fixture, 'departures');
    await hub.stop();
    await goesOn(fixture, 'departures');
  });
});

/** One a day, of this database. */
function backupsOf({ database: { url } }: Fixture): NonNullable<HubOptions['backups']> {
  return {
    everyMs: 86_400_000,
    folder: temporaryFolder(),
    keep: 1,
    verify: false,
    make: (file, _, signal) => backupDatabase({ url, file, signal }),
  };
}

/** Takes whatever it is told; gone after the test. */
async function takingWebhook(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    response.end();
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function startWatched(
  fixture: Fixture,
  options: Pick<HubOptions, 'webhook' | 'backups'> = {},
): Promise<{ hub: Hub; told: () => readonly ToldStall[] }> {
  let stalls: readonly ToldStall[] = [];
  const onStalls = (now: readonly ToldStall[]): void => void (stalls = now);
  const hub = await fixture.startHub(BUSY, fixture.asker, undefined, { onStalls, ...options });
  return { hub, told: () => stalls };
}

async function strangerAt(fixture: Fixture): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: fixture.database.superUrl,
    application_name: 'a stranger',
  });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

function alertOf(
  fixture: Fixture,
  part: string,
  that = 'true',
): Promise<{ message: string; severity: string; detail: object }> {
  return fixture.until(
    `select message, severity, detail from swarmplane.alert
      where kind = 'hub_stalled' and key = 'hub1 ' || $1::text and resolved_at is null and ${that}`,
    [part],
  );
}

async function goesOn(fixture: Fixture, part: string): Promise<void> {
  await fixture.until(
    `select count(*) filter (where resolved_at is null) = 0 and count(*) > 0 as ok
       from swarmplane.alert where kind = 'hub_stalled' and key = 'hub1 ' || $1::text`,
    [part],
  );
}

/** What test/web/metrics makes text of. */
async function metric(hub: Hub, part: string): Promise<boolean | undefined> {
  const { parts } = await hub.figures();
  return parts.find((one) => one.part === part)?.stalled;
}

async function doctorSays(fixture: Fixture): Promise<string> {
  const found = await checkDatabase(fixture.database.url);
  return found
    .filter(({ check, state }) => check === 'stalled' && state === 'error')
    .map(({ message }) => message)
    .join('\n');
}
