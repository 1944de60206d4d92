/** Schedules: cron lines read with their zone, and one tick once with any number of hubs. */
import { describe, expect, it } from 'vitest';
import { withPostgres } from '../../helpers/postgres.ts';
import { planTicks } from '../../../src/hub/queue/scheduler.ts';
import { hubFixture } from '../hub-fixture.ts';
import { idOf, ScriptedAsker } from '../scripted-asker.ts';

const due = (cron: string, zone: string, nextAt: string | null, catchUp = 1) =>
  ({ id: 1, cron, zone, nextAt, catchUp }) as const;
const iso = (plan: ReturnType<typeof planTicks>) => ({
  ticks: plan.ticks.map((tick) => tick.toISOString()),
  following: plan.following?.toISOString(),
});

describe('a cron line', () => {
  it('never computed before has no tick yet', () => {
    expect(iso(planTicks(due('0 4 * * *', 'UTC', null), new Date('2026-11-22T03:00:00Z')))).toEqual(
      {
        ticks: [],
        following: '2026-11-22T04:00:00.000Z',
      },
    );
  });

  it('ticks at its time, not before and not twice', () => {
    const line = due('0 4 * * *', 'UTC', '2026-11-22 04:00:00+00');
    expect(iso(planTicks(line, new Date('2026-11-22T04:00:00Z')))).toEqual({
      ticks: ['2026-11-22T04:00:00.000Z'],
      following: '2026-11-23T04:00:00.000Z',
    });
    expect(iso(planTicks(line, new Date('2026-11-22T04:00:03.500Z'))).ticks).toHaveLength(1);
  });

  it('makes up for a bounded number of ticks, the newest', () => {
    const line = due('0 * * * *', 'UTC', '2026-10-22 04:00:00+00', 3);
    expect(iso(planTicks(line, new Date('2026-11-22T04:30:00Z')))).toEqual({
      ticks: ['2026-11-22T02:00:00.000Z', '2026-11-22T03:00:00.000Z', '2026-11-22T04:00:00.000Z'],
      following: '2026-11-22T05:00:00.000Z',
    });
  });

  it('of a day that few months have ticks then', () => {
    const leap = due('0 4 29 2 *', 'Europe/Berlin', '2028-02-29 03:00:00+00');
    expect(iso(planTicks(leap, new Date('2028-02-29T03:00:01Z')))).toEqual({
      ticks: ['2028-02-29T03:00:00.000Z'],
      following: '2032-02-29T03:00:00.000Z',
    });
    const missed = due('*/30 4 29 2 *', 'UTC', '2024-02-29 04:00:00+00', 3);
    expect(iso(planTicks(missed, new Date('2028-03-01T00:00:00Z'))).ticks).toEqual([
      '2024-02-29T04:30:00.000Z',
      '2028-02-29T04:00:00.000Z',
      '2028-02-29T04:30:00.000Z',
    ]);
  });

  it('keeps local time over a change of daylight saving', () => {
    const line = due('30 8 * * *', 'Europe/Berlin', '2026-10-24 06:30:00+00');
    expect(iso(planTicks(line, new Date('2026-10-24T06:30:00Z')))).toEqual({
      ticks: ['2026-10-24T06:30:00.000Z'],
      following: '2026-10-25T07:30:00.000Z',
    });
  });

  it('ticks in both of the hours that a change back makes of one', () => {
    const line = due('*/30 * * * *', 'Europe/Berlin', '2026-10-25 00:00:00+00', 9);
    expect(iso(planTicks(line, new Date('2026-10-25T01:40:00Z')))).toEqual({
      ticks: [0, 30, 60, 90].map((m) => new Date(Date.UTC(2026, 9, 25, 0, m)).toISOString()),
      following: '2026-10-25T02:00:00.000Z',
    });
  });

  it('that has no time to come throws, and one that had is over', () => {
    const over = new Date('2026-11-22T00:00:00Z');
    expect(() => planTicks(due('0 0 4 1 1 * 2026', 'UTC', null), over)).toThrow(
      'no such time ever comes',
    );
    const last = due('0 0 4 1 1 * 2026', 'UTC', '2026-01-01 04:00:00+00');
    expect(iso(planTicks(last, over))).toEqual({
      ticks: ['2026-01-01T04:00:00.000Z'],
      following: undefined,
    });
  });

  it('that cannot be read throws', () => {
    expect(() => planTicks(due('every day', 'UTC', null), new Date())).toThrow();
  });
});

describe('schedules', () => {
  const postgres = withPostgres();

  it('one tick once with three hubs', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    for (const id of ['e', 'f']) {
      const other = new ScriptedAsker(['hub1', 'web1', 'web2']);
      Object.assign(other, { nodeId: id.repeat(64) });
      await fixture.startHub({}, other);
    }
    await fixture.query(
      `insert into swarmplane.schedule (name, sql, every) values ('often', 'select 1', '1 second')`,
    );
    await fixture.query(
      `insert into swarmplane.schedule (name, sql, cron) values ('seconds', 'select 2', '* * * * * *')`,
    );
    await fixture.until(
      `select count(*) filter (where reason = 'schedule often') >= 3
          and count(*) filter (where reason = 'schedule seconds') >= 3 as enough
         from swarmplane.request`,
    );
    // a tick of the interval is a whole number of intervals after the first, of the cron a whole second
    const rows = await fixture.query<{ reason: string; whole: boolean }>(
      `select reason, count(*) = count(distinct tick) and bool_and(
                extract(epoch from tick - first_tick) % 1 = 0) as whole
         from (select *, min(tick) over (partition by schedule_id) as first_tick from swarmplane.request) r
        group by reason order by reason`,
    );
    expect(rows).toEqual([
      { reason: 'schedule often', whole: true },
      { reason: 'schedule seconds', whole: true },
    ]);
    expect(
      await fixture.query(
        'select last_error from swarmplane.schedule where last_error is not null',
      ),
    ).toEqual([]);
  });

  it('an action is commanded once a tick with three hubs, and not while its host has one', async () => {
    const fixture = await hubFixture(postgres());
    const hubs = [fixture.asker];
    for (const id of ['e', 'f'])
      hubs.push(
        Object.assign(new ScriptedAsker(['hub1', 'web1', 'web2']), { nodeId: id.repeat(64) }),
      );
    for (const hub of hubs) {
      hub.allowed = ['restart'];
      hub.set('web2', 'dead');
      await fixture.startHub({}, hub);
    }
    await fixture.query(
      `insert into swarmplane.schedule (name, action, args, hosts, every)
       values ('often', 'restart', '{"unit": "web"}', '{web1,web2}', '1 second')`,
    );
    await fixture.until(
      `select count(*) >= 3 as enough from swarmplane.request_status where host = 'web1' and ended_at is not null`,
    );
    const [waiting] = await fixture.query(
      `select count(*)::int as all from swarmplane.request_status where host = 'web2'`,
    );
    expect(waiting).toEqual({ all: 1 });
    await fixture.query(`update swarmplane.schedule set active = false`);
    const ids = hubs.flatMap(({ commanded }) =>
      commanded.map((spec) => spec.ids.get(idOf('web1'))),
    );
    const ofWeb1 = ids.filter((id) => id !== undefined);
    const [ticks] = await fixture.query<{ ticks: number }>(
      'select count(distinct tick)::int as ticks from swarmplane.request',
    );
    expect(new Set(ofWeb1).size).toBe(ofWeb1.length);
    expect(ofWeb1.length).toBeLessThanOrEqual(ticks!.ticks);
  });

  it('a cron line that cannot be read is said, and rests until it is changed', async () => {
    const fixture = await hubFixture(postgres());
    await fixture.startHub();
    await fixture.query(
      `insert into swarmplane.schedule (name, sql, cron) values ('odd', 'select 1', 'every day')`,
    );
    const { last_error } = await fixture.until<{ last_error: string }>(
      `select last_error from swarmplane.schedule where next_at = 'infinity'`,
    );
    expect(last_error).toMatch(/^cannot read the cron line "every day": /);
    await fixture.until(
      `select from swarmplane.alert where kind = 'schedule_failed' and key = 'odd' and count = 1`,
    );
    await fixture.query(`update swarmplane.schedule set cron = '* * * * * *' where name = 'odd'`);
    await fixture.until(
      `select from swarmplane.request where reason = 'schedule odd' and state = 'done'`,
    );
    await fixture.until(
      `select from swarmplane.alert where kind = 'schedule_failed' and resolved_at is not null`,
    );
  });
});
