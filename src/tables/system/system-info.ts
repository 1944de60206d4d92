import { hostname, machine } from 'node:os';

import { boardWithoutDmi, cpuBrand } from '../lib/board.ts';
import { bigint, elsewhere, integer, text } from '../lib/columns.ts';
import { readCpus } from '../lib/cpuinfo.ts';
import { listDir, readAttribute, type Rooted } from '../lib/files.ts';
import type { CollectContext, Row, SnapshotTable } from '../types.ts';
import { readMeminfo } from './memory-info.ts';

export const systemInfo: SnapshotTable = {
  kind: 'snapshot',
  name: 'system_info',
  description: 'What identifies the machine: names, processor, memory, maker; one row.',
  cost: 'cheap',
  key: [],
  columns: [
    text('hostname', 'Host name, with domain where it has one.'),
    text('uuid', 'UUID from the firmware, else made of /etc/machine-id.', { collate: 'nocase' }),
    text('cpu_type', 'Processor architecture, as uname -m.'),
    text('cpu_subtype', 'Model number of the processor.'),
    text('cpu_brand', 'Brand of the processor, with vendor and model.', { unset: true }),
    integer('cpu_physical_cores', 'Physical cores.'),
    integer('cpu_logical_cores', 'Logical cores the system uses.'),
    integer('cpu_sockets', 'Processor sockets in use.'),
    text('cpu_microcode', 'Version of the microcode.', { unset: true }),
    bigint('physical_memory', 'Memory in bytes.'),
    text('hardware_vendor', 'Maker of the machine.', { unset: true }),
    text('hardware_model', 'Model of the machine.'),
    text('hardware_version', 'Version of the machine.', { unset: true }),
    text('hardware_serial', 'Serial number of the machine; only root may read it.', {
      unset: true,
    }),
    text('board_vendor', 'Maker of the board.', { unset: true }),
    text('board_model', 'Model of the board.', { unset: true }),
    text('board_version', 'Version of the board.', { unset: true }),
    text('board_serial', 'Serial number of the board; only root may read it.', { unset: true }),
    text('computer_name', 'Name for people; the host name here.'),
    text('local_hostname', 'Host name on the local network; the host name here.'),
    elsewhere('windows', text('emulated_cpu_type', 'Processor type shown under emulation')),
  ],
  async collect(context): Promise<Row[]> {
    const name = readAttribute(context, '/proc/sys/kernel/hostname') ?? hostname();
    return [
      {
        hostname: name,
        computer_name: name,
        local_hostname: name,
        uuid: dmi(context, 'product_uuid') ?? machineUuid(context),
        physical_memory: readMeminfo(context).get('MemTotal') ?? null,
        ...(await cpuColumns(context)),
        ...(await hardwareColumns(context)),
      },
    ];
  },
};

/** The machine's UUID as the firmware or the installation gave it. */
export function machineUuid(context: Rooted): string | null {
  const id = readAttribute(context, '/etc/machine-id');
  const parts = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i.exec(
    id ?? '',
  );
  return parts === null ? null : parts.slice(1).join('-').toUpperCase();
}

export function dmi(context: Rooted, name: string): string | null {
  return readAttribute(context, `/sys/class/dmi/id/${name}`);
}

/** A folder other than / is another machine's: only its own files speak for it. */
function isThisMachine(context: Rooted): boolean {
  return context.root === '/';
}

async function hardwareColumns(context: CollectContext): Promise<Row> {
  const asked = [...context.columns].some((name) => /^(?:hardware|board)_/.test(name));
  const hasDmi = listDir(context, '/sys/class/dmi/id').length > 0;
  if (asked && !hasDmi && isThisMachine(context)) return boardWithoutDmi(context);
  return {
    hardware_vendor: dmi(context, 'sys_vendor'),
    hardware_model: dmi(context, 'product_name'),
    hardware_version: dmi(context, 'product_version'),
    hardware_serial: dmi(context, 'product_serial'),
    board_vendor: dmi(context, 'board_vendor'),
    board_model: dmi(context, 'board_name'),
    board_version: dmi(context, 'board_version'),
    board_serial: dmi(context, 'board_serial'),
  };
}

async function cpuColumns(context: CollectContext): Promise<Row> {
  const cpus = readCpus(context);
  const sockets = new Set(cpus.map((cpu) => cpu.get('physical id') ?? '0'));
  const cores = new Set(
    // Where the kernel tells no core (ARM), each processor counts as one.
    cpus.map((cpu, index) => `${cpu.get('physical id') ?? 0}/${cpu.get('core id') ?? index}`),
  );
  const first = cpus[0];
  return {
    cpu_type: machine(),
    cpu_subtype: first?.get('model') ?? first?.get('CPU part') ?? null,
    cpu_brand: first?.get('model name') ?? (await namedCpu(context)),
    cpu_microcode: first?.get('microcode') ?? null,
    cpu_logical_cores: cpus.length || null,
    cpu_physical_cores: cores.size || null,
    cpu_sockets: sockets.size || null,
  };
}

/** ARM kernels tell implementer and part as numbers. */
async function namedCpu(context: CollectContext): Promise<string | null> {
  return context.columns.has('cpu_brand') && isThisMachine(context) ? cpuBrand(context) : null;
}
