/** groups: the local groups of the host. */
import { bigint, elsewhere, integer, pidWithNamespace, text } from '../lib/columns.ts';
import { perQuery } from '../lib/per-query.ts';
import type { CollectContext, LookupTable, Row } from '../types.ts';
import { askedEntries } from './name-services.ts';
import { parseGroup, readGroups, signedId, type Group } from './passwd.ts';

export const groups: LookupTable = {
  name: 'groups',
  description:
    'Local groups, from /etc/group. Those of a directory service where the query gives gid or ' +
    'groupname by equality or a join, through getent(1).',
  kind: 'lookup',
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
  *lookup(context): Generator<Row> {
    for (const { gid, name } of groupsAsked(context)) {
      yield { gid, gid_signed: signedId(gid), groupname: name };
    }
  },
};

function groupsAsked(context: CollectContext): readonly Group[] {
  return askedEntries(context, {
    database: 'group',
    local: localGroups(context),
    idColumn: 'gid',
    nameColumn: 'groupname',
    idOf: ({ gid }) => gid,
    parse: parseGroup,
  });
}

const localGroups = perQuery((context: CollectContext) => readGroups(context));
