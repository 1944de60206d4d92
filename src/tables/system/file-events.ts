/** file_events: what happened to the files that this host's own configuration names. */
import { bigint, integer, text } from '../lib/columns.ts';
import { TableError, type Row, type SnapshotTable } from '../types.ts';

export const fileEvents: SnapshotTable = {
  kind: 'snapshot',
  name: 'file_events',
  description:
    'What happened to the files that this host’s own config.yaml names (file_events: {ssh: [/etc/ssh/**]}) ' +
    'since the agent started, by inotify: the newest 10,000 events, which stay when they are asked for, and ' +
    'first a row with action OVERFLOW if there were more. Several changes of a file within a moment are one.',
  cost: 'cheap',
  sensitive: true,
  key: ['time', 'target_path', 'action'],
  columns: [
    text('target_path', 'The file or folder.'),
    text('category', 'The name in config.yaml that its path stands under.'),
    text(
      'action',
      'CREATED, UPDATED, ATTRIBUTES_MODIFIED, MOVED_TO (another took its name), DELETED (removed or moved away); OVERFLOW.',
    ),
    bigint('transaction_id', 'In the row OVERFLOW how many events are lost; else NULL.'),
    bigint('inode', 'Inode, as the others after the event, or before it was removed.'),
    bigint('uid', 'Owner.'),
    bigint('gid', 'Group.'),
    text('mode', 'Permissions, octal.'),
    bigint('size', 'Size in bytes.'),
    bigint('atime', 'Last access, seconds since 1970.'),
    bigint('mtime', 'Last change of its content.'),
    bigint('ctime', 'Last change of its attributes.'),
    ...['md5', 'sha1', 'sha256'].map((name) =>
      text(name, 'Digest of a file that came or changed; empty where hashed is not 1.', {
        collate: 'nocase',
      }),
    ),
    integer(
      'hashed',
      '1 with digests, 0 without (removed, no file, over 16 MiB), -1 if it could not be read.',
    ),
    bigint('time', 'When it was seen, seconds since 1970.', { additional: true }),
    text('eid', 'Number of the event since the agent started.', { hidden: true }),
  ],
  collect({ facts: { fileEvents: watched }, warn }): Row[] {
    if (watched === undefined)
      throw new TableError(
        'this host watches no files; its config.yaml says which, e.g. file_events: {ssh: [/etc/ssh/**]}',
      );
    for (const problem of watched.problems) warn(problem);
    return [...watched.events];
  },
};
