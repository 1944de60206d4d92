/** docker_container_fs_changes: what differs from the image. */
import { text } from '../lib/columns.ts';
import type { SnapshotTable } from '../types.ts';
import { eachContainer } from './api.ts';
import { dockerGet } from './client.ts';
import { integerAt, objectsAt, textAt } from '../lib/json.ts';

export const dockerContainerFsChanges: SnapshotTable = {
  name: 'docker_container_fs_changes',
  description: "Files of a container that differ from its image's.",
  kind: 'snapshot',
  cost: 'expensive',
  key: ['id', 'path'],
  columns: [
    text('id', 'Id of the container.', {
      index: true,
      required: true,
      steers: true,
      collate: 'nocase',
    }),
    text('path', 'Path in the container.'),
    text('change_type', 'C for changed, A for added, D for deleted.'),
  ],
  collect: (context) =>
    eachContainer(context, async (id) =>
      objectsAt(await dockerGet(context, `/containers/${id}/changes`)).map((change) => ({
        id,
        path: textAt(change, 'Path'),
        change_type: KINDS[integerAt(change, 'Kind') ?? -1] ?? null,
      })),
    ),
};

const KINDS: Readonly<Record<number, string>> = { 0: 'C', 1: 'A', 2: 'D' };
