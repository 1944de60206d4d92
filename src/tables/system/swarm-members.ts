import { bigint, integer, load, text } from '../lib/columns.ts';
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
    text(
      'state',
      'alive, suspect, dead or left; those that were forgotten or expelled are no members.',
    ),
    load(bigint('incarnation', 'Counter the member raises to refute others.')),
    bigint('since', 'Unix time of the last change of state seen here.'),
    text('version', 'Version of its software.', { collate: 'version' }),
    integer('hub', '1 when it is a hub, else 0.'),
    integer('self', '1 on the row of this host itself, else 0.'),
    load(integer('linked', '1 while this host has a link to it, else 0.')),
    text('labels', 'Its labels, a JSON object.'),
    text('token', 'Tag of the join token that it came by; NULL for one that only the roll names.'),
    integer('key_version', 'Number of its newest key entry.'),
    text('sign_key', 'Its newest signing key, hexadecimal.'),
    text('probe', 'What the last probe of it found: consistent, conflict or unknown; NULL before.'),
    load(bigint('probed_at', 'Unix time of that probe.')),
    load(integer('probe_asked', 'How many witnesses were asked.')),
    load(integer('probe_same', 'How many know the same node and key as this host.')),
    load(text('probe_others', 'Node ids of those that know another one, separated by commas.')),
    load(
      text('probe_proof', 'Of a conflict: the question and their signed answers, base64.', {
        hidden: true,
      }),
    ),
  ],
  collect: (context): Row[] => [...(context.facts.members ?? [])],
};
