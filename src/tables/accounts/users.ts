/** users: the local accounts of the host. */
import { bigint, elsewhere, integer, pidWithNamespace, text } from '../lib/columns.ts';
import { perQuery } from '../lib/per-query.ts';
import type { CollectContext, LookupTable, Row } from '../types.ts';
import { askedEntries } from './name-services.ts';
import { parseAccount, readAccounts, signedId, type Account } from './passwd.ts';

export const users: LookupTable = {
  name: 'users',
  description:
    'Local user accounts, from /etc/passwd. Those of a directory service where the query gives uid or ' +
    'username by equality or a join, through getent(1).',
  kind: 'lookup',
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
      unset: true,
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
  *lookup(context): Generator<Row> {
    for (const account of accountsAsked(context)) yield toRow(account);
  },
};

function accountsAsked(context: CollectContext): readonly Account[] {
  return askedEntries(context, {
    database: 'passwd',
    local: localAccounts(context),
    idColumn: 'uid',
    nameColumn: 'username',
    idOf: ({ uid }) => uid,
    parse: parseAccount,
  });
}

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

const localAccounts = perQuery((context: CollectContext) => readAccounts(context));
