/** python_packages: what pip and the distribution have installed for Python. */
import { homes } from '../accounts/homes.ts';
import { bigint, pidWithNamespace, text } from '../lib/columns.ts';
import { eqTexts } from '../lib/constraints.ts';
import { listDir, readText } from '../lib/files.ts';
import { globPaths } from '../lib/glob.ts';
import type { CollectContext, Row, SnapshotTable } from '../types.ts';

export const pythonPackages: SnapshotTable = {
  name: 'python_packages',
  description:
    "Python packages in the system's folders and in the homes of users, or in the folder that the " +
    'query gives as directory.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['path'],
  columns: [
    text('name', 'Name of the package.', { unset: true }),
    bigint('uid', 'User id of the home it is in; 0 for the system.', { index: true }),
    text('version', 'Version of the package.', { unset: true, collate: 'version' }),
    text('summary', 'What it says it is.', { unset: true }),
    text('author', 'Its author.', { unset: true }),
    text('license', 'Its licence.', { unset: true }),
    text('path', 'Path of its metadata.'),
    text('directory', 'Folder it is installed in.', { index: true, steers: true }),
    pidWithNamespace(),
  ],
  collect: (context) =>
    sites(context).flatMap(({ directory, uid }) =>
      listDir(context, directory)
        .filter((name) => /\.(dist|egg)-info$/.test(name))
        .flatMap((name) => toRow(context, directory, name, uid)),
    ),
};

interface Site {
  readonly directory: string;
  readonly uid: number;
}

function sites(context: CollectContext): Site[] {
  const named = eqTexts(context, 'directory');
  if (named !== undefined) return named.map((directory) => ({ directory, uid: 0 }));
  const system = SYSTEM.flatMap((pattern) => [...globPaths(context, pattern)]);
  return [
    ...system.map((directory) => ({ directory, uid: 0 })),
    ...homes(context).flatMap(({ uid, path }) =>
      HOME.flatMap((pattern) =>
        [...globPaths(context, path + pattern)].map((directory) => ({ directory, uid })),
      ),
    ),
  ];
}

/** A folder with METADATA or PKG-INFO in it; old distutils wrote the egg-info as one file. */
function toRow(context: CollectContext, directory: string, name: string, uid: number): Row[] {
  const path = `${directory.replace(/\/+$/, '')}/${name}`;
  const inner = name.endsWith('.dist-info') ? 'METADATA' : 'PKG-INFO';
  const content = readText(context, `${path}/${inner}`) ?? readText(context, path);
  if (content === undefined) return [];
  const headers = readHeaders(content);
  return [
    {
      name: headers.get('name'),
      uid,
      version: headers.get('version'),
      summary: headers.get('summary'),
      author: headers.get('author'),
      license: headers.get('license') ?? headers.get('license-expression'),
      path,
      directory,
    },
  ];
}

/** The first value of each field of a mail-like header, which ends at an empty line. */
function readHeaders(content: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of content.split(/\r?\n/)) {
    if (line === '') break;
    const match = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
    const field = match?.[1]?.toLowerCase();
    if (field !== undefined && !headers.has(field)) headers.set(field, match![2]!.trim());
  }
  return headers;
}

const SYSTEM = [
  '/usr/lib/python%/dist-packages',
  '/usr/lib/python%/site-packages',
  '/usr/lib64/python%/site-packages',
  '/usr/local/lib/python%/dist-packages',
  '/usr/local/lib/python%/site-packages',
];
const HOME = ['/.local/lib/python%/site-packages', '/.pyenv/versions/%/lib/python%/site-packages'];
