/** Clocks that jump: the server's under libfaketime, this host's by a clock of the test. */
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ClockWatch, jumpText } from '../../src/hub/clock-watch.ts';
import { hasFaketime, SettableClock } from '../helpers/faketime.ts';
import { needs } from '../helpers/needs.ts';
import { eachPostgres } from '../helpers/postgres.ts';
import { hubFixture } from './hub-fixture.ts';

const DAY_MS = 86_400_000;

eachPostgres('a server whose clock jumps a day ahead and back', (postgres) => {
  needs('libfaketime', hasFaketime)(
    'stops nothing: what was put off is due, no stamp of the future stays, an alert says so',
    async () => {
      const clock = new SettableClock();
      onTestFinished(() => clock.stop());
      await postgres().restartWith(clock.environment);
      const fixture = await hubFixture(postgres());
      const hub = await fixture.startHub();
      await fixture.query(
        `insert into swarmplane.schedule (name, sql, every, catch_up) values ('hourly', 'select 1', '1 hour', 1)`,
      );
      await fixture.query(
        `insert into swarmplane.schedule (name, sql, cron, catch_up) values ('daily', 'select 2', '0 * * * *', 1)`,
      );
      await fixture.query(`select swarmplane.track('users')`);
      await hub.stop();
      await fixture.startHub();
      const ticks = `select count(*) > $1 as ok from swarmplane.request where sql = 'select 1' and state = 'done'`;
      await fixture.until(ticks, [0]);
      await fixture.until(`select bool_and(next_at is not null) as ok from swarmplane.schedule`);
      await fixture.until(`select count(*) = 3 as ok from swarmplane.handover`);

      clock.set('+1d');
      await fixture.until(jumped('jumped ahead by 86[34]..'));
      await fixture.until(ticks, [1]);
      expect(await fixture.ended(await fixture.request('select 3'))).toEqual({ ok: 3 });

      clock.set('+0');
      await fixture.until(jumped('went back by 86[34]..'));
      await fixture.until(ticks, [2]);
      expect(await fixture.ended(await fixture.request('select 4'))).toEqual({ ok: 3 });
      await fixture.until(`select not exists (select from swarmplane.schedule
          where next_at is null or next_at > now() + interval '1 hour' or last_at > now()) as schedules,
        not exists (select from swarmplane.handover
          where due_at > now() + interval '10 minutes' or asked_at > now()) as turns,
        not exists (select from swarmplane.node where seen_at > now()) as nodes,
        not exists (select from swarmplane.hub where seen_at > now()) as hubs,
        not exists (select from swarmplane.alert where resolved_at is null and last_at > now()) as alerts,
        not exists (select from swarmplane.lease where until > now() + interval '1 minute') as leases`);
    },
  );
});

describe('a clock watch', () => {
  afterEach(() => void vi.useRealTimers());

  it('tells whose clock jumped, and of no jump twice', () => {
    const watch = new ClockWatch();
    const now = (): number => performance.timeOrigin + performance.now();
    expect(watch.look(now(), performance.now())).toEqual([]);
    expect(watch.look(now() + 2_000, performance.now())).toEqual([]);
    const [server] = watch.look(now() - DAY_MS, performance.now());
    expect(jumpText(server!, 'hub1')).toBe('the clock of the database server went back by 86402 s');
    expect(watch.look(now() - DAY_MS, performance.now())).toEqual([]);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + DAY_MS });
    const [host] = watch.look(now() - DAY_MS, performance.now());
    expect(jumpText(host!, 'hub1')).toBe('the clock of hub hub1 jumped ahead by 86400 s');
  });

  it('does not take a slow answer for a jump', () => {
    const watch = new ClockWatch();
    const now = (): number => performance.timeOrigin + performance.now();
    watch.look(now(), performance.now());
    // It came a minute after it was asked for; the clock was read at its begin.
    expect(watch.look(now() - 60_000, performance.now() - 60_000)).toEqual([]);
  });
});

function jumped(how: string): string {
  return `select true as ok from swarmplane.alert
           where kind = 'clock_jumped' and key = 'server' and message ~ '${how}'`;
}
