import { integer, text } from '../lib/columns.ts';
import { describeCode, tryRead } from '../lib/files.ts';
import { parseUtmp } from '../lib/utmp.ts';
import { TableError, type Row, type SnapshotTable } from '../types.ts';

export const last: SnapshotTable = {
  kind: 'snapshot',
  name: 'last',
  description: 'Logins, logouts and starts of the system, from /var/log/wtmp.',
  cost: 'moderate',
  key: ['username', 'tty', 'pid', 'type', 'time'],
  columns: [
    text('username', 'Name of the user; empty at a logout.'),
    text('tty', 'Terminal.'),
    integer('pid', 'Process id.'),
    integer('type', 'Type of the entry by number, ut_type of utmp(5).'),
    text('type_name', 'Type of the entry by name, e.g. USER_PROCESS.'),
    integer('time', 'Unix time.'),
    text('host', 'Host the login came from.'),
  ],
  collect(context): Row[] {
    const result = tryRead(context, WTMP, { bytesMax: WTMP_BYTES_MAX });
    if (!result.ok) throw new TableError(`cannot read ${WTMP}: ${describeCode(result.code)}`);
    if (result.truncated) context.warn(`${WTMP} is too long: its newest entries are left out`);
    return parseUtmp(result.bytes).map(({ user, tty, pid, type, time, host }) => ({
      username: user,
      tty,
      pid,
      type,
      time,
      host,
      type_name: TYPE_NAMES[type] ?? null,
    }));
  },
};

const WTMP = '/var/log/wtmp';
const WTMP_BYTES_MAX = 128 * 1024 * 1024;

/** In the order of utmp(5). */
const TYPE_NAMES = [
  'EMPTY',
  'RUN_LVL',
  'BOOT_TIME',
  'NEW_TIME',
  'OLD_TIME',
  'INIT_PROCESS',
  'LOGIN_PROCESS',
  'USER_PROCESS',
  'DEAD_PROCESS',
  'ACCOUNTING',
];
