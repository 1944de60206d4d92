/** docker_volumes and docker_volume_labels. */
import { text } from '../lib/columns.ts';
import type { SnapshotTable } from '../types.ts';
import { listVolumes } from './api.ts';
import { at, labelRows, textAt } from '../lib/json.ts';

export const dockerVolumes: SnapshotTable = {
  name: 'docker_volumes',
  description: 'Volumes of Docker.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['name'],
  columns: [
    text('name', 'Name of the volume.', { index: true }),
    text('driver', 'Driver of the volume.'),
    text('mount_point', 'Where it lies on the host.'),
    text('type', 'Type among its options, empty if none.'),
  ],
  collect: async (context) =>
    (await listVolumes(context)).map((volume) => ({
      name: textAt(volume, 'Name'),
      driver: textAt(volume, 'Driver'),
      mount_point: textAt(volume, 'Mountpoint'),
      type: textAt(volume, 'Options', 'type'),
    })),
};

export const dockerVolumeLabels: SnapshotTable = {
  name: 'docker_volume_labels',
  description: 'Labels of volumes.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['name', 'key'],
  columns: [
    text('name', 'Name of the volume.', { index: true }),
    text('key', 'Name of the label.', { index: true }),
    text('value', 'Value of the label, which may be empty.'),
  ],
  collect: async (context) =>
    (await listVolumes(context)).flatMap((volume) =>
      labelRows('name', textAt(volume, 'Name'), at(volume, 'Labels')),
    ),
};
