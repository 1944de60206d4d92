/**
 * LXD's tables beside a server that answers as LXD's REST API 1.0 describes: LXD itself cannot be had in a
 * container, so a real one has not been asked.
 */
import { createServer } from 'node:http';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import * as instances from '../../../src/tables/lxd/instances.ts';
import * as server from '../../../src/tables/lxd/server.ts';
import type { HostTable } from '../../../src/tables/types.ts';
import { eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

const WEB = {
  name: 'web 1',
  status: 'Running',
  stateful: false,
  ephemeral: true,
  created_at: '2026-01-02T03:04:05Z',
  architecture: 'x86_64',
  config: {
    'image.os': 'Debian',
    'image.description': 'Debian bookworm',
    'volatile.base_image': 'ab12',
  },
  expanded_config: { 'limits.cpu': '2', 'user.user-data': 'secret' },
  expanded_devices: { root: { path: '/', pool: 'default', type: 'disk' }, eth0: { type: 'nic' } },
};

/** Path to metadata. */
const ANSWERS: Record<string, unknown> = {
  '/1.0/instances?recursion=1': [WEB],
  '/1.0/instances/web%201': WEB,
  '/1.0/instances/web%201/state': { status: 'Running', pid: 4242, processes: 7 },
  '/1.0/images?recursion=1': [
    {
      fingerprint: 'ab12',
      architecture: 'x86_64',
      properties: { os: 'Debian', release: 'bookworm', description: 'Debian bookworm' },
      aliases: [{ name: 'deb' }, { name: 'stable' }],
      filename: 'a.tar.xz',
      size: 123456789,
      auto_update: true,
      cached: true,
      public: false,
      created_at: '2026-01-01T00:00:00Z',
      update_source: { server: 'https://images', protocol: 'simplestreams', alias: 'debian/12' },
    },
  ],
  '/1.0/networks?recursion=1': [
    {
      name: 'lxdbr0',
      type: 'bridge',
      managed: true,
      config: { 'ipv4.address': '10.1.1.1/24', 'ipv6.address': 'none' },
      used_by: ['/1.0/instances/web 1', '/1.0/profiles/default'],
    },
  ],
  '/1.0/networks/lxdbr0/state': {
    hwaddr: '00:16:3e:00:00:01',
    state: 'up',
    mtu: 1500,
    counters: { bytes_received: 1, bytes_sent: 2, packets_received: 3, packets_sent: 4 },
  },
  '/1.0/storage-pools?recursion=1': [
    { name: 'default', driver: 'zfs', config: { source: 'tank', size: '30GB' } },
  ],
  '/1.0/storage-pools/default/resources': {
    space: { used: 10, total: 20 },
    inodes: { used: 1, total: 2 },
  },
  '/1.0/certificates?recursion=1': [
    { name: 'ann', type: 'client', fingerprint: 'cd', certificate: '-----BEGIN' },
  ],
  '/1.0/cluster': {
    server_name: 'lxd1',
    enabled: true,
    member_config: [
      {
        entity: 'storage-pool',
        name: 'local',
        key: 'source',
        value: '/dev/sdb',
        description: '"source" property',
      },
    ],
  },
  '/1.0/cluster/members?recursion=1': [
    {
      server_name: 'lxd1',
      url: 'https://10.0.0.1:8443',
      database: true,
      status: 'Online',
      message: 'Fully operational',
    },
  ],
};

async function lxdHost(answers = ANSWERS, socket = 'var/snap/lxd/common/lxd'): Promise<string> {
  const root = fakeRoot({ [`${socket}/x`]: '' });
  const listening = createServer((request, response) => {
    const metadata = request.method === 'GET' ? answers[request.url ?? ''] : undefined;
    const code = metadata === undefined ? 404 : metadata instanceof Error ? 400 : 200;
    response.statusCode = code;
    const error = metadata instanceof Error ? metadata.message : 'Not Found';
    response.end(
      JSON.stringify(code === 200 ? { type: 'sync', metadata } : { type: 'error', error }),
    );
  });
  onTestFinished(() => void listening.close());
  await new Promise<void>((done) => listening.listen(join(root, socket, 'unix.socket'), done));
  return root;
}

test('every table has what the API answers', async () => {
  const root = await lxdHost();
  const rows = async (table: HostTable, name?: string) => {
    const found = await rowsOf(table, { root, ...(name && { constraints: [eq('name', name)] }) });
    expectShape(table, found);
    return found;
  };
  expect(await rows(instances.lxdInstances)).toEqual([
    {
      name: 'web 1',
      status: 'Running',
      stateful: 0,
      ephemeral: 1,
      created_at: '2026-01-02T03:04:05Z',
      base_image: 'ab12',
      architecture: 'x86_64',
      os: 'Debian',
      description: 'Debian bookworm',
      pid: 4242,
      processes: 7,
    },
  ]);
  expect(await rows(instances.lxdInstanceConfig, 'web 1')).toEqual([
    { name: 'web 1', key: 'limits.cpu', value: '2' },
    { name: 'web 1', key: 'user.user-data', value: 'secret' },
  ]);
  expect(await rows(instances.lxdInstanceConfig, '../certificates')).toEqual([]);
  expect(await rows(instances.lxdInstanceDevices, 'web 1')).toMatchObject([
    { device: 'root', device_type: 'disk', key: 'path', value: '/' },
    { device: 'root', key: 'pool', value: 'default' },
    { device: 'root', key: 'type' },
    { device: 'eth0', device_type: 'nic', key: 'type', value: 'nic' },
  ]);
  expect(await rows(server.lxdImages)).toMatchObject([
    {
      id: 'ab12',
      aliases: 'deb,stable',
      size: 123456789,
      auto_update: 1,
      public: 0,
      expires_at: null,
      update_source_alias: 'debian/12',
    },
  ]);
  expect(await rows(server.lxdNetworks)).toMatchObject([
    {
      name: 'lxdbr0',
      managed: 1,
      ipv4_address: '10.1.1.1/24',
      used_by: '/1.0/instances/web 1,/1.0/profiles/default',
      packets_sent: 4,
      mtu: 1500,
    },
  ]);
  expect(await rows(server.lxdStoragePools)).toEqual([
    {
      name: 'default',
      driver: 'zfs',
      source: 'tank',
      size: '30GB',
      space_used: 10,
      space_total: 20,
      inodes_used: 1,
      inodes_total: 2,
    },
  ]);
  expect(await rows(server.lxdCertificates)).toMatchObject([{ name: 'ann', fingerprint: 'cd' }]);
  expect(await rows(server.lxdCluster)).toMatchObject([
    {
      server_name: 'lxd1',
      enabled: 1,
      member_config_key: 'source',
      member_config_value: '/dev/sdb',
    },
  ]);
  expect(await rows(server.lxdClusterMembers)).toMatchObject([
    { server_name: 'lxd1', database: 1 },
  ]);
});

test('a server alone is in no cluster, and Incus is asked as well', async () => {
  const answers = {
    '/1.0/cluster': { server_name: '', enabled: false, member_config: [] },
    '/1.0/cluster/members?recursion=1': new Error('This server is not clustered'),
    '/1.0/images?recursion=1': new Error('it is full'),
  };
  const root = await lxdHost(answers, 'var/lib/incus');
  expect(await rowsOf(server.lxdCluster, { root })).toEqual([{ server_name: '', enabled: 0 }]);
  expect(await rowsOf(server.lxdClusterMembers, { root })).toEqual([]);
  await expect(rowsOf(server.lxdImages, { root })).rejects.toThrow(
    'lxd refused /1.0/images?recursion=1: it is full',
  );
});

test('a host without LXD says so', async () => {
  const nothing = rowsOf(instances.lxdInstances, { root: fakeRoot({}) });
  await expect(nothing).rejects.toThrow('lxd does not run on this host');
});
