import { load, text } from '../lib/columns.ts';
import { requireText } from '../lib/files.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const loadAverage: SnapshotTable = {
  kind: 'snapshot',
  name: 'load_average',
  description: 'Processes running or waiting to run, averaged over 1, 5 and 15 minutes.',
  cost: 'cheap',
  key: ['period'],
  columns: [
    load(text('period', 'What is averaged over: 1m, 5m or 15m.')),
    load(text('average', 'The average, a decimal fraction.')),
  ],
  collect(context): Row[] {
    const averages = requireText(context, '/proc/loadavg').split(' ');
    return ['1m', '5m', '15m'].map((period, index) => ({
      period,
      average: averages[index] ?? null,
    }));
  },
};
