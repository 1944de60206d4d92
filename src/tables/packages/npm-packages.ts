/** npm_packages: Node packages installed for all, or in a folder a query names. */
import { integer, mountNamespaceId, pidWithNamespace, text } from '../lib/columns.ts';
import { eqIntegers, eqTexts } from '../lib/constraints.ts';
import { listDir, readText, statOf } from '../lib/files.ts';
import { globPaths } from '../lib/glob.ts';
import { parseJson } from '../lib/json.ts';
import type { CollectContext, Row, SnapshotTable } from '../types.ts';

export const npmPackages: SnapshotTable = {
  name: 'npm_packages',
  description:
    'Node packages under node_modules of the folders for programs and of the homes, or of the ' +
    'folder that the query gives as directory.',
  kind: 'snapshot',
  cost: 'expensive',
  key: ['path'],
  columns: [
    text('name', 'Name of the package.', { unset: true }),
    text('version', 'Version of the package.', { unset: true, collate: 'version' }),
    text('description', 'What it says it is.', { unset: true }),
    text('author', 'Its author.', { unset: true }),
    text('license', 'Its licence.', { unset: true }),
    text('homepage', 'Its home page.', { unset: true }),
    text('path', 'Path of its package.json.'),
    text('directory', 'Folder whose node_modules it was found under.', {
      index: true,
      steers: true,
    }),
    integer('depth', 'How deep it is nested: 0 is a direct dependency.'),
    integer('max_depth', 'How deep to look (100 unless given, -1 for no limit).', {
      hidden: true,
      additional: true,
      steers: true,
    }),
    pidWithNamespace(),
    mountNamespaceId(),
  ],
  collect(context) {
    const [maxDepth = 100] = eqIntegers(context, 'max_depth') ?? [];
    const folders = eqTexts(context, 'directory') ?? defaultFolders(context);
    return folders.flatMap((directory) => [...packagesUnder(context, directory, maxDepth)]);
  },
};

function defaultFolders(context: CollectContext): string[] {
  const homes = HOMES.flatMap((pattern) => [...globPaths(context, pattern)]);
  return ['/usr/local/lib', '/usr/lib', ...homes];
}

/** A folder is taken once, however many links lead to it. */
function* packagesUnder(
  context: CollectContext,
  directory: string,
  maxDepth: number,
): Generator<Row> {
  const seen = new Set<string>();
  const waiting = [{ folder: directory, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    context.signal.throwIfAborted();
    const modules = `${next.folder.replace(/\/+$/, '')}/node_modules`;
    const stat = statOf(context, modules);
    if (stat === undefined || seen.has(`${stat.dev}:${stat.ino}`)) continue;
    seen.add(`${stat.dev}:${stat.ino}`);
    for (const folder of packageFolders(context, modules)) {
      const manifest = readManifest(context, `${folder}/package.json`);
      if (manifest === undefined) continue;
      const path = `${folder}/package.json`;
      yield { ...manifest, path, directory, depth: next.depth, max_depth: maxDepth };
      if (maxDepth < 0 || next.depth < maxDepth) waiting.push({ folder, depth: next.depth + 1 });
    }
  }
}

function packageFolders(context: CollectContext, modules: string): string[] {
  return listDir(context, modules).flatMap((name) =>
    name.startsWith('@')
      ? listDir(context, `${modules}/${name}`).map((inner) => `${modules}/${name}/${inner}`)
      : [`${modules}/${name}`],
  );
}

function readManifest(context: CollectContext, path: string): Row | undefined {
  const content = readText(context, path, { bytesMax: MANIFEST_BYTES_MAX });
  if (content === undefined) return undefined;
  let manifest: unknown;
  try {
    manifest = parseJson(content);
  } catch {
    return {};
  }
  return {
    name: textOf(manifest, 'name'),
    version: textOf(manifest, 'version'),
    description: textOf(manifest, 'description'),
    author: textOf(manifest, 'author') ?? textOf(member(manifest, 'author'), 'name'),
    // Older packages have an object, and list several as licenses.
    license: textOf(manifest, 'license') ?? textOf(member(manifest, 'license'), 'type'),
    homepage: textOf(manifest, 'homepage'),
  };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function textOf(value: unknown, name: string): string | undefined {
  const found = member(value, name);
  return typeof found === 'string' ? found : undefined;
}

const HOMES = [
  '/home/%/.npm-global/lib',
  '/home/%/.nvm/versions/node/%/lib',
  '/root/.npm-global/lib',
  '/root/.nvm/versions/node/%/lib',
];
const MANIFEST_BYTES_MAX = 1024 * 1024;
