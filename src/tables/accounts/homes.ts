/**
 * What users keep in their home folders. Such files are the users' own: a link in a home must not
 * make the agent, which may run as root, show what its owner could not read.
 */
import * as fs from 'node:fs';

import { eqIntegers } from '../lib/constraints.ts';
import { describeCode, errorCode, hostPath, listDir, openUntouched } from '../lib/files.ts';
import { Misses } from '../files/misses.ts';
import { joinText } from '../files/host-path.ts';
import type { CollectContext } from '../types.ts';
import { isGiven } from './given-file.ts';
import { fromNameServices } from './name-services.ts';
import { accountsIfAny, parseAccount, type Account } from './passwd.ts';

export interface Home {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  /** Absolute path of the folder. */
  readonly path: string;
}

type HomeContext = Pick<CollectContext, 'root' | 'constraints' | 'signal' | 'warn'>;

/**
 * Calls `visit` for the home of each user: of those that the query names by `uid`, else of all.
 * What cannot be read is warned of, once a reason.
 */
export function fromHomes<T>(
  context: HomeContext,
  visit: (home: Home, files: HomeFiles) => Iterable<T>,
): T[] {
  const misses = new Misses(context);
  const rows = homes(context).flatMap((home) => [
    ...visit(home, new HomeFiles(context, home, misses)),
  ]);
  misses.report();
  return rows;
}

/**
 * Homes that are folders; accounts of the system share some, which come once a user id. Those of a
 * directory service where the query names the user id.
 */
export function homes(context: HomeContext): Home[] {
  const wanted = eqIntegers(context, 'uid');
  const seen = new Set<string>();
  const local = accountsIfAny(context);
  const missing = wanted?.filter((id) => !local.some(({ uid }) => uid === id)) ?? [];
  const remote = fromNameServices(context, 'passwd', missing.map(String)).flatMap(parseAccount);
  return [...local, ...remote].flatMap((account) => {
    const key = `${account.uid}:${account.home}`;
    if (wanted?.includes(account.uid) === false || seen.has(key) || !isHome(account)) return [];
    seen.add(key);
    const { uid, gid, name, home: path } = account;
    return [{ uid, gid, name, path }];
  });
}

/** The files of one home, named by paths relative to it. */
export class HomeFiles {
  readonly #context: HomeContext;
  readonly #home: Home;
  readonly #misses: Misses;

  constructor(context: HomeContext, home: Home, misses: Misses) {
    this.#context = context;
    this.#home = home;
    this.#misses = misses;
  }

  path(relative: string): string {
    return joinText(this.#home.path, relative);
  }

  /** Names in a folder of the home, sorted. */
  list(relative: string): string[] {
    return listDir(this.#context, this.path(relative));
  }

  /** A file's text; undefined when there is none, or none that the user may read. */
  text(relative: string, bytesMax?: number): string | undefined {
    return this.bytes(relative, bytesMax)?.toString('utf8');
  }

  /** As text, for what is not UTF-8. */
  bytes(relative: string, bytesMax: number = BYTES_MAX): Buffer | undefined {
    const path = this.path(relative);
    return this.#read(path, bytesMax, (fd) =>
      this.#isInside(fd) ? undefined : "it leads out of the home to another user's file",
    );
  }

  /**
   * The text of a file that programs read as the user, wherever it lies and whoever's it is: root may
   * have put a link or the file there. What the user may not read is not shown, nor where a link leads
   * that anybody else has made.
   */
  textAsUser(path: string): string | undefined {
    const bytes = this.#read(path, BYTES_MAX, (fd) =>
      this.#isInside(fd) || isGiven(hostPath(this.#context, path), fd, this.#home)
        ? undefined
        : "it is another user's file, which its reader may not open or is led to by a link of his own",
    );
    return bytes?.toString('utf8');
  }

  /** @param refusal why a file that is not the user's is not read */
  #read(
    path: string,
    bytesMax: number,
    refusal: (fd: number) => string | undefined,
  ): Buffer | undefined {
    let fd: number | undefined;
    try {
      const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = fs.constants;
      fd = openUntouched(hostPath(this.#context, path), O_RDONLY | O_NONBLOCK | O_NOCTTY);
      const stat = fs.fstatSync(fd);
      if (!stat.isFile()) return undefined;
      const refused = stat.uid === this.#home.uid ? undefined : refusal(fd);
      if (refused !== undefined) {
        this.#misses.add(path, `not read: ${refused}`);
        return undefined;
      }
      if (stat.size > bytesMax) this.#misses.add(path, `only its first ${bytesMax} bytes are read`);
      return readUpTo(fd, Math.min(stat.size, bytesMax));
    } catch (error) {
      const code = errorCode(error);
      if (!NOTHING_THERE.has(code)) this.#misses.add(path, `not read: ${describeCode(code)}`);
      return undefined;
    } finally {
      if (fd !== undefined) fs.closeSync(fd);
    }
  }

  /** Where the open file really lies, whatever the path has become since. */
  #isInside(fd: number): boolean {
    try {
      const home = fs.realpathSync(hostPath(this.#context, this.#home.path));
      return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(home === '/' ? '/' : `${home}/`);
    } catch {
      return false;
    }
  }
}

function readUpTo(fd: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(bytes);
  let length = 0;
  while (length < buffer.length) {
    const count = fs.readSync(fd, buffer, length, buffer.length - length, null);
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, length);
}

/** Accounts of daemons have / or nothing for a home. */
function isHome(account: Account): boolean {
  return account.home.startsWith('/') && account.home !== '/' && !account.home.includes('\0');
}

const BYTES_MAX = 16 * 1024 * 1024;
const NOTHING_THERE = new Set(['ENOENT', 'ENOTDIR', 'ENXIO']);
