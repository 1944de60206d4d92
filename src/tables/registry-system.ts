/** The tables of processes, the kernel, the network, the hardware and the swarm itself. */
import type { HostTable } from './types.ts';

export const systemTables: readonly HostTable[] = [];
