import { bigint, blob, text } from '../lib/columns.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const swarmSeals: SnapshotTable = {
  kind: 'snapshot',
  name: 'swarm_seals',
  description: 'What this host remembers of the audit chains of hubs: the seals that hubs signed.',
  cost: 'cheap',
  key: ['chain', 'hub', 'number'],
  beyondOsquery: true,
  columns: [
    text('chain', 'Id of the audit chain; each database has its own.'),
    bigint('number', 'Number of the seal in its chain.'),
    text('hash', 'SHA-256 of the seal, hex.'),
    bigint('time', 'Unix time of the sealing, by the hub.'),
    text('hub', 'Node id of the hub that signed it.'),
    bigint('key_version', 'Version of the key that signed it.'),
    blob('head', 'The SEAL as signed.'),
  ],
  collect: (context): Row[] => [...(context.facts.seals ?? [])],
};
