import { integer, text } from '../lib/columns.ts';
import { describeCode, tryRead } from '../lib/files.ts';
import { parseUtmp } from '../lib/utmp.ts';
import { TableError, type Row, type SnapshotTable } from '../types.ts';

export const failedLogins: SnapshotTable = {
  kind: 'snapshot',
  name: 'failed_logins',
  description:
    'Logins that failed, from /var/log/btmp and the file before it, as lastb(1) shows them; only root may ' +
    'read it. What stands as a name may be a password that somebody typed there.',
  cost: 'moderate',
  sensitive: true,
  beyondOsquery: true,
  key: ['time', 'username', 'tty', 'host', 'pid', 'path'],
  columns: [
    text('username', 'What was given as the name of the user.'),
    text('tty', 'Terminal or service, as ssh:notty.'),
    integer('pid', 'Id of the process that asked.'),
    text('host', 'Host the login came from, empty for this one.'),
    integer('time', 'When it failed, seconds since 1970.'),
    text('path', 'The file the entry is in.'),
  ],
  collect(context): Row[] {
    return FILES.flatMap((path) => {
      const result = tryRead(context, path, { bytesMax: BYTES_MAX });
      if (!result.ok) {
        // Right after a rotation, or before the first, there is one file only.
        if (path !== BTMP && result.code === 'ENOENT') return [];
        throw new TableError(`cannot read ${path}: ${describeCode(result.code)}`);
      }
      if (result.truncated) context.warn(`${path} is too long: its newest entries are left out`);
      return parseUtmp(result.bytes).map(({ user, tty, pid, host, time }) => ({
        username: user,
        tty,
        pid,
        host,
        time,
        path,
      }));
    });
  },
};

const BTMP = '/var/log/btmp';
const FILES = [BTMP, `${BTMP}.1`];
const BYTES_MAX = 128 * 1024 * 1024;
