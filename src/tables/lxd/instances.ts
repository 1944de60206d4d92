/** lxd_instances and what they are made of. */
import { integer, load, text } from '../lib/columns.ts';
import { eqTexts } from '../lib/constraints.ts';
import { entriesAt, flagAt, integerAt, textAt, type Json } from '../lib/json.ts';
import type { CollectContext, Row, SnapshotTable } from '../types.ts';
import { lxdGet, lxdList } from './client.ts';

export const lxdInstances: SnapshotTable = {
  name: 'lxd_instances',
  description: 'Containers and virtual machines of LXD or Incus.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['name'],
  columns: [
    text('name', 'Name of the instance.', { index: true }),
    text('status', 'Running, Stopped, Frozen or Error.'),
    integer('stateful', '1 if its memory is kept while it is stopped, else 0.'),
    integer('ephemeral', '1 if it is deleted when it stops, else 0.'),
    text('created_at', 'When it was made, ISO 8601.'),
    text('base_image', 'Fingerprint of the image it was made from.'),
    text('architecture', 'Architecture.'),
    text('os', 'Operating system of the image.'),
    text('description', 'Description of the image.'),
    load(integer('pid', 'Id of its first process on the host, 0 while it does not run.')),
    load(integer('processes', 'Number of processes in it.')),
  ],
  async collect(context): Promise<Row[]> {
    const instances = await lxdList(context, '/1.0/instances');
    return Promise.all(instances.map((instance) => instanceRow(context, instance)));
  },
};

async function instanceRow(context: CollectContext, instance: Json): Promise<Row> {
  const name = textAt(instance, 'name') ?? '';
  const state = await lxdGet(context, `/1.0/instances/${encodeURIComponent(name)}/state`);
  return {
    name,
    status: textAt(instance, 'status'),
    stateful: flagAt(instance, 'stateful'),
    ephemeral: flagAt(instance, 'ephemeral'),
    created_at: textAt(instance, 'created_at'),
    base_image: textAt(instance, 'config', 'volatile.base_image'),
    architecture: textAt(instance, 'architecture'),
    os: textAt(instance, 'config', 'image.os'),
    description: textAt(instance, 'config', 'image.description'),
    pid: integerAt(state, 'pid'),
    processes: integerAt(state, 'processes'),
  };
}

export const lxdInstanceConfig: SnapshotTable = {
  name: 'lxd_instance_config',
  description:
    'Settings of an instance of LXD, those of its profiles included; what is given to cloud-init and as ' +
    'environment often holds secrets.',
  kind: 'snapshot',
  cost: 'moderate',
  sensitive: true,
  key: ['name', 'key'],
  columns: [
    text('name', 'Name of the instance.', { index: true, required: true, steers: true }),
    text('key', 'Name of the setting.'),
    text('value', 'Its value.'),
  ],
  async collect(context): Promise<Row[]> {
    return (await namedInstances(context)).flatMap(({ name, instance }) =>
      entriesAt(instance, 'expanded_config').map(([key, value]) => ({
        name,
        key,
        value: word(value),
      })),
    );
  },
};

export const lxdInstanceDevices: SnapshotTable = {
  name: 'lxd_instance_devices',
  description: 'Devices of an instance of LXD, those of its profiles included.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['name', 'device', 'key'],
  columns: [
    text('name', 'Name of the instance.', { index: true, required: true, steers: true }),
    text('device', 'Name of the device.'),
    text('device_type', 'disk, nic, proxy ...'),
    text('key', 'Name of the setting.'),
    text('value', 'Its value.'),
  ],
  async collect(context): Promise<Row[]> {
    return (await namedInstances(context)).flatMap(({ name, instance }) =>
      entriesAt(instance, 'expanded_devices').flatMap(([device, settings]) =>
        entriesAt(settings).map(([key, value]) => ({
          name,
          device,
          device_type: textAt(settings, 'type'),
          key,
          value: word(value),
        })),
      ),
    );
  },
};

async function namedInstances(
  context: CollectContext,
): Promise<{ name: string; instance: Json }[]> {
  const found: { name: string; instance: Json }[] = [];
  for (const name of eqTexts(context, 'name') ?? []) {
    if (name === '') continue;
    const instance = await lxdGet(context, `/1.0/instances/${encodeURIComponent(name)}`);
    if (instance !== undefined) found.push({ name, instance });
  }
  return found;
}

/** Settings are texts. */
function word(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
