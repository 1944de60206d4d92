/** Alerts about hosts themselves: away, back, started anew, a clock that is off, one that refuses. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { Hub } from '../../../src/hub/hub.ts';
import { silentLog } from '../../../src/hub/log.ts';
import { clockOff } from '../../../src/hub/history/turn-run.ts';
import { withPostgres } from '../../helpers/postgres.ts';
import { HistoryAsker } from '../history/asker.ts';
import { HistorySite } from '../history/site.ts';
import { hubFixture, temporaryFolder, type Fixture } from '../hub-fixture.ts';
import { QUICK } from '../quick.ts';

const OPEN = `select kind || ' ' || key as alert from swarmplane.alert where resolved_at is null order by 1`;
const BOOT = 'f0e1d2c3-0000-4000-8000-0123456789ab';
const BOOT_2 = 'f0e1d2c3-0000-4000-8000-ba9876543210';
const LOOK = 'select swarmplane.look_after_alerts()';

describe('hosts that are away', () => {
  const postgres = withPostgres();

  it('become an alert after their time, one a name, and it ends when they are back', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    fixture.asker.set('web1', 'dead', { since: Date.now() - 240_000 });
    await known(fixture, 'web1', 'dead');
    await fixture.query(LOOK);
    expect(await fixture.query(OPEN)).toEqual([]);
    await setting(fixture, 'host_away_after', '3 minutes');
    await fixture.query(LOOK);
    await fixture.query(LOOK);
    expect(await fixture.query(OPEN)).toEqual([{ alert: 'host_away web1' }]);
    const [alert] = await fixture.query<{ message: string; count: number }>(
      `select message, count from swarmplane.alert where kind = 'host_away'`,
    );
    expect(alert!.message).toMatch(/^web1 is away since \d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
    expect(Number(alert!.count)).toBe(1);
    fixture.asker.set('web1', 'alive');
    await fixture.until(
      `select from swarmplane.alert where kind = 'host_back' and key = 'web1' and severity = 'info'
          and message ~ '^web1 is back after 00:04:0'`,
    );
    expect(await fixture.query(OPEN)).toEqual([{ alert: 'host_back web1' }]);
    // away once more: who is away is not back
    fixture.asker.set('web1', 'dead', { since: Date.now() - 240_000 });
    await known(fixture, 'web1', 'dead');
    await fixture.query(LOOK);
    expect(await fixture.query(OPEN)).toEqual([{ alert: 'host_away web1' }]);
  });

  it('do not go quiet while they are away, and host_back does', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    await setting(fixture, 'host_away_after', '1 millisecond');
    fixture.asker.set('web1', 'dead', { since: Date.now() - 10_000 });
    fixture.asker.set('web2', 'dead', { since: Date.now() - 10_000 });
    await known(fixture, 'web2', 'dead');
    await fixture.query(LOOK);
    fixture.asker.set('web2', 'alive');
    await fixture.until(`select from swarmplane.alert where kind = 'host_back'`);
    await fixture.query(`update swarmplane.alert set last_at = now() - interval '2 hours'`);
    await fixture.query(LOOK);
    expect(await fixture.query(OPEN)).toEqual([{ alert: 'host_away web1' }]);
  });

  it.each([
    ['never', false],
    ['2 days', false],
    ['1 second', true],
    ['soon', true],
    ['-1 day', true],
  ])('are missed as their label away_after says: %s', async (label, missed) => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    const labels = { away_after: label };
    fixture.asker.set('web1', 'dead', { labels, since: Date.now() - 600_000 });
    await known(fixture, 'web1', 'dead');
    await fixture.query(LOOK);
    expect(await fixture.query(OPEN)).toEqual(missed ? [{ alert: 'host_away web1' }] : []);
  });

  it('are not missed where another host bears their name, or when they left', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    await setting(fixture, 'host_away_after', '1 millisecond');
    fixture.asker.set('web1', 'dead', { since: Date.now() - 60_000 });
    fixture.asker.set('web2', 'dead', { since: Date.now() - 60_000 });
    await known(fixture, 'web2', 'dead');
    await fixture.query(LOOK);
    expect(await fixture.query(OPEN)).toEqual([
      { alert: 'host_away web1' },
      { alert: 'host_away web2' },
    ]);
    fixture.asker.set('web1 built anew', 'alive', { name: 'web1' });
    fixture.asker.set('web2', 'left');
    await known(fixture, 'web2', 'left');
    await fixture.query(LOOK);
    expect(await fixture.query(OPEN)).toEqual([{ alert: 'host_back web1' }]);
  });
});

describe('what hosts tell with their takings', () => {
  const postgres = withPostgres();

  it('a start of the machine is told once, not the first that is heard of', async () => {
    const { site, asker, turn, nodeId } = await handingOver();
    asker.vitals.set(nodeId, { wall: Date.now(), boot: BOOT, upMs: 3_600_000 });
    await turn();
    expect(await site.lines(OPEN)).toEqual([]);
    asker.vitals.set(nodeId, { wall: Date.now(), boot: BOOT_2, upMs: 60_000 });
    await turn();
    await turn();
    expect(await site.lines(OPEN)).toEqual(['host_rebooted web1']);
    expect(
      await site.lines(
        `select a.count, n.booted_at between now() - interval '90 seconds' and now() - interval '60 seconds'
           from swarmplane.alert a, swarmplane.node n where n.name = 'web1'`,
      ),
    ).toEqual(['1 true']);
  });

  it('a clock that is off is an alert until it is right', async () => {
    const { site, asker, turn, nodeId } = await handingOver();
    const off = async (seconds: number): Promise<string[]> => {
      asker.vitals.set(nodeId, { wall: Date.now() + seconds * 1_000, boot: '', upMs: 0 });
      await turn();
      return site.lines(OPEN);
    };
    expect(await off(60)).toEqual(['clock_ahead web1']);
    expect(await off(-45)).toEqual(['clock_behind web1']);
    expect(
      await site.lines(`select message from swarmplane.alert where kind = 'clock_ahead'`),
    ).toEqual([expect.stringMatching(/^the clock of web1 is 00:0[01]:\d\d ahead$/)]);
    expect(await off(-5)).toEqual([]);
    expect(
      await site.lines(
        `select clock_off < interval '-4 s' from swarmplane.node where name = 'web1'`,
      ),
    ).toEqual(['true']);
  });

  it('a refusal is an alert until the host answers; one because of the clock is of that kind', async () => {
    const { site, asker, turn, nodeId } = await handingOver();
    asker.refusals.set(nodeId, { code: 'authority', message: 'taken from hubs only' });
    await turn();
    expect(await site.lines(OPEN)).toEqual(['host_refuses web1']);
    asker.refusals.set(nodeId, { code: 'busy', message: 'a moment' });
    await turn();
    expect(await site.lines(OPEN)).toEqual(['host_refuses web1']);
    asker.refusals.delete(nodeId);
    await turn();
    expect(await site.lines(OPEN)).toEqual([]);
    asker.refusals.set(nodeId, { code: 'busy', message: 'a moment' });
    await turn();
    expect(await site.lines(OPEN)).toEqual([]);
    asker.refusals.set(nodeId, {
      code: 'clock_behind',
      message: 'clock: this host is 400 s behind',
    });
    await turn();
    expect(await site.lines(OPEN)).toEqual(['clock_behind web1']);
  });

  /** A hub that gathers from one host; `turn` waits until it has had another turn. */
  async function handingOver() {
    const site = await HistorySite.make(postgres());
    const web1 = await site.add('web1');
    const asker = new HistoryAsker({ web1 });
    const hub = await Hub.start({
      databaseUrl: site.database.url,
      asker,
      spoolFolder: temporaryFolder(),
      log: silentLog,
      tuning: QUICK,
    });
    onTestFinished(() => hub.stop());
    const turn = async (): Promise<void> => {
      await site.query(
        'update swarmplane.handover set due_at = now(), asked_at = null, last_error = null, answered_at = null',
      );
      await site.query(`select pg_notify('swarmplane', '')`);
      await expect
        .poll(
          () =>
            site.lines(
              'select 1 from swarmplane.handover where answered_at >= asked_at or last_error is not null',
            ),
          { timeout: 20_000 },
        )
        .toHaveLength(1);
    };
    await expect.poll(() => asker.wishes.has(web1.nodeId), { timeout: 20_000 }).toBe(true);
    await turn();
    return { site, asker, turn, nodeId: web1.nodeId };
  }
});

describe('the bounds of a clock', () => {
  it('are what question and answer leave no doubt of', () => {
    expect(clockOff(150, [100, 200])).toBe(0);
    expect(clockOff(260, [100, 200])).toBe(60);
    expect(clockOff(40, [100, 200])).toBe(-60);
  });
});

async function known(fixture: Fixture, name: string, state: string): Promise<void> {
  await fixture.until(`select from swarmplane.node where name = $1 and state = $2`, [name, state]);
}

async function setting(fixture: Fixture, name: string, value: string): Promise<void> {
  await fixture.query('update swarmplane.setting set value = $2 where name = $1', [name, value]);
}
