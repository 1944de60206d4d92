/** systemd_timers beside `systemctl list-timers` of a real systemd, and what older ones print. */
import { expect, test } from 'vitest';

import { parseUnits } from '../../../src/tables/units/systemctl.ts';
import { systemdTimers, timerRow } from '../../../src/tables/units/systemd-timers.ts';
import { boot, canBoot } from '../../helpers/booted.ts';
import { until } from '../../helpers/eventually.ts';
import { only } from '../../helpers/needs.ts';
import { fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

/** As `systemctl show` of 252 prints them under TZ=UTC. */
const SHOWN = `Unit=a.service
TimersMonotonic={ OnUnitActiveUSec=1d ; next_elapse=0 }
TimersMonotonic={ OnBootUSec=15min ; next_elapse=1h 2min 3.5s }
NextElapseUSecRealtime=
NextElapseUSecMonotonic=1h 2min 3.5s
LastTriggerUSec=
Persistent=no
Id=a.timer

Unit=b.service
TimersCalendar={ OnCalendar=Mon *-*-* 00:00:00 ; next_elapse=Mon 2026-11-30 00:00:00 UTC }
NextElapseUSecRealtime=Mon 2026-11-30 00:00:00 UTC
NextElapseUSecMonotonic=0
LastTriggerUSec=Mon 2026-11-23 00:00:01 UTC
Persistent=yes
Id=b.timer

Unit=c.service
NextElapseUSecRealtime=
NextElapseUSecMonotonic=infinity
LastTriggerUSec=n/a
Id=c.timer
`;

test('times of either clock become times since 1970, and settings one text', () => {
  const clock = { realtimeUs: 1_000_000e6, monotonicUs: 723.5e6 };
  const rows = parseUnits(SHOWN).map((unit) => timerRow(unit, clock));
  expectShape(systemdTimers, rows);
  expect(rows).toMatchObject([
    {
      name: 'a.timer',
      unit: 'a.service',
      schedule: 'OnUnitActiveUSec=1d; OnBootUSec=15min',
      last_run: null,
      next_run: 1_003_000,
    },
    {
      name: 'b.timer',
      schedule: 'OnCalendar=Mon *-*-* 00:00:00',
      last_run: Date.parse('2026-11-23T00:00:01Z') / 1000,
      next_run: Date.parse('2026-11-30T00:00:00Z') / 1000,
      persistent: 'yes',
    },
    { name: 'c.timer', schedule: '', last_run: null, next_run: null },
  ]);
});

test('a host where systemd is not running says so', async () => {
  const nothing = rowsOf(systemdTimers, { root: fakeRoot({}) });
  await expect(nothing).rejects.toThrow('systemd is not running');
});

only(canBoot(), 'as root where a systemd can be started')(
  'agrees with systemctl list-timers to the second, also after a timer has run',
  async () => {
    const machine = await boot();
    try {
      machine.print('systemd-run', '--on-active=1h', '--unit=later', 'true');
      machine.print('systemd-run', '--on-calendar=2030-01-01 00:00:00', '--unit=once', 'true');
      machine.print('systemd-run', '--on-active=0', '--on-calendar=*:0', '--unit=ran', 'true');
      const last = () => machine.print('systemctl', 'show', '-P', 'LastTriggerUSec', 'ran.timer');
      await until(() => last().trim() !== '', 'the timer to have run');
      const shown = JSON.parse(
        machine.print('systemctl', 'list-timers', '--all', '--output=json'),
      ) as { next: number; last: number; unit: string; activates: string }[];
      const { rows } = machine.rows('systemd_timers');
      expect(rows.map(({ name }) => name).sort()).toEqual(shown.map(({ unit }) => unit).sort());
      for (const { next, last, unit, activates } of shown) {
        const row = rows.find(({ name }) => name === unit)!;
        expect(row.unit).toBe(activates);
        expect(row.last_run, `${unit} last`).toBe(last > 0 ? Math.floor(last / 1e6) : null);
        if (next === 0) expect(row.next_run).toBeNull();
        // Each reckons a time of the other clock at its own moment.
        else expect(Math.abs(Number(row.next_run) - next / 1e6), `${unit} next`).toBeLessThan(1.5);
      }
      expect(rows.find(({ name }) => name === 'once.timer')).toMatchObject({
        next_run: Date.parse('2030-01-01T00:00:00Z') / 1000,
        schedule: 'OnCalendar=2030-01-01 00:00:00',
      });
      expect(rows.find(({ name }) => name === 'ran.timer')!.last_run).not.toBeNull();
    } finally {
      machine.stop();
    }
  },
);
