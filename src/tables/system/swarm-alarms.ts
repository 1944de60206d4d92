import { bigint, load, text } from '../lib/columns.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const swarmAlarms: SnapshotTable = {
  kind: 'snapshot',
  name: 'swarm_alarms',
  description: 'What this host noticed about the swarm that somebody should look at.',
  cost: 'cheap',
  key: ['kind', 'key'],
  beyondOsquery: true,
  columns: [
    text('kind', 'Kind of alarm.'),
    text('key', 'What it is about, e.g. a node id or an address.'),
    text('message', 'What happened, for people.'),
    bigint('first_at', 'Unix time it was raised first.'),
    load(bigint('last_at', 'Unix time it was raised last.')),
    load(bigint('count', 'How often it was raised.')),
  ],
  collect: (context): Row[] => [...(context.facts.alarms ?? [])],
};
