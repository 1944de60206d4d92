/** Files of root that a user is given to read, by the place they lie at or by a link that root made. */
import * as fs from 'node:fs';
import { posix } from 'node:path';

interface Reader {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Whether an open file is root's, may be read by `reader`, and was come to through folders that he
 * may go through and links of root's. Other groups than his first are not looked at.
 */
export function isGiven(path: string, fd: number, reader: Reader): boolean {
  const stat = fs.fstatSync(fd);
  if (stat.uid !== 0 || !may(stat, reader, 4)) return false;
  return wayTo(path, reader) === fs.readlinkSync(`/proc/self/fd/${fd}`);
}

/** Where the path leads; undefined when a part of the way is not root's to give. */
function wayTo(path: string, reader: Reader): string | undefined {
  const waiting = parts(path);
  let reached = '/';
  for (let links = 0; waiting.length > 0;) {
    const next = posix.join(reached, waiting.shift()!);
    const stat = fs.lstatSync(next, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    if (!stat.isSymbolicLink()) {
      if (stat.isDirectory() && !may(stat, reader, 1)) return undefined;
      reached = next;
      continue;
    }
    if (stat.uid !== 0 || ++links > LINKS_MAX) return undefined;
    const target = fs.readlinkSync(next);
    waiting.unshift(...parts(target));
    if (target.startsWith('/')) reached = '/';
  }
  return reached;
}

/** @param bit 4 to read, 1 to go through */
function may(stat: fs.Stats, { uid, gid }: Reader, bit: number): boolean {
  if (stat.uid === uid) return (stat.mode & (bit << 6)) !== 0;
  return (stat.mode & (stat.gid === gid ? bit << 3 : bit)) !== 0;
}

function parts(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

/** As the kernel. */
const LINKS_MAX = 40;
