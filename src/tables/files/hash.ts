/** hash: digests of files' content. */
import { mountNamespaceId, pidWithNamespace, text } from '../lib/columns.ts';
import { describeCode } from '../lib/files.ts';
import type { CollectContext, LookupTable, Row } from '../types.ts';
import { askedPaths, type AskedPath } from './asked-paths.ts';
import { digestFile, type Algorithm } from './digest.ts';
import { statOrNone } from './host-path.ts';
import { Misses } from './misses.ts';

export const hash: LookupTable = {
  name: 'hash',
  description:
    'Digests of the content of regular files, by path or directory; only those that are asked for are computed.',
  kind: 'lookup',
  cost: 'expensive',
  key: ['path'],
  columns: [
    text('path', 'Absolute path.', { required: true, index: true }),
    text('directory', 'Folder the file is in; constrain it to hash a folder.', { required: true }),
    text('md5', 'MD5 of the content; empty if it cannot be read or is over 1 GiB.', {
      collate: 'nocase',
    }),
    text('sha1', 'SHA-1 of the content; empty if it cannot be read or is over 1 GiB.', {
      collate: 'nocase',
    }),
    text('sha256', 'SHA-256 of the content; empty if it cannot be read or is over 1 GiB.', {
      collate: 'nocase',
    }),
    pidWithNamespace(),
    mountNamespaceId(),
  ],
  *lookup(context) {
    const algorithms = ALGORITHMS.filter((name) => context.columns.has(name));
    const misses = new Misses(context);
    try {
      for (const asked of askedPaths(context, 'hash')) {
        if (statOrNone(asked.path)?.isFile()) yield hashRow(context, asked, algorithms, misses);
      }
    } finally {
      misses.report();
    }
  },
};

function hashRow(
  context: CollectContext,
  { path, directory }: AskedPath,
  algorithms: readonly Algorithm[],
  misses: Misses,
): Row {
  const names = { path: path.text, directory };
  if (algorithms.length === 0) return names;
  const result = digestFile(path, algorithms, context.signal);
  if (result.ok) return { ...names, ...result.digests };
  misses.add(path.text, `not hashed: ${CODE_WORDS[result.code] ?? describeCode(result.code)}`);
  return names;
}

const ALGORITHMS: readonly Algorithm[] = ['md5', 'sha1', 'sha256'];
const CODE_WORDS: Readonly<Record<string, string>> = { EFBIG: 'it is over 1 GiB' };
