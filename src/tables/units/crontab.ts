/** crontab: what cron runs. */
import { pidWithNamespace, text } from '../lib/columns.ts';
import { describeCode, exists, listDir, readText, tryRead } from '../lib/files.ts';
import { lines } from '../lib/text.ts';
import { Misses } from '../files/misses.ts';
import type { CollectContext, Row, SnapshotTable } from '../types.ts';

export const crontab: SnapshotTable = {
  name: 'crontab',
  description: 'Jobs of cron, from the tables of the system and of its users, crontab(5).',
  kind: 'snapshot',
  cost: 'cheap',
  key: ['event', 'minute', 'hour', 'day_of_month', 'month', 'day_of_week', 'command', 'path'],
  columns: [
    text('event', 'Event that starts it, as @reboot; NULL where it has a time.', { unset: true }),
    text('minute', 'Minutes it runs at; NULL for an event, as are the other times.', {
      unset: true,
    }),
    text('hour', 'Hours it runs at.', { unset: true }),
    text('day_of_month', 'Days of the month it runs on.', { unset: true }),
    text('month', 'Months it runs in.', { unset: true }),
    text('day_of_week', 'Days of the week it runs on.', { unset: true }),
    text('command', 'The rest of the line; in tables of the system the user comes first.'),
    text('path', 'The file it stands in.'),
    pidWithNamespace(),
  ],
  collect(context) {
    const misses = new Misses(context);
    const rows = cronFiles(context).flatMap((path) => {
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

/** The tables that cron reads; others that lie beside them, as backups of packages, run nothing. */
function cronFiles(context: CollectContext): string[] {
  const debian = exists(context, '/var/spool/cron/crontabs');
  const lsb = /^\s*EXTRA_OPTS=.*-\w*l/m.test(readText(context, '/etc/default/cron') ?? '');
  const runs = (name: string): boolean =>
    debian ? DEBIAN_NAME.test(name) || (lsb && LSB_NAME.test(name)) : !CRONIE_SKIPS.test(name);
  const system = listDir(context, '/etc/cron.d').filter(runs);
  return [
    '/etc/crontab',
    ...system.map((name) => `/etc/cron.d/${name}`),
    ...SPOOLS.flatMap((folder) =>
      listDir(context, folder)
        .filter((name) => !SPOOL_SKIPS.test(name))
        .map((name) => `${folder}/${name}`),
    ),
  ];
}

export function parseCrontab(content: string, path: string): Row[] {
  return lines(content).flatMap((line): Row[] => {
    const job = line.trim();
    if (job === '' || job.startsWith('#') || SETTING.test(job)) return [];
    const event = /^(@\w+)\s+(.*)$/.exec(job);
    if (event !== null) return [{ event: event[1], command: event[2], path }];
    const times = TIMES.exec(job);
    if (times === null) return [];
    const [, minute, hour, day, month, weekday, command] = times;
    return [
      {
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

/** load_env of cron: a name with no blank in it or in quotes, then `=`. */
const SETTING = /^(?:"[^"]*"|'[^']*'|[^\s="']+)\s*=/;
const TIMES = /^(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(.*)$/;
/** Where Debian, SUSE, Red Hat and Arch, and BusyBox keep those of users. */
const SPOOLS = [
  '/var/spool/cron/crontabs',
  '/var/spool/cron/tabs',
  '/var/spool/cron',
  '/etc/crontabs',
];
/** cron(8) of Debian, section "Notes": without and with -l. */
const DEBIAN_NAME = /^[A-Za-z0-9_-]+$/;
const LSB_NAME = /^(?:[a-z0-9]+|_?(?:[a-z0-9_.-]+\.)+[a-z0-9]+|[a-z0-9][a-z0-9-]*)$/;
/** not_a_crontab of cronie, which SUSE, Red Hat and Arch have. */
const CRONIE_SKIPS = /^[.#]|~$|\.(?:rpmsave|rpmorig|rpmnew)$/;
/** What crontab(1) writes to before it renames, and what editors leave: names of no user. */
const SPOOL_SKIPS = /^(?:[.#]|tmp\.)|~$/;
