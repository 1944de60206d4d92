/** docker_images and what is known of each: labels, layers, history. */
import { bigint, integer, text } from '../lib/columns.ts';
import type { CollectContext, Row, SnapshotTable } from '../types.ts';
import { bareId, inspect, listImages } from './api.ts';
import { dockerGet } from './client.ts';
import { at, integerAt, labelRows, objectsAt, textAt, textsAt } from '../lib/json.ts';

export const dockerImages: SnapshotTable = {
  name: 'docker_images',
  description: 'Images of Docker.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['id'],
  columns: [
    text('id', 'Id of the image, without sha256: in front.', { collate: 'nocase' }),
    bigint('created', 'When it was made, seconds since 1970.'),
    bigint('size_bytes', 'Size in bytes.'),
    text('tags', 'Its tags, parted by commas.'),
  ],
  collect: async (context) =>
    (await listImages(context)).map((image) => ({
      id: bareId(textAt(image, 'Id')),
      created: integerAt(image, 'Created'),
      size_bytes: integerAt(image, 'Size'),
      tags: textsAt(image, 'RepoTags').join(','),
    })),
};

export const dockerImageLabels: SnapshotTable = {
  name: 'docker_image_labels',
  description: 'Labels of images.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['id', 'key'],
  columns: [
    text('id', 'Id of the image.', { index: true, collate: 'nocase' }),
    text('key', 'Name of the label.'),
    text('value', 'Value of the label, which may be empty.'),
  ],
  collect: async (context) =>
    (await listImages(context)).flatMap((image) =>
      labelRows('id', bareId(textAt(image, 'Id')), at(image, 'Labels')),
    ),
};

export const dockerImageLayers: SnapshotTable = {
  name: 'docker_image_layers',
  description: 'Layers of images.',
  kind: 'snapshot',
  cost: 'expensive',
  key: ['id', 'layer_order'],
  columns: [
    text('id', 'Id of the image.', { index: true, collate: 'nocase' }),
    text('layer_id', 'Id of the layer, without sha256: in front.', { collate: 'nocase' }),
    integer('layer_order', 'Its place, 1 for the lowest.'),
  ],
  collect: (context) =>
    eachImage(context, async (id) =>
      textsAt(await inspect(context, 'images', id), 'RootFS', 'Layers').map((layer, index) => ({
        id,
        layer_id: bareId(layer),
        layer_order: index + 1,
      })),
    ),
};

export const dockerImageHistory: SnapshotTable = {
  name: 'docker_image_history',
  description: 'Steps by which images were made.',
  kind: 'snapshot',
  cost: 'expensive',
  sensitive: true,
  key: ['id', 'created', 'created_by'],
  columns: [
    text('id', 'Id of the image.', { index: true, collate: 'nocase' }),
    bigint('created', 'When the step was taken, seconds since 1970.'),
    bigint('size', 'Bytes it added.'),
    text('created_by', 'Command of the step.'),
    text('tags', 'Tags of its result, parted by commas.'),
    text('comment', 'Comment on the step.'),
  ],
  collect: (context) =>
    eachImage(context, async (id) =>
      objectsAt(await dockerGet(context, `/images/${id}/history`)).map((step) => ({
        id,
        created: integerAt(step, 'Created'),
        size: integerAt(step, 'Size'),
        created_by: textAt(step, 'CreatedBy'),
        tags: textsAt(step, 'Tags').join(','),
        comment: textAt(step, 'Comment'),
      })),
    ),
};

async function eachImage(
  context: CollectContext,
  ask: (id: string) => Promise<Row[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const image of await listImages(context)) {
    const id = bareId(textAt(image, 'Id'));
    if (id !== null && /^[0-9a-f]+$/i.test(id)) rows.push(...(await ask(id)));
  }
  return rows;
}
