/** docker_info and docker_version: the engine itself. */
import { bigint, integer, load, text } from '../lib/columns.ts';
import { flagAt, integerAt, textAt, type Json } from '../lib/json.ts';
import { withoutSecrets } from '../lib/urls.ts';
import type { Column, Row, SnapshotTable } from '../types.ts';
import { dockerGet } from './client.ts';

/** A column and the member of the answer it is filled from. */
type Field = readonly [column: Column, member: string];

const INFO: readonly Field[] = [
  [text('id', 'Id of the engine.', { collate: 'nocase' }), 'ID'],
  [load(integer('containers', 'Number of containers.')), 'Containers'],
  [load(integer('containers_running', 'Of them, how many run.')), 'ContainersRunning'],
  [load(integer('containers_paused', 'Of them, how many are paused.')), 'ContainersPaused'],
  [load(integer('containers_stopped', 'Of them, how many have stopped.')), 'ContainersStopped'],
  [load(integer('images', 'Number of images.')), 'Images'],
  [text('storage_driver', 'Storage driver.'), 'Driver'],
  [integer('memory_limit', '1 if memory can be limited, else 0.'), 'MemoryLimit'],
  [integer('swap_limit', '1 if swap can be limited, else 0.'), 'SwapLimit'],
  [integer('kernel_memory', "1 if the kernel's memory can be limited, else 0."), 'KernelMemory'],
  [
    integer('cpu_cfs_period', '1 if the period of the scheduler can be set, else 0.'),
    'CpuCfsPeriod',
  ],
  [integer('cpu_cfs_quota', '1 if the quota of the scheduler can be set, else 0.'), 'CpuCfsQuota'],
  [integer('cpu_shares', '1 if weights of processor time can be set, else 0.'), 'CPUShares'],
  [integer('cpu_set', '1 if processors can be picked, else 0.'), 'CPUSet'],
  [integer('ipv4_forwarding', '1 if the host forwards IPv4, else 0.'), 'IPv4Forwarding'],
  [integer('bridge_nf_iptables', '1 if iptables sees bridges, else 0.'), 'BridgeNfIptables'],
  [integer('bridge_nf_ip6tables', '1 if ip6tables sees bridges, else 0.'), 'BridgeNfIp6tables'],
  [integer('oom_kill_disable', '1 if the OOM killer can be turned off, else 0.'), 'OomKillDisable'],
  [text('logging_driver', 'Logging driver.'), 'LoggingDriver'],
  [text('cgroup_driver', 'Driver of control groups.'), 'CgroupDriver'],
  [text('kernel_version', 'Version of the kernel.', { collate: 'version' }), 'KernelVersion'],
  [text('os', 'Operating system.'), 'OperatingSystem'],
  [text('os_type', 'Kind of operating system.'), 'OSType'],
  [text('architecture', 'Architecture.'), 'Architecture'],
  [integer('cpus', 'Number of processors.'), 'NCPU'],
  [bigint('memory', 'Memory of the host in bytes.'), 'MemTotal'],
  [text('http_proxy', 'Proxy for HTTP.'), 'HttpProxy'],
  [text('https_proxy', 'Proxy for HTTPS.'), 'HttpsProxy'],
  [text('no_proxy', 'Places reached without a proxy.'), 'NoProxy'],
  [text('name', 'Name of the host.'), 'Name'],
  [text('server_version', 'Version of the engine.', { collate: 'version' }), 'ServerVersion'],
  [text('root_dir', 'Folder it keeps its data in.'), 'DockerRootDir'],
];

const VERSION: readonly Field[] = [
  [text('version', 'Version of the engine.', { collate: 'version' }), 'Version'],
  [text('api_version', 'Version of its API.', { collate: 'version' }), 'ApiVersion'],
  [text('min_api_version', 'Oldest API it serves.', { collate: 'version' }), 'MinAPIVersion'],
  [text('git_commit', 'Commit it was built from.'), 'GitCommit'],
  [text('go_version', 'Version of Go it was built with.', { collate: 'version' }), 'GoVersion'],
  [text('os', 'Kind of operating system.'), 'Os'],
  [text('arch', 'Architecture.'), 'Arch'],
  [text('kernel_version', 'Version of the kernel.', { collate: 'version' }), 'KernelVersion'],
  [text('build_time', 'When it was built.'), 'BuildTime'],
];

export const dockerInfo: SnapshotTable = {
  name: 'docker_info',
  description: 'The Docker engine and its host; one row.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['id'],
  columns: INFO.map(([column]) => column),
  collect: async (context) => [toRow(INFO, await dockerGet(context, '/info'))],
};

export const dockerVersion: SnapshotTable = {
  name: 'docker_version',
  description: 'Versions of the Docker engine; one row.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['version'],
  columns: VERSION.map(([column]) => column),
  collect: async (context) => [toRow(VERSION, await dockerGet(context, '/version'))],
};

function toRow(fields: readonly Field[], answer: Json | undefined): Row {
  return Object.fromEntries(
    fields.map(([column, member]) => [
      column.name,
      column.type === 'TEXT'
        ? plain(textAt(answer, member))
        : (integerAt(answer, member) ?? flagAt(answer, member)),
    ]),
  );
}

/** Addresses of proxies may hold passwords. */
function plain(text: string | null): string | null {
  return text === null ? null : withoutSecrets(text);
}
