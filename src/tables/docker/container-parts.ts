/** What a listing tells of containers beside docker_containers: labels, mounts, networks, ports. */
import { integer, text } from '../lib/columns.ts';
import type { Column, Row, SnapshotTable } from '../types.ts';
import { eachContainer, inspect, listContainers } from './api.ts';
import {
  at,
  entriesAt,
  flagAt,
  integerAt,
  labelRows,
  objectsAt,
  textAt,
  textsAt,
  type JsonObject,
} from '../lib/json.ts';

const id = (): Column => text('id', 'Id of the container.', { index: true, collate: 'nocase' });

export const dockerContainerLabels: SnapshotTable = {
  name: 'docker_container_labels',
  description: 'Labels of containers.',
  kind: 'snapshot',
  cost: 'moderate',
  sensitive: true,
  key: ['id', 'key'],
  columns: [
    id(),
    text('key', 'Name of the label.', { index: true }),
    text('value', 'Value of the label, which may be empty.'),
  ],
  collect: async (context) =>
    (await listContainers(context)).flatMap((container) =>
      labelRows('id', textAt(container, 'Id'), at(container, 'Labels')),
    ),
};

export const dockerContainerMounts: SnapshotTable = {
  name: 'docker_container_mounts',
  description: 'What is mounted into containers.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['id', 'destination'],
  columns: [
    id(),
    text('type', 'bind, volume or tmpfs.'),
    text('name', 'Name of the volume.', { index: true }),
    text('source', 'Path on the host.'),
    text('destination', 'Path in the container.'),
    text('driver', 'Driver of the volume.'),
    text('mode', 'Options of the mount.'),
    integer('rw', '1 if it can be written, else 0.'),
    text('propagation', 'How mounts below it spread.'),
  ],
  collect: async (context) =>
    (await listContainers(context)).flatMap((container) =>
      objectsAt(container, 'Mounts').map((mount) => mountRow(container, mount)),
    ),
};

export const dockerContainerNetworks: SnapshotTable = {
  name: 'docker_container_networks',
  description: 'Networks that containers are in.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['id', 'name'],
  columns: [
    id(),
    text('name', 'Name of the network.', { index: true }),
    text('network_id', 'Id of the network.', { collate: 'nocase' }),
    text('endpoint_id', 'Id of the endpoint.', { collate: 'nocase' }),
    text('gateway', 'Gateway.'),
    text('ip_address', 'IPv4 address.'),
    integer('ip_prefix_len', 'Length of the prefix of the IPv4 network.'),
    text('ipv6_gateway', 'IPv6 gateway.'),
    text('ipv6_address', 'IPv6 address.'),
    integer('ipv6_prefix_len', 'Length of the prefix of the IPv6 network.'),
    text('mac_address', 'MAC address.', { collate: 'nocase' }),
  ],
  collect: async (context) =>
    (await listContainers(context)).flatMap((container) =>
      entriesAt(container, 'NetworkSettings', 'Networks').map(([name, network]) => ({
        id: textAt(container, 'Id'),
        name,
        network_id: textAt(network, 'NetworkID'),
        endpoint_id: textAt(network, 'EndpointID'),
        gateway: textAt(network, 'Gateway'),
        ip_address: textAt(network, 'IPAddress'),
        ip_prefix_len: integerAt(network, 'IPPrefixLen'),
        ipv6_gateway: textAt(network, 'IPv6Gateway'),
        ipv6_address: textAt(network, 'GlobalIPv6Address'),
        ipv6_prefix_len: integerAt(network, 'GlobalIPv6PrefixLen'),
        mac_address: textAt(network, 'MacAddress'),
      })),
    ),
};

export const dockerContainerPorts: SnapshotTable = {
  name: 'docker_container_ports',
  description: 'Ports of containers.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['id', 'type', 'port', 'host_ip', 'host_port'],
  columns: [
    text('id', 'Id of the container.', { additional: true, collate: 'nocase' }),
    text('type', 'tcp, udp or sctp.'),
    integer('port', 'Port in the container.'),
    text('host_ip', 'Address on the host, if it is published.'),
    integer('host_port', 'Port on the host, if it is published.'),
  ],
  collect: async (context) =>
    (await listContainers(context)).flatMap((container) =>
      objectsAt(container, 'Ports').map((port) => ({
        id: textAt(container, 'Id'),
        type: textAt(port, 'Type'),
        port: integerAt(port, 'PrivatePort'),
        host_ip: textAt(port, 'IP'),
        host_port: integerAt(port, 'PublicPort'),
      })),
    ),
};

export const dockerContainerEnvs: SnapshotTable = {
  name: 'docker_container_envs',
  description: 'Environment variables that containers were given, secrets among them.',
  kind: 'snapshot',
  cost: 'expensive',
  sensitive: true,
  key: ['id', 'key'],
  columns: [id(), text('key', 'Name of the variable.'), text('value', 'Value of the variable.')],
  collect: (context) =>
    eachContainer(context, async (container) => {
      const inspected = await inspect(context, 'containers', container);
      return textsAt(inspected, 'Config', 'Env').map((entry) => {
        const [key = '', ...value] = entry.split('=');
        return { id: container, key, value: value.join('=') };
      });
    }),
};

function mountRow(container: JsonObject, mount: JsonObject): Row {
  return {
    id: textAt(container, 'Id'),
    type: textAt(mount, 'Type'),
    name: textAt(mount, 'Name') ?? '',
    source: textAt(mount, 'Source'),
    destination: textAt(mount, 'Destination'),
    driver: textAt(mount, 'Driver') ?? '',
    mode: textAt(mount, 'Mode'),
    rw: flagAt(mount, 'RW'),
    propagation: textAt(mount, 'Propagation'),
  };
}
