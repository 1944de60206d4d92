/** etc_protocols: names of internet protocols. */
import { integer, text } from '../lib/columns.ts';
import { requireText } from '../lib/files.ts';
import { lines } from '../lib/text.ts';
import type { SnapshotTable } from '../types.ts';
import { splitComment } from './etc-services.ts';

export const etcProtocols: SnapshotTable = {
  name: 'etc_protocols',
  description: 'Names of internet protocols, from protocols(5).',
  kind: 'snapshot',
  cost: 'cheap',
  key: ['name', 'number'],
  columns: [
    text('name', 'Name of the protocol.'),
    integer('number', 'Number in the header of IP.'),
    text('alias', 'Other names, parted by blanks.'),
    text('comment', 'Comment on the line.'),
  ],
  collect: (context) =>
    lines(requireText(context, '/etc/protocols')).flatMap((line) => {
      const { words, comment } = splitComment(line);
      const [name, number = '', ...aliases] = words;
      if (name === undefined || !/^\d{1,3}$/.test(number)) return [];
      return [{ name, number: Number(number), alias: aliases.join(' '), comment }];
    }),
};
