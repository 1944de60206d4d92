/** extended_attributes: what file systems keep beside files, xattr(7). */
import { spawnSync } from 'node:child_process';

import { integer, text } from '../lib/columns.ts';
import { lines } from '../lib/text.ts';
import { TableError, type CollectContext, type LookupTable, type Row } from '../types.ts';
import { askedPaths, type AskedPath } from './asked-paths.ts';

export const extendedAttributes: LookupTable = {
  name: 'extended_attributes',
  description:
    'Extended attributes of files by path or directory, access lists, capabilities and SELinux labels ' +
    'included, by the program getfattr (package attr); of a link those of the link itself.',
  kind: 'lookup',
  cost: 'expensive',
  key: ['path', 'key'],
  columns: [
    text('path', 'Absolute path.', { required: true }),
    text('directory', 'Folder the file is in; constrain it to look at a folder.', {
      required: true,
    }),
    text('key', 'Name of the attribute with its namespace, as user.comment.'),
    text('value', 'Its value, in base64 where it is no text.'),
    integer('base64', '1 if the value is in base64, else 0.'),
  ],
  *lookup(context) {
    let batch: AskedPath[] = [];
    for (const asked of askedPaths(context, 'extended_attributes')) {
      batch.push(asked);
      if (batch.length < BATCH) continue;
      yield* attributesOf(context, batch);
      batch = [];
    }
    if (batch.length > 0) yield* attributesOf(context, batch);
  },
};

/** Names go as arguments, so no shell reads them; asking for attributes opens no file. */
function* attributesOf(context: CollectContext, batch: readonly AskedPath[]): Generator<Row> {
  context.signal.throwIfAborted();
  const paths = batch.map(({ path }) => path.raw.toString('utf8'));
  const { stdout, stderr, error } = spawnSync('getfattr', [...OPTIONS, '--', ...paths], {
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_MAX,
    encoding: 'latin1',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
  });
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT')
    throw new TableError('getfattr is not installed on this host; install package attr');
  if (error !== undefined)
    throw new TableError(`getfattr did not end as it should: ${error.message}`, { cause: error });
  const refused = lines(stderr).find((line) => /denied|permitted/.test(line));
  if (refused !== undefined) context.warn(Buffer.from(refused, 'latin1').toString('utf8'));
  const askedBy = new Map(batch.map((asked) => [asked.path.raw.toString('latin1'), asked]));
  for (const { file, key, value } of parseAttributes(stdout)) {
    const asked = askedBy.get(file);
    if (asked === undefined) continue;
    yield { path: asked.path.text, directory: asked.directory, key, ...shown(value) };
  }
}

/** `# file: NAME`, then `key=0sBASE64` for each; names as bytes in Latin-1. */
export function* parseAttributes(
  output: string,
): Generator<{ file: string; key: string; value: Buffer }> {
  let file = '';
  for (const line of lines(output)) {
    if (line.startsWith('# file: ')) {
      file = unescape(line.slice('# file: '.length));
      continue;
    }
    const at = line.lastIndexOf('=0s');
    // One without a value has no `=`.
    const [name, base64] = at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 3)];
    const key = Buffer.from(unescape(name), 'latin1').toString('utf8');
    yield { file, key, value: Buffer.from(base64, 'base64') };
  }
}

/** Three octal digits for line ends, backslashes and the like. */
function unescape(name: string): string {
  return name.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(parseInt(digits, 8)),
  );
}

/** A text if it is one without control characters. */
function shown(value: Buffer): Row {
  const content = value.toString('utf8');
  const isText = Buffer.from(content).equals(value) && !/[\0-\x08\x0e-\x1f\x7f]/.test(content);
  return isText ? { value: content, base64: 0 } : { value: value.toString('base64'), base64: 1 };
}

const OPTIONS = [
  '--dump',
  '--match=-',
  '--encoding=base64',
  '--absolute-names',
  '--no-dereference',
];
/** Arguments of a program may take 128 KiB each and 2 MiB together. */
const BATCH = 100;
const TIMEOUT_MS = 2_000;
const OUTPUT_MAX = 16 * 1024 * 1024;
