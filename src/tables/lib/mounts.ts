/** What is mounted where, and which of it may never answer. */
import { readText, type Rooted } from './files.ts';
import { lines } from './text.ts';

export interface MountEntry {
  readonly device: string;
  readonly path: string;
  readonly type: string;
  readonly flags: string;
}

/** The mounts this process sees, in order: a later one covers an earlier one of the same path. */
export function readMounts(context: Rooted): MountEntry[] {
  return parseMounts(readText(context, '/proc/self/mounts') ?? '');
}

/** The lines of fstab(5)'s form that /proc/mounts has; blanks in names are written \040. */
export function parseMounts(content: string): MountEntry[] {
  return lines(content).flatMap((line) => {
    const [device, path, type, flags] = line.split(' ').map(unescapeOctal);
    return flags === undefined ? [] : [{ device: device!, path: path!, type: type!, flags }];
  });
}

/** The kernel's \012 and the like as the character. */
export function unescapeOctal(word: string): string {
  return word.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(parseInt(digits, 8)),
  );
}

/**
 * Whether answers of a file system come from another machine or process. When that is dead, a
 * system call about it waits for ever, in the case of FUSE even against SIGKILL.
 */
export function mayBlock(type: string): boolean {
  return MAY_BLOCK.test(type);
}

/** The mounts that may block, to be asked once and then used with `isBelow` for many paths. */
export function blockingMounts(context: Rooted): string[] {
  return readMounts(context)
    .filter((mount) => mayBlock(mount.type))
    .map((mount) => mount.path);
}

/** Whether `path` is one of `folders` or below one. */
export function isBelow(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}

const MAY_BLOCK = /^(nfs|cifs|smb|fuse|9p|ceph|gluster|afs|lustre|autofs|ncp|coda|gfs|ocfs|orange)/;
