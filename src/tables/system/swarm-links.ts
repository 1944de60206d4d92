import { bigint, load, text } from '../lib/columns.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const swarmLinks: SnapshotTable = {
  kind: 'snapshot',
  name: 'swarm_links',
  description: 'Connections of this host to other members of the swarm.',
  cost: 'cheap',
  key: ['node_id', 'address', 'direction'],
  beyondOsquery: true,
  columns: [
    text('node_id', 'Node id of the other end.', { index: true }),
    text('name', 'Its name, where known.'),
    text('address', 'Its address.'),
    text('direction', 'outbound when this host dialled, else inbound.'),
    bigint('since', 'Unix time the link came up.'),
    load(bigint('bytes_in', 'Bytes received.')),
    load(bigint('bytes_out', 'Bytes sent.')),
  ],
  collect: (context): Row[] => [...(context.facts.links ?? [])],
};
