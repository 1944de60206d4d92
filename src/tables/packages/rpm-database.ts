/**
 * Where rpm keeps the packages of this host. Debian's rpm takes the database of whoever's home it runs
 * for, which is made empty where there is none, so rpm(8) is always told the folder.
 */
import { realpathSync } from 'node:fs';

import { exists, hostPath, type Rooted } from '../lib/files.ts';
import { TableAbsentError, type CollectContext } from '../types.ts';

/** Arguments by which rpm reads the host's database; undefined where there is none. */
export function rpmDatabaseArgs(
  context: Pick<CollectContext, 'root' | 'warn'>,
): readonly string[] | undefined {
  const [folder, ...others] = databases(context);
  if (folder === undefined) return undefined;
  for (const other of others)
    context.warn(`packages of rpm are those of ${folder}; the database in ${other} is not read`);
  return ['--dbpath', folder];
}

/** As rpmDatabaseArgs. @throws TableAbsentError on a host that has no packages of rpm */
export function requireRpmDatabase(
  context: Pick<CollectContext, 'root' | 'warn'>,
): readonly string[] {
  const args = rpmDatabaseArgs(context);
  if (args !== undefined) return args;
  throw new TableAbsentError(`no rpm database on this host (in none of ${FOLDERS.join(', ')})`);
}

/** One may be a link to another. */
function databases(context: Rooted): string[] {
  const seen = new Set<string>();
  return FOLDERS.filter((folder) => {
    if (!FILES.some((file) => exists(context, `${folder}/${file}`))) return false;
    const real = realpathSync(hostPath(context, folder));
    return !seen.has(real) && seen.add(real);
  });
}

/** The last is that of root on Debian. */
const FOLDERS = ['/usr/lib/sysimage/rpm', '/var/lib/rpm', '/root/.rpmdb'];
/** Of SQLite, Berkeley DB and ndb. */
const FILES = ['rpmdb.sqlite', 'Packages', 'Packages.db'];
