import { bigint, integer, load, text } from '../lib/columns.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const swarmTracks: SnapshotTable = {
  kind: 'snapshot',
  name: 'swarm_tracks',
  description: 'Tables that this host tracks for hubs, and how far it is with each.',
  cost: 'cheap',
  key: ['name'],
  beyondOsquery: true,
  columns: [
    text('name', 'The tracked table.'),
    integer('every', 'Seconds from one taking to the next.'),
    text('line', 'Id of the line of takings, hex; NULL before the first.'),
    load(bigint('sequence', 'Number of the newest taking of the line, 0 before the first.')),
    load(bigint('time', 'Unix time of it.')),
    load(
      bigint(
        'fetched',
        'Number of the newest taking of the line that a hub said it has kept, since the agent started.',
      ),
    ),
  ],
  collect: (context): Row[] => [...(context.facts.tracks ?? [])],
};
