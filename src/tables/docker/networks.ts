/** docker_networks and docker_network_labels. */
import { bigint, integer, text } from '../lib/columns.ts';
import type { SnapshotTable } from '../types.ts';
import { listNetworks } from './api.ts';
import { at, flagAt, labelRows, objectsAt, secondsOf, textAt } from '../lib/json.ts';

export const dockerNetworks: SnapshotTable = {
  name: 'docker_networks',
  description: 'Networks of Docker.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['id'],
  columns: [
    text('id', 'Id of the network.', { index: true, collate: 'nocase' }),
    text('name', 'Name of the network.'),
    text('driver', 'Driver of the network.'),
    bigint('created', 'When it was made, seconds since 1970.'),
    integer('enable_ipv6', '1 if it has IPv6, else 0.'),
    text('subnet', 'Its first subnet.', { unset: true }),
    text('gateway', 'Gateway of that subnet.', { unset: true }),
  ],
  collect: async (context) =>
    (await listNetworks(context)).map((network) => {
      const [config] = objectsAt(network, 'IPAM', 'Config');
      return {
        id: textAt(network, 'Id'),
        name: textAt(network, 'Name'),
        driver: textAt(network, 'Driver'),
        created: secondsOf(textAt(network, 'Created')),
        enable_ipv6: flagAt(network, 'EnableIPv6'),
        subnet: textAt(config, 'Subnet'),
        gateway: textAt(config, 'Gateway'),
      };
    }),
};

export const dockerNetworkLabels: SnapshotTable = {
  name: 'docker_network_labels',
  description: 'Labels of networks.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['id', 'key'],
  columns: [
    text('id', 'Id of the network.', { index: true, collate: 'nocase' }),
    text('key', 'Name of the label.'),
    text('value', 'Value of the label, which may be empty.'),
  ],
  collect: async (context) =>
    (await listNetworks(context)).flatMap((network) =>
      labelRows('id', textAt(network, 'Id'), at(network, 'Labels')),
    ),
};
