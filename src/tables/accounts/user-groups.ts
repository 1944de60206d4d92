/** user_groups: who is in which group. */
import { bigint } from '../lib/columns.ts';
import type { Row, SnapshotTable } from '../types.ts';
import { readAccounts, readGroups } from './passwd.ts';

export const userGroups: SnapshotTable = {
  name: 'user_groups',
  description: 'Memberships of local users in local groups, their primary group included.',
  kind: 'snapshot',
  cost: 'cheap',
  key: ['uid', 'gid'],
  columns: [
    bigint('uid', 'User id.', { index: true }),
    bigint('gid', 'Id of a group the user is in.', { index: true }),
  ],
  collect(context) {
    const groups = groupsByMember(context);
    const rows: Row[] = [];
    const seen = new Set<string>();
    for (const { name, uid, gid } of readAccounts(context)) {
      for (const group of [gid, ...(groups.get(name) ?? [])]) {
        // Two accounts may share a user id.
        if (seen.has(`${uid}:${group}`)) continue;
        seen.add(`${uid}:${group}`);
        rows.push({ uid, gid: group });
      }
    }
    return rows;
  },
};

function groupsByMember(context: { readonly root: string }): Map<string, number[]> {
  const byMember = new Map<string, number[]>();
  for (const group of readGroups(context)) {
    for (const member of group.members) {
      const ids = byMember.get(member);
      if (ids === undefined) byMember.set(member, [group.gid]);
      else ids.push(group.gid);
    }
  }
  return byMember;
}
