/** docker_container_stats: what containers use. */
import { bigint, integer, load, text } from '../lib/columns.ts';
import type { Row, SnapshotTable } from '../types.ts';
import { eachContainer } from './api.ts';
import { dockerGet } from './client.ts';
import { entriesAt, integerAt, objectsAt, secondsOf, textAt, type Json } from '../lib/json.ts';

export const dockerContainerStats: SnapshotTable = {
  name: 'docker_container_stats',
  description: 'Resources that a container uses; Docker takes a second or two to answer.',
  kind: 'snapshot',
  cost: 'expensive',
  key: ['id'],
  columns: [
    load(
      text('id', 'Id of the container.', {
        index: true,
        required: true,
        steers: true,
        collate: 'nocase',
      }),
    ),
    load(text('name', 'Name of the container.', { index: true })),
    load(integer('pids', 'Number of processes and threads.')),
    load(bigint('read', 'When it was measured, seconds since 1970.')),
    load(bigint('preread', 'When it was measured before, seconds since 1970.')),
    load(bigint('interval', 'Nanoseconds between the two.')),
    load(bigint('disk_read', 'Bytes read from disk.')),
    load(bigint('disk_write', 'Bytes written to disk.')),
    load(integer('num_procs', 'Number of processors; 0 on Linux.')),
    load(bigint('cpu_total_usage', 'Processor time in nanoseconds.')),
    load(bigint('cpu_kernelmode_usage', 'Part of it in the kernel.')),
    load(bigint('cpu_usermode_usage', 'Part of it outside the kernel.')),
    load(bigint('system_cpu_usage', 'Processor time of the host in nanoseconds.')),
    load(integer('online_cpus', 'Processors of the host.')),
    load(bigint('pre_cpu_total_usage', 'Processor time at the measure before.')),
    load(bigint('pre_cpu_kernelmode_usage', 'Part of it in the kernel.')),
    load(bigint('pre_cpu_usermode_usage', 'Part of it outside the kernel.')),
    load(bigint('pre_system_cpu_usage', 'Processor time of the host at the measure before.')),
    load(integer('pre_online_cpus', 'Processors of the host at the measure before.')),
    load(bigint('memory_usage', 'Memory in use in bytes.')),
    load(bigint('memory_cached', 'Part of it that is cache; NULL with cgroups 2.')),
    load(bigint('memory_inactive_file', 'Cache that is not active, in bytes.')),
    load(bigint('memory_total_inactive_file', 'The same with child groups; NULL with cgroups 2.')),
    load(bigint('memory_max_usage', 'Most memory ever in use; NULL with cgroups 2.')),
    load(bigint('memory_limit', 'Limit of memory in bytes.')),
    load(bigint('network_rx_bytes', 'Bytes received.')),
    load(bigint('network_tx_bytes', 'Bytes sent.')),
  ],
  collect: (context) =>
    eachContainer(context, async (id) => {
      const stats = await dockerGet(context, `/containers/${id}/stats?stream=false`);
      return stats === undefined ? [] : [toRow(id, stats)];
    }),
};

function toRow(id: string, stats: Json): Row {
  return {
    id,
    name: textAt(stats, 'name')?.replace(/^\//, '') ?? null,
    pids: integerAt(stats, 'pids_stats', 'current'),
    read: secondsOf(textAt(stats, 'read')),
    preread: secondsOf(textAt(stats, 'preread')),
    interval: intervalNs(textAt(stats, 'preread'), textAt(stats, 'read')),
    disk_read: diskBytes(stats, 'read'),
    disk_write: diskBytes(stats, 'write'),
    num_procs: integerAt(stats, 'num_procs'),
    ...cpuColumns(stats, 'cpu_stats', ''),
    ...cpuColumns(stats, 'precpu_stats', 'pre_'),
    memory_usage: integerAt(stats, 'memory_stats', 'usage'),
    memory_cached: integerAt(stats, 'memory_stats', 'stats', 'cache'),
    memory_inactive_file: integerAt(stats, 'memory_stats', 'stats', 'inactive_file'),
    memory_total_inactive_file: integerAt(stats, 'memory_stats', 'stats', 'total_inactive_file'),
    memory_max_usage: integerAt(stats, 'memory_stats', 'max_usage'),
    memory_limit: integerAt(stats, 'memory_stats', 'limit'),
    network_rx_bytes: networkBytes(stats, 'rx_bytes'),
    network_tx_bytes: networkBytes(stats, 'tx_bytes'),
  };
}

function cpuColumns(stats: Json, part: 'cpu_stats' | 'precpu_stats', prefix: '' | 'pre_'): Row {
  return {
    [`${prefix}cpu_total_usage`]: integerAt(stats, part, 'cpu_usage', 'total_usage'),
    [`${prefix}cpu_kernelmode_usage`]: integerAt(stats, part, 'cpu_usage', 'usage_in_kernelmode'),
    [`${prefix}cpu_usermode_usage`]: integerAt(stats, part, 'cpu_usage', 'usage_in_usermode'),
    [`${prefix}system_cpu_usage`]: integerAt(stats, part, 'system_cpu_usage'),
    [`${prefix}online_cpus`]: integerAt(stats, part, 'online_cpus'),
  };
}

/** cgroups 1 write Read and Write, cgroups 2 read and write. */
function diskBytes(stats: Json, operation: string): number {
  return objectsAt(stats, 'blkio_stats', 'io_service_bytes_recursive')
    .filter((entry) => textAt(entry, 'op')?.toLowerCase() === operation)
    .reduce((sum, entry) => sum + (integerAt(entry, 'value') ?? 0), 0);
}

function networkBytes(stats: Json, counter: string): number {
  return entriesAt(stats, 'networks').reduce(
    (sum, [, network]) => sum + (integerAt(network, counter) ?? 0),
    0,
  );
}

/** To the millisecond, which is what Date keeps. */
function intervalNs(before: string | null, now: string | null): number | null {
  const ms = Date.parse(now ?? '') - Date.parse(before ?? '');
  return Number.isNaN(ms) || ms < 0 || ms > 1e9 ? null : ms * 1e6;
}
