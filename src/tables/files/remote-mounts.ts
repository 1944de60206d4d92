/**
 * Mount points behind which another machine or process answers. When that one is gone, any call
 * on them blocks for good, so that a walk must not touch them unasked.
 */
import { readText, type Rooted } from '../lib/files.ts';
import { lines } from '../lib/text.ts';

/** Mount point to file system type, for remote and FUSE file systems (proc_pid_mountinfo(5)). */
export function remoteMounts(context: Rooted): Map<string, string> {
  const mounts = new Map<string, string>();
  for (const line of lines(readText(context, '/proc/self/mountinfo') ?? '')) {
    const [mount = '', source = ''] = line.split(' - ');
    const type = source.split(' ')[0] ?? '';
    const point = mount.split(' ')[4];
    if (point !== undefined && REMOTE.test(type)) mounts.set(unescapeOctal(point), type);
  }
  return mounts;
}

/** Blanks, tabs, line ends and backslashes are written as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(parseInt(digits, 8)),
  );
}

const REMOTE =
  /^(nfs[34]?|cifs|smb[23]?|smbfs|9p|afs|ceph|coda|gfs2|glusterfs|lustre|ncpfs|ocfs2|orangefs|virtiofs|autofs|davfs|fuse(\..*)?|fuseblk)$/;
