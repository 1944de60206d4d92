import { pidWithNamespace, text } from '../lib/columns.ts';
import { requireText } from '../lib/files.ts';
import { fields, lines, withoutComment } from '../lib/text.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const etcHosts: SnapshotTable = {
  kind: 'snapshot',
  name: 'etc_hosts',
  aliases: ['hosts'],
  description: 'The lines of /etc/hosts.',
  cost: 'cheap',
  key: ['address', 'hostnames'],
  columns: [
    text('address', 'IP address.'),
    text('hostnames', 'The names it stands for, separated by blanks.'),
    pidWithNamespace(),
  ],
  collect(context): Row[] {
    return lines(requireText(context, '/etc/hosts'))
      .map((line) => fields(withoutComment(line)))
      .filter((words) => words.length > 0)
      .map(([address, ...names]) => ({ address: address!, hostnames: names.join(' ') }));
  },
};
