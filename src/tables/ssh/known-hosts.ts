/** known_hosts: servers that users have met by ssh. */
import { fromHomes } from '../accounts/homes.ts';
import { bigint, text } from '../lib/columns.ts';
import { lines } from '../lib/text.ts';
import type { LookupTable } from '../types.ts';

export const knownHosts: LookupTable = {
  name: 'known_hosts',
  description:
    "Lines of the users' known_hosts files. All users' unless the query names a uid " +
    '(osquery: only those of the user it runs as).',
  kind: 'lookup',
  cost: 'cheap',
  key: ['uid', 'key', 'key_file'],
  columns: [
    bigint('uid', 'User id of the owner of the file.', { index: true }),
    text('key', 'The line: host names (or their digest), type and key.'),
    text('key_file', 'The file it stands in.'),
  ],
  lookup: (context) =>
    fromHomes(context, function* ({ uid }, files) {
      const name = '.ssh/known_hosts';
      for (const line of lines(files.text(name) ?? '')) {
        const key = line.trim();
        if (key !== '' && !key.startsWith('#')) yield { uid, key, key_file: files.path(name) };
      }
    }),
};
