/** file: what stat(2) says about files. */
import * as fs from 'node:fs';

import {
  bigint,
  elsewhere,
  integer,
  load,
  mountNamespaceId,
  pidWithNamespace,
  text,
} from '../lib/columns.ts';
import { wants } from '../lib/constraints.ts';
import type { CollectContext, Column, LookupTable, Row } from '../types.ts';
import { askedPaths, type AskedPath } from './asked-paths.ts';
import { baseName, inodeOf, lstatOrNone, statOrNone } from './host-path.ts';

const WINDOWS_COLUMNS: readonly Column[] = [
  text('attributes', 'Attributes of the file'),
  text('volume_serial', 'Serial number of the volume'),
  text('file_id', 'Id of the file'),
  text('file_version', 'Version of the file', { collate: 'version' }),
  text('product_version', 'Version of the product', { collate: 'version' }),
  text('original_filename', 'Original name of an executable'),
  text('shortcut_target_path', 'Where the shortcut points to'),
  text('shortcut_target_type', 'Type of what the shortcut points to'),
  text('shortcut_target_location', 'Folder of what the shortcut points to'),
  text('shortcut_start_in', 'Working folder of the shortcut'),
  text('shortcut_run', 'Window mode of the shortcut'),
  text('shortcut_comment', 'Comment on the shortcut'),
].map((column) => elsewhere('windows', column));

export const file: LookupTable = {
  name: 'file',
  description:
    'Attributes of files, by path or directory. In LIKE, % is one folder level and %% any number; ' +
    'both match hidden files too.',
  kind: 'lookup',
  cost: 'moderate',
  key: ['path'],
  columns: [
    text('path', 'Absolute path.', { required: true, index: true }),
    text('directory', 'Folder the file is in; constrain it to list a folder.', { required: true }),
    text('filename', 'Last part of the path.'),
    bigint('inode', 'Inode number.'),
    bigint('uid', 'Id of the owner.'),
    bigint('gid', 'Id of the owning group.'),
    text('mode', 'Permission bits in octal, four digits.'),
    bigint('device', 'Device number of a device file (st_rdev), 0 for others.'),
    bigint('size', 'Size in bytes.'),
    integer('block_size', 'Block size for reading and writing.'),
    load(bigint('atime', 'Last access, seconds since 1970.')),
    bigint('mtime', 'Last change of the content, seconds since 1970.'),
    bigint('ctime', 'Last change of content or attributes, seconds since 1970.'),
    bigint('btime', 'Creation, seconds since 1970; 0 where the file system does not keep it.'),
    integer('hard_links', 'Number of hard links.'),
    integer('symlink', '1 if the path is a symbolic link; the other columns are of its target.'),
    text(
      'type',
      'regular, directory, symlink (one that leads nowhere), fifo, socket, character or block.',
    ),
    text('symlink_target_path', 'What a symbolic link points to, as an absolute path; else NULL.', {
      unset: true,
    }),
    ...WINDOWS_COLUMNS,
    elsewhere('darwin', text('bsd_flags', 'Flags of the file')),
    pidWithNamespace(),
    mountNamespaceId(),
  ],
  *lookup(context) {
    const needsStat = wants(context, ...STAT_COLUMNS);
    for (const asked of askedPaths(context, 'file')) {
      const row = needsStat ? statRow(context, asked) : nameRow(asked);
      if (row !== undefined) yield row;
    }
  },
};

function nameRow({ path, directory }: AskedPath): Row {
  return { path: path.text, directory, filename: baseName(path.text) };
}

/** As osquery: of what a link leads to, of the link itself when that is nowhere. */
function statRow(context: CollectContext, asked: AskedPath): Row | undefined {
  const own = lstatOrNone(asked.path);
  if (own === undefined) return undefined;
  const isLink = own.isSymbolicLink();
  const stat = isLink ? (statOrNone(asked.path) ?? own) : own;
  return {
    // Written out: spreading nameRow into it costs more than the system call.
    path: asked.path.text,
    directory: asked.directory,
    filename: baseName(asked.path.text),
    inode: inodeOf(asked.path, stat),
    uid: stat.uid,
    gid: stat.gid,
    mode: (stat.mode & 0o7777).toString(8).padStart(4, '0'),
    device: stat.rdev,
    size: stat.size,
    block_size: stat.blksize,
    atime: seconds(stat.atimeMs),
    mtime: seconds(stat.mtimeMs),
    ctime: seconds(stat.ctimeMs),
    btime: seconds(stat.birthtimeMs),
    hard_links: stat.nlink,
    symlink: isLink ? 1 : 0,
    type: typeName(stat),
    symlink_target_path:
      isLink && context.columns.has('symlink_target_path') ? linkTarget(asked) : null,
  };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

function typeName(stat: fs.Stats): string {
  return TYPE_NAMES.get(stat.mode & fs.constants.S_IFMT) ?? 'unknown';
}

function linkTarget({ path, directory }: AskedPath): string | null {
  try {
    const target = fs.readlinkSync(path.raw, { encoding: 'buffer' }).toString('utf8');
    return target.startsWith('/') ? target : resolveIn(directory, target);
  } catch {
    return null;
  }
}

/** Only `.` and `..` in front are taken away: what stands behind a link in the path is not known. */
function resolveIn(directory: string, target: string): string {
  const folder = directory.split('/').filter((part) => part !== '');
  const parts = target.split('/');
  while (parts[0] === '.' || parts[0] === '..') {
    if (parts.shift() === '..') folder.pop();
  }
  return `/${[...folder, ...parts].join('/')}`;
}

const { S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK } = fs.constants;
const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [S_IFREG, 'regular'],
  [S_IFDIR, 'directory'],
  [S_IFLNK, 'symlink'],
  [S_IFIFO, 'fifo'],
  [S_IFSOCK, 'socket'],
  [S_IFCHR, 'character'],
  [S_IFBLK, 'block'],
]);

const STAT_COLUMNS = [
  'inode',
  'uid',
  'gid',
  'mode',
  'device',
  'size',
  'block_size',
  'atime',
  'mtime',
  'ctime',
  'btime',
  'hard_links',
  'symlink',
  'type',
  'symlink_target_path',
] as const;
