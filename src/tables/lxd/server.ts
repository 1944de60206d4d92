/** What an LXD server has beside instances: images, networks, storage, certificates, its cluster. */
import { bigint, integer, load, text } from '../lib/columns.ts';
import { at, flagAt, integerAt, objectsAt, textAt, textsAt } from '../lib/json.ts';
import type { Row, SnapshotTable } from '../types.ts';
import { lxdGet, lxdList } from './client.ts';

export const lxdImages: SnapshotTable = {
  name: 'lxd_images',
  description: 'Images that LXD or Incus keeps.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['id'],
  columns: [
    text('id', 'Fingerprint of the image.', { index: true, collate: 'nocase' }),
    text('architecture', 'Architecture.'),
    text('os', 'Operating system.'),
    text('release', 'Release of the operating system.'),
    text('description', 'Description.'),
    text('aliases', 'Names it has here, parted by commas.'),
    text('filename', 'Name of its file.'),
    bigint('size', 'Size in bytes.'),
    integer('auto_update', '1 if it is kept up to date, else 0.'),
    integer('cached', '1 if it was fetched for an instance, else 0.'),
    integer('public', '1 if everybody may fetch it, else 0.'),
    text('created_at', 'When it was made, ISO 8601.'),
    text('expires_at', 'When it ends, ISO 8601.'),
    text('uploaded_at', 'When it came here, ISO 8601.'),
    text('last_used_at', 'When an instance was last made of it, ISO 8601.'),
    text('update_source_server', 'Server it is fetched from.'),
    text('update_source_protocol', 'Protocol it is fetched by.'),
    text('update_source_certificate', 'Certificate of that server.'),
    text('update_source_alias', 'Name it has there.'),
  ],
  async collect(context): Promise<Row[]> {
    return (await lxdList(context, '/1.0/images')).map((image) => ({
      id: textAt(image, 'fingerprint'),
      architecture: textAt(image, 'architecture'),
      os: textAt(image, 'properties', 'os'),
      release: textAt(image, 'properties', 'release'),
      description: textAt(image, 'properties', 'description'),
      aliases: objectsAt(image, 'aliases')
        .flatMap((alias) => textAt(alias, 'name') ?? [])
        .join(','),
      filename: textAt(image, 'filename'),
      size: integerAt(image, 'size'),
      auto_update: flagAt(image, 'auto_update'),
      cached: flagAt(image, 'cached'),
      public: flagAt(image, 'public'),
      created_at: textAt(image, 'created_at'),
      expires_at: textAt(image, 'expires_at'),
      uploaded_at: textAt(image, 'uploaded_at'),
      last_used_at: textAt(image, 'last_used_at'),
      update_source_server: textAt(image, 'update_source', 'server'),
      update_source_protocol: textAt(image, 'update_source', 'protocol'),
      update_source_certificate: textAt(image, 'update_source', 'certificate'),
      update_source_alias: textAt(image, 'update_source', 'alias'),
    }));
  },
};

export const lxdNetworks: SnapshotTable = {
  name: 'lxd_networks',
  description: 'Networks that LXD or Incus knows, with their counters.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['name'],
  columns: [
    text('name', 'Name of the network.'),
    text('type', 'bridge, physical, macvlan ...'),
    integer('managed', '1 if it was made by LXD, else 0.'),
    text('ipv4_address', 'IPv4 address with prefix, or none or auto.'),
    text('ipv6_address', 'IPv6 address with prefix, or none or auto.'),
    text('used_by', 'Who uses it, paths of the API parted by commas.'),
    load(bigint('bytes_received', 'Bytes received.')),
    load(bigint('bytes_sent', 'Bytes sent.')),
    load(bigint('packets_received', 'Packets received.')),
    load(bigint('packets_sent', 'Packets sent.')),
    text('hwaddr', 'Hardware address.'),
    text('state', 'up or down.'),
    integer('mtu', 'MTU in bytes.'),
  ],
  async collect(context): Promise<Row[]> {
    const networks = await lxdList(context, '/1.0/networks');
    return Promise.all(
      networks.map(async (network) => {
        const name = textAt(network, 'name') ?? '';
        const state = await lxdGet(context, `/1.0/networks/${encodeURIComponent(name)}/state`);
        return {
          name,
          type: textAt(network, 'type'),
          managed: flagAt(network, 'managed'),
          ipv4_address: textAt(network, 'config', 'ipv4.address'),
          ipv6_address: textAt(network, 'config', 'ipv6.address'),
          used_by: textsAt(network, 'used_by').join(','),
          bytes_received: integerAt(state, 'counters', 'bytes_received'),
          bytes_sent: integerAt(state, 'counters', 'bytes_sent'),
          packets_received: integerAt(state, 'counters', 'packets_received'),
          packets_sent: integerAt(state, 'counters', 'packets_sent'),
          hwaddr: textAt(state, 'hwaddr'),
          state: textAt(state, 'state'),
          mtu: integerAt(state, 'mtu'),
        };
      }),
    );
  },
};

export const lxdStoragePools: SnapshotTable = {
  name: 'lxd_storage_pools',
  description: 'Storage pools of LXD or Incus, with the space in them.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['name'],
  columns: [
    text('name', 'Name of the pool.'),
    text('driver', 'dir, zfs, btrfs, lvm, ceph ...'),
    text('source', 'Folder or device it lies on.'),
    text('size', 'Size it was given, as 30GB.'),
    load(bigint('space_used', 'Bytes used.')),
    bigint('space_total', 'Bytes there are.'),
    load(bigint('inodes_used', 'Inodes used.')),
    bigint('inodes_total', 'Inodes there are.'),
  ],
  async collect(context): Promise<Row[]> {
    const pools = await lxdList(context, '/1.0/storage-pools');
    return Promise.all(
      pools.map(async (pool) => {
        const name = textAt(pool, 'name') ?? '';
        const path = `/1.0/storage-pools/${encodeURIComponent(name)}/resources`;
        const resources = await lxdGet(context, path);
        return {
          name,
          driver: textAt(pool, 'driver'),
          source: textAt(pool, 'config', 'source'),
          size: textAt(pool, 'config', 'size'),
          space_used: integerAt(resources, 'space', 'used'),
          space_total: integerAt(resources, 'space', 'total'),
          inodes_used: integerAt(resources, 'inodes', 'used'),
          inodes_total: integerAt(resources, 'inodes', 'total'),
        };
      }),
    );
  },
};

export const lxdCertificates: SnapshotTable = {
  name: 'lxd_certificates',
  description: 'Certificates of those who may use LXD or Incus over the network.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['fingerprint'],
  columns: [
    text('name', 'Name of the certificate.'),
    text('type', 'client, server or metrics.'),
    text('fingerprint', 'SHA-256 of the certificate.', { collate: 'nocase' }),
    text('certificate', 'The certificate, PEM.'),
  ],
  async collect(context): Promise<Row[]> {
    return (await lxdList(context, '/1.0/certificates')).map((certificate) => ({
      name: textAt(certificate, 'name'),
      type: textAt(certificate, 'type'),
      fingerprint: textAt(certificate, 'fingerprint'),
      certificate: textAt(certificate, 'certificate'),
    }));
  },
};

export const lxdCluster: SnapshotTable = {
  name: 'lxd_cluster',
  description:
    'Whether LXD or Incus is in a cluster, with a row for each setting that a member of it has of its own.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['server_name', 'member_config_entity', 'member_config_name', 'member_config_key'],
  columns: [
    text('server_name', 'Name of this server in the cluster.'),
    integer('enabled', '1 if it is in a cluster, else 0.'),
    text('member_config_entity', 'What the setting is of, as storage-pool.'),
    text('member_config_name', 'Name of that.'),
    text('member_config_key', 'Name of the setting.'),
    text('member_config_value', 'Its value.'),
    text('member_config_description', 'What it is for.'),
  ],
  async collect(context): Promise<Row[]> {
    const cluster = await lxdGet(context, '/1.0/cluster');
    const server = {
      server_name: textAt(cluster, 'server_name'),
      enabled: flagAt(cluster, 'enabled'),
    };
    const settings = objectsAt(cluster, 'member_config');
    if (settings.length === 0) return [server];
    return settings.map((setting) => ({
      ...server,
      member_config_entity: textAt(setting, 'entity'),
      member_config_name: textAt(setting, 'name'),
      member_config_key: textAt(setting, 'key'),
      member_config_value: textAt(setting, 'value'),
      member_config_description: textAt(setting, 'description'),
    }));
  },
};

export const lxdClusterMembers: SnapshotTable = {
  name: 'lxd_cluster_members',
  description: 'Servers in the cluster of LXD or Incus; none where it is in none.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['server_name'],
  columns: [
    text('server_name', 'Name of the server.'),
    text('url', 'Address of the server.'),
    integer('database', '1 if it keeps the database, else 0.'),
    text('status', 'Online, Offline, Evacuated ...'),
    text('message', 'What it says of that.'),
  ],
  async collect(context): Promise<Row[]> {
    // A server alone refuses the question for its members.
    if (at(await lxdGet(context, '/1.0/cluster'), 'enabled') !== true) return [];
    return (await lxdList(context, '/1.0/cluster/members')).map((member) => ({
      server_name: textAt(member, 'server_name'),
      url: textAt(member, 'url'),
      database: flagAt(member, 'database'),
      status: textAt(member, 'status'),
      message: textAt(member, 'message'),
    }));
  },
};
