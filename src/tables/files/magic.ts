/** magic: what the content of a file looks like, as file(1) tells. */
import { spawnSync } from 'node:child_process';

import { text } from '../lib/columns.ts';
import { eqTexts, wants } from '../lib/constraints.ts';
import { type CollectContext, type LookupTable, type Row, TableAbsentError } from '../types.ts';
import { askedPaths } from './asked-paths.ts';
import { statOrNone, type HostPath } from './host-path.ts';

export const magic: LookupTable = {
  name: 'magic',
  description: 'What the content of regular files looks like, as the program file(1) tells it.',
  kind: 'lookup',
  cost: 'expensive',
  key: ['path'],
  columns: [
    text('path', 'Absolute path.', { required: true, index: true }),
    text('magic_db_files', 'Databases to use, parted by colons; those of file(1) unless given.', {
      additional: true,
      steers: true,
    }),
    text('data', 'Description of the content.'),
    text('mime_type', 'MIME type of the content.'),
    text('mime_encoding', 'Character encoding of the content.'),
  ],
  *lookup(context) {
    const [databases = ''] = eqTexts(context, 'magic_db_files') ?? [];
    for (const { path } of askedPaths(context, 'magic')) {
      if (!statOrNone(path)?.isFile()) continue;
      context.signal.throwIfAborted();
      yield { path: path.text, magic_db_files: databases, ...look(context, path, databases) };
    }
  },
};

function look(context: CollectContext, path: HostPath, databases: string): Row {
  const row: Row = {};
  if (wants(context, 'data')) row.data = runFile(path, databases, []);
  if (wants(context, 'mime_type', 'mime_encoding')) {
    const mime = runFile(path, databases, ['--mime']);
    const match = /^(\S+); charset=(\S+)$/.exec(mime ?? '');
    row.mime_type = match?.[1] ?? null;
    row.mime_encoding = match?.[2] ?? null;
  }
  return row;
}

/** NULL where it cannot tell in time. The path is an argument, so no shell reads it. */
function runFile(path: HostPath, databases: string, options: readonly string[]): string | null {
  const chosen = databases === '' ? [] : ['--magic-file', databases];
  const args = ['--brief', '-E', ...options, ...chosen, '--', path.raw.toString('utf8')];
  const { status, stdout, error } = spawnSync('file', args, {
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_MAX,
    encoding: 'utf8',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
  });
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
    throw new TableAbsentError(
      'the program file is not installed on this host; install it for table magic',
    );
  }
  return status === 0 ? stdout.trimEnd() : null;
}

const TIMEOUT_MS = 2_000;
const OUTPUT_MAX = 64 * 1024;
