import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';

import { afterEach, describe, expect, test } from 'vitest';

import * as changes from '../../../src/tables/docker/container-changes.ts';
import * as parts from '../../../src/tables/docker/container-parts.ts';
import * as processes from '../../../src/tables/docker/container-processes.ts';
import * as stats from '../../../src/tables/docker/container-stats.ts';
import { dockerContainers } from '../../../src/tables/docker/containers.ts';
import * as images from '../../../src/tables/docker/images.ts';
import { dockerInfo, dockerVersion } from '../../../src/tables/docker/info.ts';
import * as networks from '../../../src/tables/docker/networks.ts';
import * as volumes from '../../../src/tables/docker/volumes.ts';
import type { CollectContext, Row, SnapshotTable } from '../../../src/tables/types.ts';
import { eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

const C1 = 'c1'.repeat(32);
const C2 = 'c2'.repeat(32);
const I1 = 'ab'.repeat(32);
const PS = [
  '42',
  'S',
  '0',
  '0',
  '0',
  '0',
  '0',
  '0',
  '100',
  '200',
  '60',
  '1',
  '42',
  '3',
  '0',
  'root',
  '00:00:01',
  '0.5',
  '1.0',
  '/bin/sh -c "x y"',
];

/** Shaped as Docker's API reference 1.43 shows them, cut to what is read. */
const ANSWERS: Record<string, unknown> = {
  '/containers/json?all=1': [
    {
      Id: C1,
      Names: ['/web'],
      Image: 'nginx:latest',
      ImageID: `sha256:${I1}`,
      Command: 'nginx -g',
      Created: 1700000000,
      Ports: [{ IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' }],
      Labels: { app: 'web', empty: '' },
      State: 'running',
      Status: 'Up 1 hour',
      NetworkSettings: {
        Networks: { bridge: { NetworkID: 'n1', IPAddress: '172.17.0.2', IPPrefixLen: 16 } },
      },
      Mounts: [{ Type: 'bind', Source: '/a', Destination: '/b', Mode: 'ro', RW: false }],
    },
    { Id: C2, Names: ['/job'], Created: 1, State: 'exited', Ports: [], Labels: null, Mounts: null },
  ],
  [`/containers/${C1}/json`]: {
    Id: C1,
    Path: 'nginx',
    State: { Pid: 1234, StartedAt: '2026-01-01T00:00:00Z' },
    HostConfig: { Privileged: true, ReadonlyRootfs: false, SecurityOpt: null },
    Config: { Env: ['PATH=/bin', 'A=b=c', 'EMPTY='], Entrypoint: ['/e.sh', '-x'] },
  },
  [`/containers/${C1}/changes`]: [
    { Path: '/etc', Kind: 0 },
    { Path: '/etc/x', Kind: 1 },
    { Path: '/old', Kind: 2 },
  ],
  [`/containers/${C1}/stats?stream=false`]: {
    read: '2026-01-01T00:00:01.5Z',
    preread: '2026-01-01T00:00:00.5Z',
    name: '/web',
    pids_stats: { current: 3 },
    blkio_stats: {
      io_service_bytes_recursive: [
        { op: 'read', value: 10 },
        { op: 'Read', value: 5 },
        { op: 'write', value: 7 },
      ],
    },
    cpu_stats: { cpu_usage: { total_usage: 100 }, system_cpu_usage: 2 ** 60, online_cpus: 2 },
    memory_stats: { usage: 4096, limit: 8192, stats: { inactive_file: 1 } },
    networks: { eth0: { rx_bytes: 1, tx_bytes: 2 }, eth1: { rx_bytes: 3, tx_bytes: 4 } },
  },
  '/images/json': [
    { Id: `sha256:${I1}`, Created: 9, Size: 77, RepoTags: ['a:1', 'b:2'], Labels: { l: 'v' } },
  ],
  [`/images/${I1}/json`]: { RootFS: { Layers: ['sha256:l1', 'sha256:l2'] } },
  [`/images/${I1}/history`]: [{ Created: 8, Size: 5, CreatedBy: 'RUN x', Tags: null, Comment: '' }],
  '/networks': [
    {
      Id: 'n1',
      Name: 'bridge',
      Driver: 'bridge',
      Created: '1970-01-01T00:00:10.5Z',
      EnableIPv6: false,
      IPAM: { Config: [{ Subnet: '172.17.0.0/16', Gateway: '172.17.0.1' }] },
      Labels: { k: 'v' },
    },
  ],
  '/volumes': {
    Volumes: [
      {
        Name: 'v1',
        Driver: 'local',
        Mountpoint: '/m',
        Options: { type: 'nfs' },
        Labels: { k: '' },
      },
    ],
  },
  '/info': {
    ID: 'X',
    Containers: 2,
    MemoryLimit: true,
    CPUShares: false,
    NCPU: 4,
    MemTotal: 8e9,
    ServerVersion: '28.2.2',
  },
  '/version': {
    Version: '28.2.2',
    ApiVersion: '1.50',
    MinAPIVersion: '1.24',
    Os: 'linux',
    Arch: 'amd64',
  },
};

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A machine on whose socket a real HTTP server answers; what it does not know is 404. */
async function dockerHost(answer: (url: string) => string | undefined = known): Promise<string> {
  const root = fakeRoot({ 'var/run/x': '' });
  const server = createServer((request, response) => {
    const body = request.method === 'GET' ? answer(request.url ?? '') : undefined;
    response.statusCode = body === undefined ? 404 : 200;
    response.end(body ?? '{"message":"no such thing"}');
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(join(root, 'var/run/docker.sock'), resolve));
  return root;
}

function known(url: string): string | undefined {
  if (url.startsWith(`/containers/${C1}/top?ps_args=`)) {
    return JSON.stringify({ Titles: ['PID'], Processes: [PS] });
  }
  return url in ANSWERS ? JSON.stringify(ANSWERS[url]) : undefined;
}

async function rows(table: SnapshotTable, over: Partial<CollectContext> = {}): Promise<Row[]> {
  const found = await rowsOf(table, { root: await dockerHost(), ...over });
  expectShape(table, found);
  return found;
}

describe('docker tables read what the engine answers', () => {
  test('docker_info and docker_version', async () => {
    expect(await rows(dockerInfo)).toMatchObject([
      {
        id: 'X',
        containers: 2,
        memory_limit: 1,
        cpu_shares: 0,
        cpus: 4,
        memory: 8e9,
        images: null,
      },
    ]);
    expect(await rows(dockerVersion)).toMatchObject([
      { version: '28.2.2', min_api_version: '1.24' },
    ]);
  });

  test('docker_containers, one that ended while it was asked about included', async () => {
    expect(await rows(dockerContainers)).toMatchObject([
      {
        id: C1,
        name: '/web',
        image_id: I1,
        pid: 1234,
        privileged: 1,
        config_entrypoint: '/e.sh, -x',
      },
      { id: C2, name: '/job', state: 'exited', pid: null },
    ]);
    expect(await rows(dockerContainers, { constraints: [eq('id', C2)] })).toHaveLength(1);
    const [listed] = await rows(dockerContainers, { columns: new Set(['id', 'name']) });
    expect(listed).not.toHaveProperty('pid');
  });

  test('labels, mounts, networks, ports and variables of containers', async () => {
    expect(await rows(parts.dockerContainerLabels)).toEqual([
      { id: C1, key: 'app', value: 'web' },
      { id: C1, key: 'empty', value: '' },
    ]);
    expect(await rows(parts.dockerContainerMounts)).toMatchObject([
      { id: C1, destination: '/b', rw: 0 },
    ]);
    expect(await rows(parts.dockerContainerNetworks)).toMatchObject([
      { name: 'bridge', ip_address: '172.17.0.2', ip_prefix_len: 16 },
    ]);
    expect(await rows(parts.dockerContainerPorts)).toMatchObject([
      { type: 'tcp', port: 80, host_port: 8080 },
    ]);
    expect(parts.dockerContainerEnvs.sensitive).toBe(true);
    ANSWERS[`/containers/${C2}/json`] = { Id: C2, Config: { Env: ['TOKEN=t'] } };
    expect(await rows(parts.dockerContainerEnvs)).toEqual([
      { id: C1, key: 'PATH', value: '/bin' },
      { id: C1, key: 'A', value: 'b=c' },
      { id: C1, key: 'EMPTY', value: '' },
      // One that does not run: docker_containers has it, and a join names it.
      { id: C2, key: 'TOKEN', value: 't' },
    ]);
    delete ANSWERS[`/containers/${C2}/json`];
  });

  test('processes, statistics and changes, of a named container or of all', async () => {
    // Ids compare without regard to case, and Docker's do not.
    for (const constraints of [[], [eq('id', C1)], [eq('id', C1.toUpperCase())]]) {
      expect(await rows(processes.dockerContainerProcesses, { constraints })).toMatchObject([
        {
          id: C1,
          pid: 42,
          name: 'sh',
          cmdline: '/bin/sh -c "x y"',
          resident_size: 102400,
          threads: 3,
          cpu: 0.5,
        },
      ]);
      expect(await rows(stats.dockerContainerStats, { constraints })).toMatchObject([
        {
          name: 'web',
          interval: 1e9,
          disk_read: 15,
          disk_write: 7,
          network_rx_bytes: 4,
          memory_limit: 8192,
        },
      ]);
      const changed = await rows(changes.dockerContainerFsChanges, { constraints });
      expect(changed.map((row) => row.change_type)).toEqual(['C', 'A', 'D']);
    }
    expect(await rows(stats.dockerContainerStats, { constraints: [eq('id', '../../x')] })).toEqual(
      [],
    );
    expect(await rows(stats.dockerContainerStats, { constraints: [eq('id', C2)] })).toEqual([]);
  });

  test('images, networks and volumes', async () => {
    expect(await rows(images.dockerImages)).toEqual([
      { id: I1, created: 9, size_bytes: 77, tags: 'a:1,b:2' },
    ]);
    expect(await rows(images.dockerImageLabels)).toEqual([{ id: I1, key: 'l', value: 'v' }]);
    expect(await rows(images.dockerImageLayers)).toEqual([
      { id: I1, layer_id: 'l1', layer_order: 1 },
      { id: I1, layer_id: 'l2', layer_order: 2 },
    ]);
    expect(await rows(images.dockerImageHistory)).toMatchObject([
      { created_by: 'RUN x', size: 5, tags: '' },
    ]);
    expect(await rows(networks.dockerNetworks)).toMatchObject([
      { id: 'n1', created: 10, enable_ipv6: 0, subnet: '172.17.0.0/16' },
    ]);
    expect(await rows(networks.dockerNetworkLabels)).toEqual([{ id: 'n1', key: 'k', value: 'v' }]);
    expect(await rows(volumes.dockerVolumes)).toMatchObject([
      { name: 'v1', mount_point: '/m', type: 'nfs' },
    ]);
    expect(await rows(volumes.dockerVolumeLabels)).toEqual([{ name: 'v1', key: 'k', value: '' }]);
  });
});

describe('docker tables say what is wrong', () => {
  test('when there is no socket, or something else in its place', async () => {
    await expect(rowsOf(dockerInfo, { root: fakeRoot({}) })).rejects.toThrow(
      'docker is not running: /var/run/docker.sock: there is no such socket',
    );
    const root = fakeRoot({});
    mkdirSync(join(root, 'var/run'), { recursive: true });
    writeFileSync(join(root, 'var/run/docker.sock'), '');
    await expect(rowsOf(dockerInfo, { root })).rejects.toThrow('docker is not running');
  });

  test('when what answers does not speak JSON', async () => {
    const root = await dockerHost(() => '<html>');
    await expect(rowsOf(dockerInfo, { root })).rejects.toThrow('did not answer /info with JSON');
  });

  test('and take answers of any other shape for NULL or nothing', async () => {
    for (const body of [
      'null',
      '[]',
      '{"Containers":"2","ID":7}',
      '[null,7,{"Id":{},"Labels":[1]}]',
    ]) {
      const root = await dockerHost(() => body);
      expectShape(dockerInfo, await rowsOf(dockerInfo, { root }));
      expectShape(dockerContainers, await rowsOf(dockerContainers, { root }));
      expectShape(images.dockerImages, await rowsOf(images.dockerImages, { root }));
      expectShape(volumes.dockerVolumes, await rowsOf(volumes.dockerVolumes, { root }));
    }
  });

  test('an aborted query does not wait for an engine that hangs', async () => {
    const aborting = new AbortController();
    const root = await dockerHost((url) => {
      aborting.abort();
      return url;
    });
    await expect(rowsOf(dockerInfo, { root, signal: aborting.signal })).rejects.toThrow('docker');
  });
});
