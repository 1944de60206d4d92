import { integer, load, text } from '../lib/columns.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const osqueryPacks: SnapshotTable = {
  kind: 'snapshot',
  name: 'osquery_packs',
  description:
    'Query packs the agent runs by itself: none, `swarmplane pack run` runs them when asked.',
  cost: 'cheap',
  key: ['name'],
  columns: [
    text('name', 'Name of the pack.'),
    text('platform', 'Platforms it is for.'),
    text('version', 'Lowest version it is for.', { collate: 'version' }),
    integer('shard', 'Share of hosts it is for.'),
    load(integer('discovery_cache_hits', 'Discovery answers taken from the cache.')),
    load(integer('discovery_executions', 'Discovery queries run.')),
    integer('active', 'Whether it is active.'),
  ],
  collect: (): Row[] => [],
};
