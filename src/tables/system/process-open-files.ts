import { bigint, text } from '../lib/columns.ts';
import { eqIntegers } from '../lib/constraints.ts';
import { descriptorsOf, pidsOf, warnOthersHidden } from '../lib/proc.ts';
import type { LookupTable, Row } from '../types.ts';

export const processOpenFiles: LookupTable = {
  kind: 'lookup',
  name: 'process_open_files',
  description:
    'Files that processes have open; sockets, pipes and the like are in tables of their own.',
  cost: 'moderate',
  key: ['pid', 'fd'],
  columns: [
    bigint('pid', 'Process id.', { index: true }),
    bigint('fd', 'File descriptor.'),
    text('path', 'Path of the file; ends with " (deleted)" once it is.'),
  ],
  *lookup(context): Generator<Row> {
    if (eqIntegers(context, 'pid') === undefined) warnOthersHidden(context, 'open files');
    for (const pid of pidsOf(context)) {
      for (const { fd, target } of descriptorsOf(context, pid)) {
        if (target.startsWith('/')) yield { pid, fd, path: target };
      }
    }
  },
};
