/** groups: the local groups of the host. */
import { bigint, elsewhere, integer, pidWithNamespace, text } from '../lib/columns.ts';
import type { SnapshotTable } from '../types.ts';
import { readGroups, signedId } from './passwd.ts';

export const groups: SnapshotTable = {
  name: 'groups',
  description: 'Local groups, from /etc/group.',
  kind: 'snapshot',
  cost: 'cheap',
  key: ['gid', 'groupname'],
  columns: [
    bigint('gid', 'Group id.', { index: true }),
    bigint('gid_signed', 'Group id read as a signed 32-bit number.'),
    text('groupname', 'Name of the group.'),
    elsewhere('windows', text('group_sid', 'Unique group id', { index: true })),
    elsewhere('windows', text('comment', 'Remarks about the group')),
    elsewhere('darwin', integer('is_hidden', 'Whether the group is hidden')),
    pidWithNamespace(),
  ],
  collect: (context) =>
    readGroups(context).map(({ gid, name }) => ({
      gid,
      gid_signed: signedId(gid),
      groupname: name,
    })),
};
