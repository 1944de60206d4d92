import { integer, load, text } from '../lib/columns.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const osqueryEvents: SnapshotTable = {
  kind: 'snapshot',
  name: 'osquery_events',
  description: 'Publishers and subscribers of events: none, swarmplane collects no events.',
  cost: 'cheap',
  key: ['name'],
  columns: [
    text('name', 'Name.'),
    text('publisher', 'Publisher it belongs to.'),
    text('type', 'publisher or subscriber.'),
    integer('subscriptions', 'Subscriptions.'),
    load(integer('events', 'Events since the start.')),
    load(integer('refreshes', 'Restarts of a publisher.')),
    integer('active', 'Whether it is active.'),
  ],
  collect: (): Row[] => [],
};
