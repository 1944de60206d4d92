/** systemd_timers: when units are started by time, and when they last were. */
import { bigint, load, text } from '../lib/columns.ts';
import { lines } from '../lib/text.ts';
import type { Row, SnapshotTable } from '../types.ts';
import { showUnits, timespanUs, timestampUs, type UnitProperties } from './systemctl.ts';

export const systemdTimers: SnapshotTable = {
  name: 'systemd_timers',
  description: 'Timers of systemd: what each starts, when it last did and when it will next.',
  kind: 'snapshot',
  cost: 'expensive',
  beyondOsquery: true,
  key: ['name'],
  columns: [
    text('name', 'Name of the timer, with .timer.'),
    text('unit', 'The unit that it starts.'),
    text('description', 'Description of the timer.'),
    text('state', 'active, inactive, failed, activating or deactivating.'),
    text('sub_state', 'waiting, running, elapsed or dead.'),
    text('enabled', 'Whether it starts by itself: enabled, disabled, static, masked ...'),
    text('schedule', 'Its settings, parted by semicolons, e.g. OnCalendar=*-*-* 06:00:00.'),
    text('persistent', 'yes if a time that passed while the machine was off is made up for.'),
    load(bigint('last_run', 'When it last started its unit, seconds since 1970; NULL if never.')),
    load(
      bigint('next_run', 'When it will start it next, seconds since 1970; NULL if it will not.'),
    ),
    text('result', 'success, or why the timer itself failed.'),
    text('path', 'The unit file.'),
  ],
  async collect(context) {
    // In UTC, as the names of other zones say nothing that could be read back.
    const units = await showUnits(context, '*.timer', PROPERTIES, { TZ: 'UTC' });
    const clock = {
      realtimeUs: Date.now() * 1e3,
      monotonicUs: Number(process.hrtime.bigint()) / 1e3,
    };
    return units.map((unit) => timerRow(unit, clock));
  },
};

/** Both clocks at one moment, in microseconds: timers count on either. */
export interface Clock {
  readonly realtimeUs: number;
  readonly monotonicUs: number;
}

export function timerRow(unit: UnitProperties, clock: Clock): Row {
  const get = (name: string): string => unit.get(name) ?? '';
  return {
    name: get('Id'),
    unit: get('Unit'),
    description: get('Description'),
    state: get('ActiveState'),
    sub_state: get('SubState'),
    enabled: get('UnitFileState'),
    schedule: schedule(unit),
    persistent: get('Persistent'),
    last_run: seconds(timestampUs(unit.get('LastTriggerUSec'))),
    next_run: seconds(nextUs(unit, clock)),
    result: get('Result'),
    path: get('FragmentPath'),
  };
}

/** The sooner of the two clocks' times, as `systemctl list-timers` does. */
function nextUs(unit: UnitProperties, clock: Clock): number | undefined {
  const realtime = timestampUs(unit.get('NextElapseUSecRealtime'));
  const monotonic = timespanUs(unit.get('NextElapseUSecMonotonic'));
  const times = [
    realtime,
    monotonic === undefined ? undefined : clock.realtimeUs + monotonic - clock.monotonicUs,
  ].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** `{ OnCalendar=daily ; next_elapse=.. }`, one a setting and each on a line of its own. */
function schedule(unit: UnitProperties): string {
  const settings = ['TimersCalendar', 'TimersMonotonic'].flatMap((name) =>
    lines(unit.get(name) ?? '').flatMap((line) => /^\{ (.*?) ; next_elapse=/.exec(line)?.[1] ?? []),
  );
  return settings.join('; ');
}

function seconds(us: number | undefined): number | null {
  return us === undefined ? null : Math.floor(us / 1e6);
}

const PROPERTIES = [
  'Id',
  'Unit',
  'Description',
  'ActiveState',
  'SubState',
  'UnitFileState',
  'TimersCalendar',
  'TimersMonotonic',
  'Persistent',
  'LastTriggerUSec',
  'NextElapseUSecRealtime',
  'NextElapseUSecMonotonic',
  'Result',
  'FragmentPath',
];
