/** deb_package_files: the files that packages of dpkg brought. */
import { text } from '../lib/columns.ts';
import { eqTexts } from '../lib/constraints.ts';
import { listDir, readText } from '../lib/files.ts';
import { perQuery } from '../lib/per-query.ts';
import { lines } from '../lib/text.ts';
import type { CollectContext, LookupTable } from '../types.ts';
import { ADMINDIR, dpkgPackages } from './dpkg-status.ts';

export const debPackageFiles: LookupTable = {
  name: 'deb_package_files',
  description:
    'Files and folders that packages in dpkg’s database own, as dpkg-query -L lists them.',
  kind: 'lookup',
  cost: 'expensive',
  key: ['package', 'path', 'admindir'],
  columns: [
    text('package', 'Name of the package.', { index: true }),
    text('path', 'Path of the file, as the package has it.', { index: true }),
    text('admindir', 'Folder of the database; /var/lib/dpkg unless the query names another.', {
      additional: true,
      steers: true,
    }),
  ],
  *lookup(context) {
    const wanted = eqTexts(context, 'package');
    for (const admindir of eqTexts(context, 'admindir') ?? [ADMINDIR]) {
      for (const [name, lists] of listsOf(context, admindir)) {
        if (wanted !== undefined && !wanted.includes(name)) continue;
        context.signal.throwIfAborted();
        for (const path of filesOf(context, lists)) yield { package: name, path, admindir };
      }
    }
  },
};

const known = perQuery<CollectContext, Map<string, Map<string, string[]>>>(() => new Map());

/** Paths of the lists in a database, by package: one of several architectures has several. */
function listsOf(context: CollectContext, admindir: string): ReadonlyMap<string, string[]> {
  const databases = known(context);
  const found = databases.get(admindir);
  if (found !== undefined) return found;
  // Without a database this throws, which an empty folder would not tell.
  dpkgPackages(context, admindir).next();
  const lists = new Map<string, string[]>();
  for (const file of listDir(context, `${admindir}/info`)) {
    const name = /^([^:]+)(?::[^:]+)?\.list$/.exec(file)?.[1];
    if (name === undefined) continue;
    lists.set(name, [...(lists.get(name) ?? []), `${admindir}/info/${file}`]);
  }
  databases.set(admindir, lists);
  return lists;
}

function filesOf(context: CollectContext, lists: readonly string[]): Set<string> {
  const wanted = eqTexts(context, 'path');
  const found = new Set<string>();
  for (const list of lists) {
    const content = readText(context, list) ?? '';
    // Most lists have not the path that is asked for: one search of the whole text tells.
    if (wanted !== undefined && !wanted.every((path) => content.includes(path))) continue;
    for (const path of lines(content)) {
      if (wanted === undefined || wanted.includes(path)) found.add(path);
    }
  }
  return found;
}
