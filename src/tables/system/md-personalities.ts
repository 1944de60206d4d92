import { text } from '../lib/columns.ts';
import { readMdstat } from '../lib/mdstat.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const mdPersonalities: SnapshotTable = {
  kind: 'snapshot',
  name: 'md_personalities',
  description: 'Kinds of software RAID that the kernel has loaded.',
  cost: 'cheap',
  key: ['name'],
  columns: [text('name', 'Name of the kind, e.g. raid1.')],
  collect(context): Row[] {
    return readMdstat(context).personalities.map((name) => ({ name }));
  },
};
