import { bigint, text } from '../lib/columns.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const osqueryExtensions: SnapshotTable = {
  kind: 'snapshot',
  name: 'osquery_extensions',
  description: 'What serves tables: the core only, swarmplane has no extensions.',
  cost: 'cheap',
  key: ['uuid'],
  columns: [
    bigint('uuid', 'Number of the extension, 0 for the core.'),
    text('name', 'Name.'),
    text('version', 'Version.', { collate: 'version' }),
    text('sdk_version', 'Version it was built with.', { collate: 'version' }),
    text('path', 'Path of its socket; empty for the core.'),
    text('type', 'core or extension.'),
  ],
  collect(context): Row[] {
    const version = context.facts.agent.version ?? null;
    return [{ uuid: 0, name: 'core', version, sdk_version: version, path: null, type: 'core' }];
  },
};
