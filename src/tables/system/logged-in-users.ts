import { bigint, elsewhere, integer, text } from '../lib/columns.ts';
import { exists, listDir, readBytes, readText, type Rooted } from '../lib/files.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { keyValues } from '../lib/text.ts';
import { parseUtmp } from '../lib/utmp.ts';
import { type Row, type SnapshotTable, TableAbsentError } from '../types.ts';

export const loggedInUsers: SnapshotTable = {
  kind: 'snapshot',
  name: 'logged_in_users',
  description: 'Who is logged in, from utmp(5), else from systemd-logind.',
  cost: 'cheap',
  key: ['type', 'user', 'tty', 'pid', 'time'],
  columns: [
    text(
      'type',
      'user for a login; others such as boot_time and runlevel for events of the system.',
    ),
    text('user', 'Name of the user.'),
    text('tty', 'Terminal.'),
    text('host', 'Host the login came from.'),
    bigint('time', 'Unix time of the login.'),
    integer('pid', 'Process that leads the session.'),
    elsewhere('windows', text('sid', 'Security identifier of the user')),
    elsewhere('windows', text('registry_hive', 'Registry hive of the user')),
  ],
  collect(context): Row[] {
    for (const path of UTMP_FILES) {
      const bytes = readBytes(context, path);
      if (bytes !== undefined) return utmpRows(bytes);
    }
    if (exists(context, SESSIONS)) return sessionRows(context);
    throw new TableAbsentError(
      'this host records no logins: it has neither /run/utmp nor systemd-logind',
    );
  },
};

/** Dead and empty entries are places to be used again. */
function utmpRows(bytes: Buffer): Row[] {
  return parseUtmp(bytes).flatMap(({ type, user, tty, host, time, pid }) => {
    const name = TYPES[type];
    return name === undefined ? [] : [{ type: name, user, tty, host, time, pid }];
  });
}

/** A file per session, KEY=value; times in microseconds. */
function sessionRows(context: Rooted): Row[] {
  const names = listDir(context, SESSIONS).filter((name) => !name.endsWith('.ref'));
  return names.flatMap((name) => {
    const session = keyValues(readText(context, `${SESSIONS}/${name}`) ?? '', '=');
    const started = integerOrNull(session.get('REALTIME'));
    if (session.get('USER') === undefined || session.get('CLASS') !== 'user') return [];
    return [
      {
        type: 'user',
        user: session.get('USER')!,
        tty: session.get('TTY') ?? '',
        host: session.get('REMOTE_HOST') ?? '',
        time: started === null ? null : Math.floor(Number(started) / 1e6),
        pid: integerOrNull(session.get('LEADER')),
      },
    ];
  });
}

const UTMP_FILES = ['/run/utmp', '/var/run/utmp'];
const SESSIONS = '/run/systemd/sessions';

/** By ut_type of utmp(5), as osquery names them. */
const TYPES: Readonly<Record<number, string>> = {
  1: 'runlevel',
  2: 'boot_time',
  3: 'new_time',
  4: 'old_time',
  5: 'init',
  6: 'login',
  7: 'user',
};
