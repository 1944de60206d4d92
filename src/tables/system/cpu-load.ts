/** cpu_load: what each processor did over a second. */
import { setTimeout as sleep } from 'node:timers/promises';

import { double, integer, load } from '../lib/columns.ts';
import { requireText, type Rooted } from '../lib/files.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const cpuLoad: SnapshotTable = {
  kind: 'snapshot',
  name: 'cpu_load',
  description:
    'What each core did over a second, in percent: /proc/stat read twice, so a query takes a second. See ' +
    'cpu_time for what they did since the start.',
  cost: 'expensive',
  beyondOsquery: true,
  key: ['core'],
  columns: [
    load(integer('core', 'Number of the core.')),
    load(double('busy', 'All but idle and iowait.')),
    ...stateColumns().map(([name, doc]) => load(double(name, doc))),
  ],
  async collect(context): Promise<Row[]> {
    const before = readCores(context);
    await sleep(INTERVAL_MS, undefined, { signal: context.signal });
    return coreRows(before, readCores(context));
  },
};

/** Core to its ticks, in the order of proc_stat(5). */
export type CoreTicks = ReadonlyMap<number, readonly number[]>;

function readCores(context: Rooted): CoreTicks {
  return parseCores(requireText(context, '/proc/stat'));
}

/** The lines `cpu0 1 2 3 ..` of /proc/stat. */
export function parseCores(stat: string): CoreTicks {
  return new Map(
    [...stat.matchAll(/^cpu(\d+) +(.*)$/gm)].map(([, core, ticks]) => [
      Number(core),
      ticks!.split(' ').map(Number),
    ]),
  );
}

export function coreRows(before: CoreTicks, after: CoreTicks): Row[] {
  return [...after].flatMap(([core, now]): Row[] => {
    const then = before.get(core);
    if (then === undefined) return [];
    // Guests' time is in that of user and nice already. iowait may go back a little.
    const spent = stateColumns().map((_, at) => Math.max((now[at] ?? 0) - (then[at] ?? 0), 0));
    const total = spent.reduce((sum, ticks) => sum + ticks, 0);
    if (total === 0) return [];
    const percent = (ticks: number): number => Math.round((1e5 * ticks) / total) / 1e3;
    const row: Row = { core, busy: percent(total - spent[IDLE]! - spent[IOWAIT]!) };
    for (const [at, [name]] of stateColumns().entries()) row[name] = percent(spent[at]!);
    return [row];
  });
}

/** In the order of proc_stat(5); a function, as the table's declaration stands above. */
function stateColumns(): readonly (readonly [string, string])[] {
  return [
    ['user', 'In programs.'],
    ['nice', 'In programs of low priority.'],
    ['system', 'In the kernel.'],
    ['idle', 'Doing nothing.'],
    ['iowait', 'Doing nothing while a disk was waited for.'],
    ['irq', 'Serving interrupts.'],
    ['softirq', 'Serving what interrupts put off.'],
    ['steal', 'Waiting for the hypervisor, which ran other machines.'],
  ];
}

const IDLE = 3;
const IOWAIT = 4;
const INTERVAL_MS = 1_000;
