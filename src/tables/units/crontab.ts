/** crontab: what cron runs. */
import { pidWithNamespace, text } from '../lib/columns.ts';
import { describeCode, listDir, tryRead } from '../lib/files.ts';
import { lines } from '../lib/text.ts';
import { Misses } from '../files/misses.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const crontab: SnapshotTable = {
  name: 'crontab',
  description: 'Jobs of cron, from the tables of the system and of its users, crontab(5).',
  kind: 'snapshot',
  cost: 'cheap',
  key: ['event', 'minute', 'hour', 'day_of_month', 'month', 'day_of_week', 'command', 'path'],
  columns: [
    text('event', 'Event that starts it, as @reboot; empty where it has a time.'),
    text('minute', 'Minutes it runs at; empty for an event, as are the other times.'),
    text('hour', 'Hours it runs at.'),
    text('day_of_month', 'Days of the month it runs on.'),
    text('month', 'Months it runs in.'),
    text('day_of_week', 'Days of the week it runs on.'),
    text('command', 'The rest of the line; in tables of the system the user comes first.'),
    text('path', 'The file it stands in.'),
    pidWithNamespace(),
  ],
  collect(context) {
    const misses = new Misses(context);
    const files = [
      '/etc/crontab',
      ...FOLDERS.flatMap((folder) => listDir(context, folder).map((name) => `${folder}/${name}`)),
    ];
    const rows = files.flatMap((path) => {
      const file = tryRead(context, path);
      if (file.ok) return parseCrontab(file.bytes.toString('utf8'), path);
      if (file.code !== 'ENOENT' && file.code !== 'ENOTREG') {
        misses.add(path, `not read: ${describeCode(file.code)}`);
      }
      return [];
    });
    misses.report();
    return rows;
  },
};

export function parseCrontab(content: string, path: string): Row[] {
  return lines(content).flatMap((line) => {
    const job = line.trim();
    if (job === '' || job.startsWith('#') || SETTING.test(job)) return [];
    const event = /^(@\w+)\s+(.*)$/.exec(job);
    if (event !== null) return [{ ...NO_TIMES, event: event[1], command: event[2], path }];
    const times = TIMES.exec(job);
    if (times === null) return [];
    const [, minute, hour, day, month, weekday, command] = times;
    return [
      {
        event: '',
        minute,
        hour,
        day_of_month: day,
        month,
        day_of_week: weekday,
        command,
        path,
      },
    ];
  });
}

const NO_TIMES: Row = { minute: '', hour: '', day_of_month: '', month: '', day_of_week: '' };
const SETTING = /^["']?[A-Za-z_]\w*["']?\s*=/;
const TIMES = /^(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(.*)$/;
/** Where Debian, Red Hat, Arch and BusyBox keep them. */
const FOLDERS = ['/etc/cron.d', '/var/spool/cron/crontabs', '/var/spool/cron', '/etc/crontabs'];
