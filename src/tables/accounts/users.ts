/** users: the local accounts of the host. */
import { bigint, elsewhere, integer, pidWithNamespace, text } from '../lib/columns.ts';
import type { Row, SnapshotTable } from '../types.ts';
import { readAccounts, signedId, type Account } from './passwd.ts';

export const users: SnapshotTable = {
  name: 'users',
  description: 'Local user accounts, from /etc/passwd.',
  kind: 'snapshot',
  cost: 'cheap',
  key: ['username', 'uid'],
  columns: [
    bigint('uid', 'User id.', { index: true }),
    bigint('gid', 'Id of the primary group.'),
    bigint('uid_signed', 'User id read as a signed 32-bit number.'),
    bigint('gid_signed', 'Primary group id read as a signed 32-bit number.'),
    text('username', 'Login name.', { additional: true }),
    text('description', 'Comment field of the account, often the full name.'),
    text('directory', 'Home folder.'),
    text('shell', 'Login shell.'),
    text('uuid', 'UUID of the user, which Linux does not have: NULL.', {
      index: true,
      collate: 'nocase',
    }),
    elsewhere('windows', text('type', 'Whether the account is roaming, local or of the system')),
    elsewhere('darwin', integer('is_hidden', 'Whether the account is hidden')),
    pidWithNamespace(),
    integer(
      'include_remote',
      'Whether to list remote (LDAP) accounts too: 0, as they are not listed.',
      {
        hidden: true,
        additional: true,
        always: 0,
      },
    ),
  ],
  collect: (context) => readAccounts(context).map(toRow),
};

function toRow(account: Account): Row {
  return {
    uid: account.uid,
    gid: account.gid,
    uid_signed: signedId(account.uid),
    gid_signed: signedId(account.gid),
    username: account.name,
    description: account.description,
    directory: account.home,
    shell: account.shell,
  };
}
