/**
 * Files in folders of the server's account, whose owner can put anything there: root only reads them,
 * follows nothing, waits for nothing, and takes a bounded number of bytes.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { codeOf, HubError } from '../errors.ts';

const BYTES_MAX = 64 * 1024;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;

/**
 * The text of a plain file; undefined where there is none.
 * @throws HubError `foreign_file` when it is a link, a pipe, a folder or too long
 */
export function readForeign(path: string): string | undefined {
  let fd: number | undefined;
  try {
    // A pipe without a writer would be waited for, and a link leads wherever its maker wants.
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    const { size } = requirePlain(path, fd);
    const bytes = Buffer.alloc(size);
    return bytes.subarray(0, readSync(fd, bytes, 0, size, 0)).toString('utf8');
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP' || code === 'ENXIO' || code === 'EISDIR') throw unexpected(path, error);
    throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function requirePlain(path: string, fd: number): { size: number } {
  const stat = fstatSync(fd);
  if (!stat.isFile() || stat.size > BYTES_MAX) throw unexpected(path);
  return stat;
}

function unexpected(path: string, cause?: unknown): HubError {
  return new HubError(
    'foreign_file',
    `${JSON.stringify(path)} is not the plain file it should be`,
    {
      cause,
      hint: 'somebody with the account of the database put it there: look who, and remove it',
    },
  );
}
