import { bigint, elsewhere, integer, load, text } from '../lib/columns.ts';
import { wants } from '../lib/constraints.ts';
import { readBytes, readLink, readText, statOf, type Rooted } from '../lib/files.ts';
import { blockingMounts, isBelow } from '../lib/mounts.ts';
import { integerOrNull } from '../lib/numbers.ts';
import {
  bootTime,
  pidsOf,
  readStat,
  seesAllProcesses,
  TICKS_PER_SECOND,
  type ProcessStat,
} from '../lib/proc.ts';
import { fields, keyValues } from '../lib/text.ts';
import type { CollectContext, Row, SnapshotTable } from '../types.ts';

export const processes: SnapshotTable = {
  kind: 'snapshot',
  name: 'processes',
  description: 'The running processes, from /proc.',
  cost: 'moderate',
  key: ['pid', 'start_time'],
  columns: [
    bigint('pid', 'Process id.', { index: true }),
    text('name', 'Name the kernel keeps, at most 15 bytes.'),
    text('path', 'Path of the program; only root sees that of other users.'),
    text('cmdline', 'Arguments, separated by blanks.'),
    load(text('state', 'State as one letter: R, S, D, Z, T ...')),
    text('cwd', 'Working folder.'),
    text('root', 'Root folder.'),
    bigint('uid', 'Real user id.'),
    bigint('gid', 'Real group id.'),
    bigint('euid', 'Effective user id.'),
    bigint('egid', 'Effective group id.'),
    bigint('suid', 'Saved user id.'),
    bigint('sgid', 'Saved group id.'),
    integer('on_disk', '1 when the program is still on disk, 0 when deleted, -1 when unknown.'),
    load(bigint('wired_size', 'Bytes of memory that cannot be paged out (mlock).')),
    load(bigint('resident_size', 'Bytes of memory in use.')),
    load(bigint('total_size', 'Bytes of address space.')),
    load(bigint('user_time', 'Milliseconds of processor time in user space.')),
    load(bigint('system_time', 'Milliseconds of processor time in the kernel.')),
    load(bigint('disk_bytes_read', 'Bytes read from storage; only root sees that of other users.')),
    load(
      bigint('disk_bytes_written', 'Bytes written to storage; only root sees that of other users.'),
    ),
    bigint('start_time', 'Unix time of the start, in seconds.'),
    bigint('parent', 'Process id of the parent.'),
    bigint('pgroup', 'Process group.'),
    load(integer('threads', 'Threads.')),
    integer('nice', 'Nice level, -20 to 19.'),
    ...elsewhereColumns(),
    text('cgroup_path', 'Path of the control group.'),
  ],
  collect(context): Row[] {
    const boot = bootTime(context);
    if (!seesAllProcesses() && wants(context, ...OWNER_ONLY)) {
      context.warn('not root: path, cwd, root and disk bytes of other users’ processes are NULL');
    }
    return pidsOf(context)
      .map((pid) => processRow(context, pid, boot))
      .filter((row) => row !== undefined);
  },
};

/** One process, or undefined when it is gone. */
function processRow(
  context: CollectContext,
  pid: number,
  boot: number | undefined,
): Row | undefined {
  const stat = readStat(context, pid);
  if (stat === undefined) return undefined;
  return {
    pid,
    ...statColumns(stat, boot),
    ...(wants(context, 'path', 'on_disk') && programColumns(context, pid)),
    ...(wants(context, 'cmdline') && { cmdline: readCommandLine(context, pid) }),
    ...(wants(context, 'cwd') && { cwd: readLink(context, `/proc/${pid}/cwd`) }),
    ...(wants(context, 'root') && { root: readLink(context, `/proc/${pid}/root`) }),
    ...(wants(context, ...STATUS_COLUMNS) && statusColumns(context, pid)),
    ...(wants(context, 'disk_bytes_read', 'disk_bytes_written') && diskColumns(context, pid)),
    ...(wants(context, 'cgroup_path') && { cgroup_path: readCgroup(context, pid) }),
  };
}

/** Fields by their numbers in proc_pid_stat(5). */
function statColumns(stat: ProcessStat, boot: number | undefined): Row {
  const value = (number: number): number => Number(stat.field(number));
  const start = boot === undefined ? -1 : boot + Math.floor(value(22) / TICKS_PER_SECOND);
  return {
    name: stat.name,
    state: stat.field(3),
    parent: value(4),
    pgroup: value(5),
    user_time: value(14) * (1000 / TICKS_PER_SECOND),
    system_time: value(15) * (1000 / TICKS_PER_SECOND),
    nice: value(19),
    threads: value(20),
    start_time: start,
    total_size: integerOrNull(stat.field(23)),
  };
}

/** The kernel marks the link of a deleted program; a file's own name may end in the mark, too. */
function programColumns(context: Rooted, pid: number): Row {
  const target = readLink(context, `/proc/${pid}/exe`);
  if (target === undefined) return { path: null, on_disk: -1 };
  if (!target.endsWith(DELETED) || isThere(context, pid, target))
    return { path: target, on_disk: 1 };
  return { path: target.slice(0, -DELETED.length), on_disk: 0 };
}

/** Whether the program is what lies at `path`, which is not looked at where that could hang. */
function isThere(context: Rooted, pid: number, path: string): boolean {
  if (isBelow(path, blockingMounts(context))) return false;
  const [found, running] = [`/proc/${pid}/root${path}`, `/proc/${pid}/exe`].map((it) =>
    statOf(context, it),
  );
  return found !== undefined && found.ino === running?.ino && found.dev === running.dev;
}

function readCommandLine(context: Rooted, pid: number): string | null {
  const bytes = readBytes(context, `/proc/${pid}/cmdline`);
  return bytes?.toString('utf8').replace(/\0+$/, '').replaceAll('\0', ' ') ?? null;
}

function statusColumns(context: Rooted, pid: number): Row {
  const status = keyValues(readText(context, `/proc/${pid}/status`) ?? '', ':');
  const bytes = (key: string): number | null => {
    const kilobytes = parseInt(status.get(key) ?? '', 10);
    return Number.isNaN(kilobytes) ? null : kilobytes * 1024;
  };
  const [uid, euid, suid] = fields(status.get('Uid') ?? '').map(integerOrNull);
  const [gid, egid, sgid] = fields(status.get('Gid') ?? '').map(integerOrNull);
  return {
    uid,
    euid,
    suid,
    gid,
    egid,
    sgid,
    wired_size: bytes('VmLck'),
    resident_size: bytes('VmRSS'),
  };
}

function diskColumns(context: Rooted, pid: number): Row {
  const io = keyValues(readText(context, `/proc/${pid}/io`) ?? '', ':');
  const written = integerOrNull(io.get('write_bytes'));
  const cancelled = integerOrNull(io.get('cancelled_write_bytes'));
  return {
    disk_bytes_read: integerOrNull(io.get('read_bytes')),
    disk_bytes_written: written === null ? null : Number(written) - Number(cancelled ?? 0),
  };
}

/** The unified hierarchy's path, else systemd's, else the first that is not the root. */
function readCgroup(context: Rooted, pid: number): string | null {
  const groups = (readText(context, `/proc/${pid}/cgroup`) ?? '')
    .split('\n')
    .map((line) => /^\d+:([^:]*):(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => ({ controllers: match[1]!, path: match[2]! }));
  const unified = groups.find((group) => group.controllers === '');
  if (unified !== undefined && (unified.path !== '/' || groups.length === 1)) return unified.path;
  const systemd = groups.find((group) => group.controllers === 'name=systemd');
  const other = groups.find((group) => group.path !== '/');
  return (systemd ?? other ?? unified ?? groups[0])?.path ?? null;
}

function elsewhereColumns() {
  return [
    elsewhere('windows', integer('elevated_token', 'Whether its token is elevated')),
    elsewhere('windows', integer('secure_process', 'Whether it is secure (IUM)')),
    elsewhere('windows', text('protection_type', 'How it is protected')),
    elsewhere('windows', integer('virtual_process', 'Whether it is virtual')),
    elsewhere('windows', bigint('elapsed_time', 'Seconds it has been running')),
    elsewhere('windows', bigint('handle_count', 'Handles it has open')),
    elsewhere('windows', bigint('percent_processor_time', 'Processor time in units of 100 ns')),
    elsewhere('darwin', bigint('upid', 'Process id that is never used again')),
    elsewhere('darwin', bigint('uppid', 'Parent’s process id that is never used again')),
    elsewhere('darwin', integer('cpu_type', 'Processor it was made for')),
    elsewhere('darwin', integer('cpu_subtype', 'Processor it can run on')),
    elsewhere('darwin', integer('translated', 'Whether it runs under Rosetta')),
  ];
}

const DELETED = ' (deleted)';
const OWNER_ONLY = ['path', 'cwd', 'root', 'disk_bytes_read', 'disk_bytes_written'];
const STATUS_COLUMNS = [
  'uid',
  'gid',
  'euid',
  'egid',
  'suid',
  'sgid',
  'wired_size',
  'resident_size',
];
