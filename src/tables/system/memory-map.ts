import { text } from '../lib/columns.ts';
import { requireText } from '../lib/files.ts';
import { lines } from '../lib/text.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const memoryMap: SnapshotTable = {
  kind: 'snapshot',
  name: 'memory_map',
  description: 'What the physical address space is used for; addresses are zero unless root asks.',
  cost: 'cheap',
  key: ['name', 'start', 'end'],
  columns: [
    text('name', 'Use of the region.'),
    text('start', 'First address, 0x and hexadecimal.'),
    text('end', 'Last address, 0x and hexadecimal.'),
  ],
  collect(context): Row[] {
    const rows = lines(requireText(context, '/proc/iomem')).flatMap((line) => {
      const match = /^ *([0-9a-f]+)-([0-9a-f]+) : (.*)$/.exec(line);
      return match === null
        ? []
        : [{ name: match[3]!, start: `0x${match[1]}`, end: `0x${match[2]}` }];
    });
    if (rows.every((row) => /^0x0+$/.test(row.end))) {
      context.warn('not root: the addresses of memory_map are hidden');
    }
    return rows;
  },
};
