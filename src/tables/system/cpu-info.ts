import { elsewhere, integer, load, text } from '../lib/columns.ts';
import { readCpus } from '../lib/cpuinfo.ts';
import { readAttribute, type Rooted } from '../lib/files.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { TableError, type Row, type SnapshotTable } from '../types.ts';

export const cpuInfo: SnapshotTable = {
  kind: 'snapshot',
  name: 'cpu_info',
  description: 'The processors, one row per socket, from /proc/cpuinfo and cpufreq.',
  cost: 'cheap',
  key: ['device_id'],
  columns: [
    text('device_id', 'CPU and the number of the socket.'),
    text('model', 'Model.'),
    text('manufacturer', 'Maker.'),
    text('processor_type', 'Kind of processor; always Central Processor.'),
    integer('cpu_status', 'State, 1 for enabled.'),
    text('number_of_cores', 'Cores.'),
    integer('logical_processors', 'Logical processors.'),
    text('address_width', 'Bits of an address: 32 or 64.'),
    load(integer('current_clock_speed', 'Frequency now in MHz.')),
    integer('max_clock_speed', 'Highest frequency in MHz, where the kernel knows it.'),
    text('socket_designation', 'Name of the socket on the board; NULL here.', { unset: true }),
    elsewhere('windows', text('availability', 'Availability and state')),
    elsewhere('windows', integer('load_percentage', 'How busy it is')),
    elsewhere('darwin', integer('number_of_efficiency_cores', 'Efficiency cores')),
    elsewhere('darwin', integer('number_of_performance_cores', 'Performance cores')),
  ],
  collect(context): Row[] {
    const cpus = readCpus(context);
    if (cpus.length === 0) throw new TableError('/proc/cpuinfo names no processor');
    const sockets = new Map<string, Map<string, string>[]>();
    for (const cpu of cpus) {
      const socket = cpu.get('physical id') ?? '0';
      sockets.set(socket, [...(sockets.get(socket) ?? []), cpu]);
    }
    return [...sockets].map(([socket, members]) => socketRow(context, socket, members));
  },
};

function socketRow(context: Rooted, socket: string, cpus: readonly Map<string, string>[]): Row {
  const first = cpus[0]!;
  const cores = new Set(cpus.map((cpu, index) => cpu.get('core id') ?? String(index)));
  const flags = first.get('flags')?.split(' ') ?? [];
  return {
    device_id: `CPU${socket}`,
    model: first.get('model name') ?? null,
    manufacturer: first.get('vendor_id') ?? first.get('CPU implementer') ?? null,
    processor_type: 'Central Processor',
    cpu_status: 1,
    number_of_cores: String(cores.size),
    logical_processors: cpus.length,
    address_width: flags.includes('lm') || process.arch.endsWith('64') ? '64' : '32',
    current_clock_speed: currentMegahertz(context, first),
    max_clock_speed: megahertz(context, first, 'cpuinfo_max_freq'),
  };
}

function currentMegahertz(context: Rooted, cpu: Map<string, string>): number | null {
  const shown = Number(cpu.get('cpu MHz'));
  return Number.isFinite(shown) ? Math.round(shown) : megahertz(context, cpu, 'scaling_cur_freq');
}

/** cpufreq counts in kHz. */
function megahertz(context: Rooted, cpu: Map<string, string>, file: string): number | null {
  const path = `/sys/devices/system/cpu/cpu${cpu.get('processor')}/cpufreq/${file}`;
  const kilohertz = integerOrNull(readAttribute(context, path));
  return kilohertz === null ? null : Math.round(Number(kilohertz) / 1000);
}
