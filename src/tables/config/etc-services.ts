/** etc_services: names of ports. */
import { integer, text } from '../lib/columns.ts';
import { requireText } from '../lib/files.ts';
import { fields, lines } from '../lib/text.ts';
import type { SnapshotTable } from '../types.ts';

export const etcServices: SnapshotTable = {
  name: 'etc_services',
  description: 'Names of network services, from services(5).',
  kind: 'snapshot',
  cost: 'cheap',
  key: ['name', 'port', 'protocol'],
  columns: [
    text('name', 'Name of the service.'),
    integer('port', 'Port number.'),
    text('protocol', 'Transport, as tcp or udp.'),
    text('aliases', 'Other names, parted by blanks.'),
    text('comment', 'Comment on the line.'),
  ],
  collect: (context) =>
    lines(requireText(context, '/etc/services')).flatMap((line) => {
      const { words, comment } = splitComment(line);
      const [name, where = '', ...aliases] = words;
      const match = /^(\d{1,5})\/(\S+)$/.exec(where);
      if (name === undefined || match === null) return [];
      const [, port, protocol] = match;
      return [{ name, port: Number(port), protocol, aliases: aliases.join(' '), comment }];
    }),
};

/** The words of a line, and what stands behind its #. */
export function splitComment(line: string): { words: string[]; comment: string } {
  const at = line.indexOf('#');
  if (at < 0) return { words: fields(line), comment: '' };
  return { words: fields(line.slice(0, at)), comment: line.slice(at + 1).trim() };
}
