/** suid_bin: programs that run with their owner's rights. */
import * as fs from 'node:fs';

import { accountsIfAny, groupsIfAny } from '../accounts/passwd.ts';
import { pidWithNamespace, text } from '../lib/columns.ts';
import type { CollectContext, Row, SnapshotTable } from '../types.ts';
import { lstatOrNone, toHostPath } from './host-path.ts';
import { Walk } from './walk.ts';

export const suidBin: SnapshotTable = {
  name: 'suid_bin',
  description: 'Programs with the setuid or setgid bit in the common folders for programs.',
  kind: 'snapshot',
  cost: 'expensive',
  key: ['path'],
  columns: [
    text('path', 'Path of the program.'),
    text('username', 'Its owner, by number if the host does not know the name.'),
    text('groupname', 'Its group, by number if the host does not know the name.'),
    text('permissions', 'S for setuid, G for setgid, SG for both.'),
    pidWithNamespace(),
  ],
  collect(context) {
    const users = new Map(accountsIfAny(context).map(({ uid, name }) => [uid, name]));
    const groups = new Map(groupsIfAny(context).map(({ gid, name }) => [gid, name]));
    return [...suidFiles(context)].map(({ path, stat }): Row => ({
      path,
      username: users.get(stat.uid) ?? String(stat.uid),
      groupname: groups.get(stat.gid) ?? String(stat.gid),
      permissions: `${stat.mode & SETUID ? 'S' : ''}${stat.mode & SETGID ? 'G' : ''}`,
    }));
  },
};

function* suidFiles(context: CollectContext): Generator<{ path: string; stat: fs.Stats }> {
  const walk = new Walk(context);
  try {
    for (const folder of FOLDERS) {
      const top = toHostPath(context, folder);
      // On merged systems /bin is a link to /usr/bin, which is in the list.
      if (top === undefined || !lstatOrNone(top)?.isDirectory()) continue;
      for (const path of walk.paths(`${folder}/%%`, 'like')) {
        const stat = lstatOrNone(path);
        if (stat?.isFile() && stat.mode & (SETUID | SETGID)) yield { path: path.text, stat };
      }
    }
  } finally {
    walk.report();
  }
}

const SETUID = 0o4000;
const SETGID = 0o2000;
const FOLDERS = [
  '/bin',
  '/sbin',
  '/usr/bin',
  '/usr/sbin',
  '/usr/local/bin',
  '/usr/local/sbin',
  '/usr/libexec',
  '/usr/lib/dbus-1.0',
  '/usr/lib/openssh',
  '/usr/lib/polkit-1',
  '/tmp',
  '/var/tmp',
];
