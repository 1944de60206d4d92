import { bigint, integer, text } from '../lib/columns.ts';
import { exists } from '../lib/files.ts';
import { sqliteRows } from '../lib/sqlite-file.ts';
import { TableAbsentError, type Row, type SnapshotTable } from '../types.ts';

export const wtmpdb: SnapshotTable = {
  kind: 'snapshot',
  name: 'wtmpdb',
  description:
    'Logins and starts of the system, from the database of wtmpdb(8), which hosts keep in place of wtmp ' +
    'since times of 32 bits run out (Debian 13, openSUSE); see last for others.',
  cost: 'moderate',
  beyondOsquery: true,
  key: ['id'],
  columns: [
    bigint('id', 'Number of the entry.'),
    integer('type', 'Type of the entry: 1 start, 2 runlevel, 3 login.'),
    text('username', 'Name of the user; reboot at a start.'),
    text('tty', 'Terminal.'),
    text('host', 'Host the login came from; the kernel at a start.'),
    text('service', 'The PAM service, as sshd or login.'),
    bigint('login', 'When it began, seconds since 1970.'),
    bigint('logout', 'When it ended, seconds since 1970; NULL if it has not, or without a word.'),
  ],
  collect(context): Promise<Row[]> {
    const path = WTMPDBS.find((one) => exists(context, one));
    if (path === undefined)
      throw new TableAbsentError(`this host does not keep wtmpdb (${WTMPDBS[0]}); see table last`);
    return sqliteRows(context, path, SQL);
  },
};

/** Its times are microseconds, which it calls just that. */
const SQL = `select ID as id, Type as type, User as username, TTY as tty, RemoteHost as host,
  Service as service, Login / 1000000 as login, Logout / 1000000 as logout from wtmp`;

/** Where it is, and where it was before version 0.11. */
const WTMPDBS = ['/var/lib/wtmpdb/wtmp.db', '/var/log/wtmp.db'];
