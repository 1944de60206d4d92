import { bigint, load } from '../lib/columns.ts';
import { requireText, type Rooted } from '../lib/files.ts';
import { keyValues } from '../lib/text.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const memoryInfo: SnapshotTable = {
  kind: 'snapshot',
  name: 'memory_info',
  description: 'Main memory and swap in bytes, one row, from /proc/meminfo.',
  cost: 'cheap',
  key: [],
  columns: [
    bigint('memory_total', 'Memory the kernel manages.'),
    load(bigint('memory_free', 'Memory nobody uses.')),
    load(bigint('memory_available', 'Memory that new programs can get without swapping.')),
    load(bigint('buffers', 'Memory that buffers block devices.')),
    load(bigint('cached', 'Memory that caches files.')),
    load(bigint('swap_cached', 'Swapped memory that is in memory as well.')),
    load(bigint('active', 'Cache and anonymous memory used lately.')),
    load(bigint('inactive', 'Cache and anonymous memory not used lately.')),
    bigint('swap_total', 'Size of swap.'),
    load(bigint('swap_free', 'Swap nobody uses.')),
  ],
  collect(context): Row[] {
    const values = readMeminfo(context);
    return [
      Object.fromEntries(
        Object.entries(SOURCES).map(([column, key]) => [column, values.get(key) ?? null]),
      ),
    ];
  },
};

/** /proc/meminfo in bytes. */
export function readMeminfo(context: Rooted): Map<string, number> {
  const values = new Map<string, number>();
  for (const [key, value] of keyValues(requireText(context, '/proc/meminfo'), ':')) {
    const match = /^(\d+)( kB)?$/.exec(value);
    if (match !== null) values.set(key, Number(match[1]) * (match[2] === undefined ? 1 : 1024));
  }
  return values;
}

const SOURCES: Readonly<Record<string, string>> = {
  memory_total: 'MemTotal',
  memory_free: 'MemFree',
  memory_available: 'MemAvailable',
  buffers: 'Buffers',
  cached: 'Cached',
  swap_cached: 'SwapCached',
  active: 'Active',
  inactive: 'Inactive',
  swap_total: 'SwapTotal',
  swap_free: 'SwapFree',
};
