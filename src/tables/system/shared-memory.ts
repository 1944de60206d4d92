import { bigint, integer, load, text } from '../lib/columns.ts';
import { requireText } from '../lib/files.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { fields, lines } from '../lib/text.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const sharedMemory: SnapshotTable = {
  kind: 'snapshot',
  name: 'shared_memory',
  description: 'System V shared memory segments.',
  cost: 'cheap',
  key: ['shmid'],
  columns: [
    integer('shmid', 'Id of the segment.'),
    bigint('owner_uid', 'User id of the owner.'),
    bigint('creator_uid', 'User id of the creator.'),
    load(bigint('pid', 'Process that used it last.')),
    bigint('creator_pid', 'Process that made it.'),
    load(bigint('atime', 'Unix time it was last attached.')),
    load(bigint('dtime', 'Unix time it was last detached.')),
    bigint('ctime', 'Unix time it was last changed.'),
    text('permissions', 'Permissions, four octal digits.'),
    bigint('size', 'Size in bytes.'),
    load(integer('attached', 'Processes that have it attached.')),
    text('status', 'dest when it goes with its last user, else empty.'),
    integer('locked', '1 when it is locked in memory, else 0.'),
  ],
  collect(context): Row[] {
    const [heading, ...segments] = lines(requireText(context, '/proc/sysvipc/shm'));
    const names = fields(heading ?? '');
    return segments.map((line) => segmentRow(names, fields(line)));
  },
};

function segmentRow(names: readonly string[], words: readonly string[]): Row {
  const value = (name: string): number | bigint | null => integerOrNull(words[names.indexOf(name)]);
  const mode = parseInt(words[names.indexOf('perms')] ?? '0', 8);
  return {
    shmid: value('shmid'),
    owner_uid: value('uid'),
    creator_uid: value('cuid'),
    pid: value('lpid'),
    creator_pid: value('cpid'),
    atime: value('atime'),
    dtime: value('dtime'),
    ctime: value('ctime'),
    permissions: (mode & 0o777).toString(8).padStart(4, '0'),
    size: value('size'),
    attached: value('nattch'),
    status: (mode & SHM_DEST) !== 0 ? 'dest' : '',
    locked: (mode & SHM_LOCKED) !== 0 ? 1 : 0,
  };
}

/** Bits above the permissions, from linux/shm.h. */
const SHM_DEST = 0o1000;
const SHM_LOCKED = 0o2000;
