import { bigint, integer, load } from '../lib/columns.ts';
import { requireText } from '../lib/files.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { lines } from '../lib/text.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const cpuTime: SnapshotTable = {
  kind: 'snapshot',
  name: 'cpu_time',
  description: 'What each core spent its time on since the start, in ticks of 1/100 s.',
  cost: 'cheap',
  key: ['core'],
  columns: [
    load(integer('core', 'Number of the core.')),
    load(bigint('user', 'Programs.')),
    load(bigint('nice', 'Programs of low priority.')),
    load(bigint('system', 'The kernel.')),
    load(bigint('idle', 'Nothing.')),
    load(bigint('iowait', 'Waiting for input and output.')),
    load(bigint('irq', 'Interrupts.')),
    load(bigint('softirq', 'Deferred work of interrupts.')),
    load(bigint('steal', 'Other virtual machines.')),
    load(bigint('guest', 'Guests of this machine.')),
    load(bigint('guest_nice', 'Guests of low priority.')),
  ],
  collect(context): Row[] {
    return lines(requireText(context, '/proc/stat')).flatMap((line) => {
      const match = /^cpu(\d+) (.*)$/.exec(line);
      if (match === null) return [];
      const ticks = match[2]!.split(' ').map(integerOrNull);
      const row: Row = { core: Number(match[1]) };
      for (const [index, name] of STATES.entries()) row[name] = ticks[index] ?? null;
      return [row];
    });
  },
};

/** In the order of proc_stat(5). */
const STATES = [
  'user',
  'nice',
  'system',
  'idle',
  'iowait',
  'irq',
  'softirq',
  'steal',
  'guest',
  'guest_nice',
];
