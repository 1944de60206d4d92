import { bigint, text } from '../lib/columns.ts';
import { exists } from '../lib/files.ts';
import { sqliteRows } from '../lib/sqlite-file.ts';
import { TableAbsentError, type Row, type SnapshotTable } from '../types.ts';

export const lastlog2: SnapshotTable = {
  kind: 'snapshot',
  name: 'lastlog2',
  description:
    'The last login of every user who ever logged in, from the database of lastlog2(8) (Debian 13, openSUSE).',
  cost: 'cheap',
  beyondOsquery: true,
  key: ['username'],
  columns: [
    text('username', 'Name of the user.'),
    bigint('time', 'When the user last logged in, seconds since 1970.'),
    text('tty', 'Terminal.'),
    text('host', 'Host the login came from.'),
    text('service', 'The PAM service, as sshd or login.'),
  ],
  collect(context): Promise<Row[]> {
    if (!exists(context, LASTLOG2))
      throw new TableAbsentError(`this host does not keep lastlog2 (${LASTLOG2}); see table last`);
    return sqliteRows(context, LASTLOG2, SQL);
  },
};

const LASTLOG2 = '/var/lib/lastlog/lastlog2.db';
const SQL = `select Name as username, Time as time, TTY as tty, RemoteHost as host,
  Service as service from Lastlog2`;
