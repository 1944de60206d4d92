import { text } from '../lib/columns.ts';
import { exists, listDir, readAttribute, statOf, type Rooted } from '../lib/files.ts';
import { type Row, type SnapshotTable, TableAbsentError } from '../types.ts';

export const selinuxSettings: SnapshotTable = {
  kind: 'snapshot',
  name: 'selinux_settings',
  description: 'Settings of SELinux, from /sys/fs/selinux.',
  cost: 'moderate',
  key: ['scope', 'key'],
  columns: [
    text('scope', 'Folder of the setting; empty for the top.'),
    text('key', 'Name of the setting or class.'),
    text('value', 'Value in force.'),
  ],
  collect(context): Row[] {
    if (!exists(context, `${BASE}/enforce`)) {
      throw new TableAbsentError('SELinux is not enabled in this kernel');
    }
    return [
      ...TOP_KEYS.map((key) => ({ scope: '', key, value: valueAt(context, key) })),
      ...FOLDERS.flatMap((scope) => folderRows(context, scope)),
      ...classRows(context),
    ].filter((row) => row.value !== null);
  },
};

function folderRows(context: Rooted, scope: string): Row[] {
  return listDir(context, `${BASE}/${scope}`).map((key) => ({
    scope,
    key,
    value: valueAt(context, `${scope}/${key}`),
  }));
}

/** A class has its number, and below `perms` the numbers of its permissions. */
function classRows(context: Rooted): Row[] {
  return listDir(context, `${BASE}/class`).flatMap((name) => [
    { scope: 'class', key: name, value: valueAt(context, `class/${name}/index`) },
    ...folderRows(context, `class/${name}/perms`),
  ]);
}

function valueAt(context: Rooted, path: string): string | null {
  if (statOf(context, `${BASE}/${path}`)?.isFile() !== true) return null;
  // Texts here end with a zero byte; a boolean is its value now and the one pending.
  const value = readAttribute(context, `${BASE}/${path}`)?.replace(/\0+$/, '') ?? null;
  return path.startsWith('booleans/') ? (value?.split(' ')[0] ?? null) : value;
}

const BASE = '/sys/fs/selinux';
const TOP_KEYS = ['checkreqprot', 'deny_unknown', 'enforce', 'mls', 'policyvers', 'reject_unknown'];
const FOLDERS = ['booleans', 'policy_capabilities', 'initial_contexts'];
