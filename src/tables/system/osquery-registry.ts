import { integer, text } from '../lib/columns.ts';
import type { HostTable, Row, SnapshotTable } from '../types.ts';

/** Made with the list of tables, which it is itself part of. */
export function osqueryRegistry(tables: () => readonly HostTable[]): SnapshotTable {
  return {
    kind: 'snapshot',
    name: 'osquery_registry',
    description: 'The tables this agent can serve.',
    cost: 'cheap',
    key: ['registry', 'name'],
    columns: [
      text('registry', 'Kind of plugin; always table.'),
      text('name', 'Name of the table.'),
      integer('owner_uuid', 'Extension that serves it; 0 for the core.'),
      integer('internal', 'Whether it is internal; always 0.'),
      integer('active', 'Whether it is active; always 1.'),
    ],
    collect(): Row[] {
      return tables().map(({ name }) => ({
        registry: 'table',
        name,
        owner_uuid: 0,
        internal: 0,
        active: 1,
      }));
    },
  };
}
