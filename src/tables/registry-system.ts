/** The tables of processes, the kernel, the network, the hardware and the swarm itself. */
import { etcHosts } from './system/etc-hosts.ts';
import { interfaceAddresses } from './system/interface-addresses.ts';
import { kernelInfo } from './system/kernel-info.ts';
import { listeningPorts } from './system/listening-ports.ts';
import { loadAverage } from './system/load-average.ts';
import { memoryInfo } from './system/memory-info.ts';
import { mounts } from './system/mounts.ts';
import { osVersion } from './system/os-version.ts';
import { processOpenSockets } from './system/process-open-sockets.ts';
import { processes } from './system/processes.ts';
import { systemInfo } from './system/system-info.ts';
import { time } from './system/time.ts';
import { uptime } from './system/uptime.ts';
import type { HostTable } from './types.ts';

export const systemTables: readonly HostTable[] = [
  etcHosts,
  interfaceAddresses,
  kernelInfo,
  listeningPorts,
  loadAverage,
  memoryInfo,
  mounts,
  osVersion,
  processOpenSockets,
  processes,
  systemInfo,
  time,
  uptime,
];
