import { bigint, load, text } from '../lib/columns.ts';
import { requireText } from '../lib/files.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { lines } from '../lib/text.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const kernelKeys: SnapshotTable = {
  kind: 'snapshot',
  name: 'kernel_keys',
  description: 'Keys and keyrings the kernel holds that this process may see, keyrings(7).',
  cost: 'cheap',
  key: ['serial_number'],
  columns: [
    text('serial_number', 'Serial number, hexadecimal.'),
    text('flags', 'State, a letter per flag.'),
    load(bigint('usage', 'Threads and open files that refer to it.')),
    load(text('timeout', 'Time until it expires; perm for never, expd when it has.')),
    text('permissions', 'Rights of possessor, user, group and others, four hexadecimal bytes.'),
    bigint('uid', 'User id of the owner.'),
    bigint('gid', 'Group id; -1 for none.'),
    text('type', 'Type of the key.'),
    text('description', 'Description of the key.'),
  ],
  collect(context): Row[] {
    return lines(requireText(context, '/proc/keys')).flatMap((line) => {
      const match =
        /^([0-9a-f]+) (\S+) +(\d+) +(\S+) ([0-9a-f]+) +(-?\d+) +(-?\d+) (\S+) +(.*)$/.exec(line);
      if (match === null) return [];
      const [, serial, flags, usage, timeout, permissions, uid, gid, type, description] = match;
      return [
        {
          serial_number: serial!,
          flags: flags!,
          usage: integerOrNull(usage),
          timeout: timeout!,
          permissions: permissions!,
          uid: integerOrNull(uid),
          gid: integerOrNull(gid),
          type: type!,
          description: description!,
        },
      ];
    });
  },
};
