import { bigint, elsewhere, integer, load, text } from '../lib/columns.ts';
import { wants } from '../lib/constraints.ts';
import type { Rooted } from '../lib/files.ts';
import { ProgramError, runProgram } from '../lib/program.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const time: SnapshotTable = {
  kind: 'snapshot',
  name: 'time',
  description: 'The date and time of the host in UTC, one row.',
  cost: 'cheap',
  key: [],
  columns: [
    load(text('weekday', 'Day of the week in English.')),
    load(integer('year', 'Year.')),
    load(integer('month', 'Month, 1 to 12.')),
    load(integer('day', 'Day of the month.')),
    load(integer('hour', 'Hour, 0 to 23.')),
    load(integer('minutes', 'Minutes.')),
    load(integer('seconds', 'Seconds.')),
    text('timezone', 'Time zone of the columns: always UTC.'),
    text('local_timezone', 'Time zone the host is set to, abbreviated as date +%Z does.'),
    load(integer('unix_time', 'Seconds since 1970.')),
    load(text('timestamp', 'Date and time as logs write it, e.g. Sun Nov 22 02:10:00 2026 UTC.')),
    load(text('datetime', 'Date and time as ISO 8601.')),
    load(text('date_time', 'Another name for datetime.', { hidden: true })),
    load(text('iso_8601', 'Date and time as ISO 8601.')),
    elsewhere('windows', bigint('win_timestamp', 'Time in units of 100 ns')),
  ],
  async collect(context): Promise<Row[]> {
    const now = new Date();
    const local = wants(context, 'local_timezone')
      ? { local_timezone: await localTimezone(context) }
      : {};
    return [{ ...timeRow(now), ...local }];
  },
};

/** The row for one moment, without the local zone. */
export function timeRow(now: Date): Row {
  const iso = now.toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    weekday: WEEKDAYS[now.getUTCDay()]!,
    year: now.getUTCFullYear(),
    month: now.getUTCMonth() + 1,
    day: now.getUTCDate(),
    hour: now.getUTCHours(),
    minutes: now.getUTCMinutes(),
    seconds: now.getUTCSeconds(),
    timezone: 'UTC',
    unix_time: Math.floor(now.getTime() / 1000),
    timestamp: logTime(now),
    datetime: iso,
    date_time: iso,
    iso_8601: iso,
  };
}

/** As asctime(3) writes it: the day padded with a blank. */
function logTime(now: Date): string {
  const [weekday, day, month, year, clock] = now.toUTCString().replace(',', '').split(' ');
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${clock} ${year} UTC`;
}

/** As the C library abbreviates it (CET); JavaScript has names of its own (GMT+1). NULL without date(1). */
async function localTimezone(context: Rooted): Promise<string | null> {
  try {
    const { code, stdout } = await runProgram(context, 'date', ['+%Z']);
    return code === 0 ? stdout.trim() || null : null;
  } catch (error) {
    if (error instanceof ProgramError) return null;
    throw error;
  }
}

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
