/** rpm_package_files: the files that packages of rpm brought. */
import { spawnSync } from 'node:child_process';

import { bigint, text } from '../lib/columns.ts';
import { eqTexts } from '../lib/constraints.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { perQuery } from '../lib/per-query.ts';
import { lines } from '../lib/text.ts';
import { TableError, type CollectContext, type LookupTable, type Row } from '../types.ts';
import { requireRpmDatabase } from './rpm-database.ts';

export const rpmPackageFiles: LookupTable = {
  name: 'rpm_package_files',
  description:
    'Files and folders that packages in rpm’s database own, as rpm(8) lists them; those of a whole system ' +
    'take rpm seconds, so name a package or a path.',
  kind: 'lookup',
  cost: 'expensive',
  key: ['package', 'path'],
  columns: [
    text('package', 'Name of the package.', { index: true }),
    text('path', 'Path of the file.', { index: true }),
    text('username', 'User the package gives the file to.'),
    text('groupname', 'Group the package gives the file to.'),
    text('mode', 'Permissions it comes with, octal.'),
    bigint('size', 'Size in bytes.'),
    text('sha256', 'SHA-256 of its content; empty for folders, links and older digests.', {
      collate: 'nocase',
    }),
  ],
  *lookup(context) {
    const database = databaseOf(context);
    const [name] = eqTexts(context, 'package') ?? [];
    const [path] = eqTexts(context, 'path') ?? [];
    if (path !== undefined && !path.startsWith('/')) return;
    const seen = new Set<string>();
    for (const row of parseRpmFiles(askRpm(context, database, name, path))) {
      if (path !== undefined && row.path !== path) continue;
      const key = `${String(row.package)}\0${String(row.path)}`;
      // Several versions, as of kernels, or architectures of a package share files.
      if (seen.has(key)) continue;
      seen.add(key);
      yield row;
    }
  },
};

/** Lines in the order of FORMAT; what rpm says of packages that are not there is none of them. */
export function parseRpmFiles(output: string): Row[] {
  return lines(output).flatMap((line) => {
    const [name, username, groupname, mode, size, digest, ...rest] = line.split('\t');
    if (rest.length === 0) return [];
    return {
      package: name,
      // The last, as names may have tabs in them.
      path: rest.join('\t'),
      username,
      groupname,
      mode: (parseInt(mode!, 8) & 0o7777).toString(8).padStart(4, '0'),
      size: integerOrNull(size),
      sha256: digest!.length === SHA256_LENGTH ? digest : '',
    };
  });
}

/** Where the database is, and so what is warned of, is found once a query. */
const databaseOf = perQuery((context: CollectContext) => requireRpmDatabase(context));

/** The names are arguments, so no shell reads them. */
function askRpm(
  context: CollectContext,
  database: readonly string[],
  name: string | undefined,
  path: string | undefined,
): string {
  const whom = name !== undefined ? ['--', name] : path !== undefined ? ['-f', '--', path] : ['-a'];
  const { status, stdout, stderr, error } = spawnSync(
    'rpm',
    [...database, '-q', '--queryformat', FORMAT, ...whom],
    {
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: OUTPUT_MAX,
      encoding: 'utf8',
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
    },
  );
  context.signal.throwIfAborted();
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOENT')
    throw new TableError('the program rpm is not installed on this host; install package rpm');
  if (error !== undefined)
    throw new TableError(
      `rpm -q did not end within ${TIMEOUT_MS} ms and ${OUTPUT_MAX} bytes; name a package or a path`,
      { cause: error },
    );
  // It fails as well when there is no such package or nobody owns the file: then there is no row.
  const failed = status !== 0 && whom.length === 1;
  if (failed) throw new TableError(`rpm -qa failed: ${lines(stderr)[0] ?? `exit ${status}`}`);
  return stdout;
}

const FORMAT = `[${[
  '=NAME',
  'FILEUSERNAME',
  'FILEGROUPNAME',
  'FILEMODES:octal',
  'FILESIZES',
  'FILEDIGESTS',
  'FILENAMES',
]
  .map((tag) => `%{${tag}}`)
  .join('\\t')}\\n]`;

const SHA256_LENGTH = 64;
const TIMEOUT_MS = 4_500;
const OUTPUT_MAX = 128 * 1024 * 1024;
