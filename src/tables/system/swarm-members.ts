import { bigint, integer, text } from '../lib/columns.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const swarmMembers: SnapshotTable = {
  kind: 'snapshot',
  name: 'swarm_members',
  description: 'Members of the swarm as this host sees them.',
  cost: 'cheap',
  key: ['node_id'],
  beyondOsquery: true,
  columns: [
    text('node_id', 'Node id.', { index: true }),
    text('name', 'Name the member gave itself.'),
    text('address', 'Addresses it can be dialled at, separated by commas.'),
    text('state', 'alive, suspect, dead or left.'),
    bigint('incarnation', 'Counter the member raises to refute others.'),
    bigint('since', 'Unix time of the last change of state seen here.'),
    text('version', 'Version of its software.'),
    integer('hub', '1 when it is a hub, else 0.'),
    integer('self', '1 on the row of this host itself, else 0.'),
    integer('linked', '1 while this host has a link to it, else 0.'),
    text('labels', 'Its labels, a JSON object.'),
    integer('key_version', 'Number of its newest key entry.'),
    text('sign_key', 'Its newest signing key, hexadecimal.'),
  ],
  collect: (context): Row[] => [...context.facts.members],
};
