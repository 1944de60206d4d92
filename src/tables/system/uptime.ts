import { bigint, integer, load } from '../lib/columns.ts';
import { requireText } from '../lib/files.ts';
import { TableError, type Row, type SnapshotTable } from '../types.ts';

export const uptime: SnapshotTable = {
  kind: 'snapshot',
  name: 'uptime',
  description: 'Time since the machine started, one row.',
  cost: 'cheap',
  key: [],
  columns: [
    load(integer('days', 'Whole days.')),
    load(integer('hours', 'Whole hours beyond the days.')),
    load(integer('minutes', 'Whole minutes beyond the hours.')),
    load(integer('seconds', 'Seconds beyond the minutes.')),
    load(bigint('total_seconds', 'The whole time in seconds.')),
  ],
  collect(context): Row[] {
    const total = Math.floor(Number(requireText(context, '/proc/uptime').split(' ')[0]));
    if (!Number.isSafeInteger(total)) throw new TableError('/proc/uptime holds no number');
    return [
      {
        days: Math.floor(total / 86_400),
        hours: Math.floor(total / 3_600) % 24,
        minutes: Math.floor(total / 60) % 60,
        seconds: total % 60,
        total_seconds: total,
      },
    ];
  },
};
