import { bigint, elsewhere, text } from '../lib/columns.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { bootTime } from '../lib/proc.ts';
import type { Row, SnapshotTable } from '../types.ts';
import { auditRows, decode, nameOf, type AuditEvent, type Syscalls } from './audit-log.ts';

export const processEvents: SnapshotTable = {
  kind: 'snapshot',
  name: 'process_events',
  description:
    'Programs that were started, from auditd’s own log and its rotated files, the newest 10,000 and ' +
    'first a row with syscall overflow if there are more; those that auditd’s rules tell it to log. Starts ' +
    'that failed are left out.',
  cost: 'expensive',
  sensitive: true,
  key: ['time', 'pid', 'path', 'cmdline'],
  columns: [
    bigint('pid', 'Process id.'),
    text('path', 'The program’s file.'),
    text('mode', 'Type and permissions of the file, octal.'),
    text('cmdline', 'Its arguments, parted by blanks.'),
    bigint('cmdline_size', 'Bytes of them.', { hidden: true }),
    text('env', 'Environment; auditd does not log it.', { hidden: true }),
    text('environment', 'Another name for env.', { hidden: true }),
    bigint('env_count', 'Variables in it; NULL.', { hidden: true }),
    bigint('environment_count', 'Another name for env_count.', { hidden: true }),
    bigint('env_size', 'Bytes of it; NULL.', { hidden: true }),
    bigint('environment_size', 'Another name for env_size.', { hidden: true }),
    text('cwd', 'Folder it was started in.'),
    bigint('auid', 'User who logged in, 4294967295 for nobody.'),
    bigint('uid', 'User id.'),
    bigint('euid', 'Effective user id.'),
    bigint('gid', 'Group id.'),
    bigint('egid', 'Effective group id.'),
    bigint('owner_uid', 'Owner of the file.'),
    bigint('owner_gid', 'Group of the file.'),
    ...fileTimes(),
    text('overflows', 'In the row overflow how many older events are not shown; else empty.', {
      hidden: true,
    }),
    bigint('parent', 'Id of the parent process.'),
    bigint('time', 'When it was, seconds since 1970.', { additional: true }),
    bigint('uptime', 'Seconds from the start of the machine; NULL for what was before it.'),
    text('eid', 'Time and number of the event in the log.', { hidden: true }),
    elsewhere('darwin', bigint('status', 'Status of the process')),
    bigint('fsuid', 'User id for file access.'),
    bigint('suid', 'Saved user id.'),
    bigint('fsgid', 'Group id for file access.'),
    bigint('sgid', 'Saved group id.'),
    text('syscall', 'execve or execveat; overflow.'),
  ],
  collect(context): Row[] {
    const started = bootTime(context);
    return auditRows(context, {
      syscalls: EXEC,
      rule: RULE,
      rowsOf: (event) => processEventRow(event, started),
      overflow: (lost, time) => ({ syscall: 'overflow', overflows: String(lost), time }),
    });
  },
};

export function processEventRow(event: AuditEvent, started: number | undefined): Row[] {
  const { syscall, records } = event;
  if (syscall.get('success') !== 'yes') return [];
  const number = (name: string): number | bigint | null => integerOrNull(syscall.get(name));
  // The first is the program, the next what loads it.
  const file = records.get('PATH')?.find((path) => path.get('item') === '0');
  const cmdline = argumentsOf(event).join(' ');
  const uptime = started === undefined ? -1 : event.time - started;
  return [
    {
      pid: number('pid'),
      path: decode(syscall.get('exe')),
      mode: file?.get('mode') ?? null,
      cmdline,
      cmdline_size: Buffer.byteLength(cmdline),
      cwd: decode(records.get('CWD')?.[0]?.get('cwd')),
      auid: number('auid'),
      uid: number('uid'),
      euid: number('euid'),
      gid: number('gid'),
      egid: number('egid'),
      owner_uid: integerOrNull(file?.get('ouid')),
      owner_gid: integerOrNull(file?.get('ogid')),
      parent: number('ppid'),
      time: event.time,
      uptime: uptime < 0 ? null : uptime,
      eid: event.id,
      fsuid: number('fsuid'),
      suid: number('suid'),
      fsgid: number('fsgid'),
      sgid: number('sgid'),
      syscall: nameOf(syscall, EXEC) ?? null,
    },
  ];
}

/** Over several records where there are many, and over several parts of one that is long. */
function argumentsOf({ records }: AuditEvent): string[] {
  const parts = new Map<number, string[]>();
  for (const record of records.get('EXECVE') ?? []) {
    for (const [name, value] of record) {
      const number = /^a(\d+)(?:\[\d+\])?$/.exec(name)?.[1];
      if (number === undefined) continue;
      parts.set(Number(number), [...(parts.get(Number(number)) ?? []), value]);
    }
  }
  return [...parts].sort(([a], [b]) => a - b).map(([, pieces]) => decode(pieces.join('')) ?? '');
}

/** Times of the file, which osquery has on macOS; auditd logs none. */
function fileTimes(): SnapshotTable['columns'] {
  const names = { atime: 'access', mtime: 'modify', ctime: 'change', btime: 'create' };
  return Object.entries(names).flatMap(([name, long]) => [
    bigint(name, 'Time of the file; NULL, auditd does not log it.'),
    bigint(`${long}_time`, `Another name for ${name}.`, { hidden: true }),
  ]);
}

const EXEC: Syscalls = {
  c000003e: { '59': 'execve', '322': 'execveat' },
  '40000003': { '11': 'execve', '358': 'execveat' },
  c00000b7: { '221': 'execve', '281': 'execveat' },
  '40000028': { '11': 'execve', '387': 'execveat' },
  c00000f3: { '221': 'execve', '281': 'execveat' },
  c0000015: { '11': 'execve', '362': 'execveat' },
  '80000016': { '11': 'execve', '354': 'execveat' },
};
const RULE = '-a always,exit -F arch=b64 -S execve,execveat';
