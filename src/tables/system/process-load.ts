/** process_load: what each process takes of the processors and disks over a second. */
import { setTimeout as sleep } from 'node:timers/promises';

import { double, integer, load, text } from '../lib/columns.ts';
import { readText } from '../lib/files.ts';
import { allPids, readStat, TICKS_PER_SECOND, warnOthersHidden } from '../lib/proc.ts';
import { doubleOrNull } from '../lib/numbers.ts';
import { wants } from '../lib/constraints.ts';
import type { CollectContext, Row, SnapshotTable } from '../types.ts';

export const processLoad: SnapshotTable = {
  kind: 'snapshot',
  name: 'process_load',
  description:
    'What each process took of the processors and disks over a second: /proc read twice, so a query takes ' +
    'a second. Processes that began or ended in between are left out.',
  cost: 'expensive',
  beyondOsquery: true,
  key: ['pid'],
  columns: [
    load(integer('pid', 'Process id.')),
    load(text('name', 'Name the kernel keeps.')),
    load(double('cpu_percent', 'Time on processors, 100 for all of one.')),
    load(double('user_percent', 'Of that, in the program.')),
    load(double('system_percent', 'Of that, in the kernel for it.')),
    load(double('read_rate', 'Bytes a second read from storage; NULL where it may not be seen.')),
    load(double('write_rate', 'Bytes a second written to storage; NULL where it may not be seen.')),
    load(double('seconds', 'How long the two readings were apart.')),
  ],
  async collect(context): Promise<Row[]> {
    const io = wants(context, 'read_rate', 'write_rate');
    if (io) warnOthersHidden(context, 'reads and writes');
    const before = readAll(context, io);
    await sleep(INTERVAL_MS, undefined, { signal: context.signal });
    const after = readAll(context, io);
    return loadRows(before, after);
  },
};

export interface Reading {
  /** Milliseconds of a clock that only goes on. */
  readonly at: number;
  readonly name: string;
  /** When it started, which tells it from another that was given its pid. */
  readonly started: string;
  readonly userTicks: number;
  readonly systemTicks: number;
  /** Bytes so far; null where they are not seen. */
  readonly read: number | null;
  readonly written: number | null;
}

function readAll(context: CollectContext, io: boolean): Map<number, Reading> {
  const readings = new Map<number, Reading>();
  for (const pid of allPids(context)) {
    const stat = readStat(context, pid);
    if (stat === undefined) continue;
    const counts = io ? (readText(context, `/proc/${pid}/io`) ?? '') : '';
    const bytes = (name: string): number | null =>
      doubleOrNull(new RegExp(`^${name}: (\\d+)$`, 'm').exec(counts)?.[1]);
    readings.set(pid, {
      at: performance.now(),
      name: stat.name,
      started: stat.field(22),
      userTicks: Number(stat.field(14)),
      systemTicks: Number(stat.field(15)),
      read: bytes('read_bytes'),
      written: bytes('write_bytes'),
    });
  }
  return readings;
}

/** Each by the time between its own two readings, as reading thousands takes a while. */
export function loadRows(
  before: ReadonlyMap<number, Reading>,
  after: ReadonlyMap<number, Reading>,
): Row[] {
  const rows: Row[] = [];
  for (const [pid, now] of after) {
    const then = before.get(pid);
    if (then === undefined || then.started !== now.started) continue;
    const seconds = (now.at - then.at) / 1000;
    const percent = (ticks: number): number => rounded((100 * ticks) / TICKS_PER_SECOND / seconds);
    const rate = (from: number | null, to: number | null): number | null =>
      from === null || to === null ? null : rounded((to - from) / seconds);
    const user = now.userTicks - then.userTicks;
    const system = now.systemTicks - then.systemTicks;
    rows.push({
      pid,
      name: now.name,
      cpu_percent: percent(user + system),
      user_percent: percent(user),
      system_percent: percent(system),
      read_rate: rate(then.read, now.read),
      write_rate: rate(then.written, now.written),
      seconds: rounded(seconds),
    });
  }
  return rows;
}

/** To three places: more would feign what ticks of 10 ms do not know. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

const INTERVAL_MS = 1_000;
