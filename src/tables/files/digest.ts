/** Digests of a file's content, read in chunks, of regular files only. */
import { createHash, type Hash } from 'node:crypto';
import * as fs from 'node:fs';

import { errorCode, openUntouched } from '../lib/files.ts';
import type { HostPath } from './host-path.ts';

export type Algorithm = 'md5' | 'sha1' | 'sha256';

export type DigestResult =
  | { readonly ok: true; readonly digests: Readonly<Partial<Record<Algorithm, string>>> }
  /** `code` is the system's, ENOTREG for what is no regular file, EFBIG past the size cap. */
  | { readonly ok: false; readonly code: string };

/**
 * Digests in lower-case hexadecimal. Opened without blocking, and looked at once more when open,
 * as a pipe may have taken the file's place.
 */
export function digestFile(
  path: HostPath,
  algorithms: readonly Algorithm[],
  signal: AbortSignal,
  bytesMax: number = BYTES_MAX,
): DigestResult {
  let fd: number | undefined;
  try {
    const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = fs.constants;
    fd = openUntouched(path.raw, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) return { ok: false, code: 'ENOTREG' };
    if (stat.size > bytesMax) return { ok: false, code: 'EFBIG' };
    return digestOpen(fd, algorithms, signal, bytesMax);
  } catch (error) {
    if (signal.aborted) throw error;
    return { ok: false, code: errorCode(error) };
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

function digestOpen(
  fd: number,
  algorithms: readonly Algorithm[],
  signal: AbortSignal,
  bytesMax: number,
): DigestResult {
  const hashes: [Algorithm, Hash][] = algorithms.map((name) => [name, createHash(name)]);
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let total = 0;
  for (;;) {
    signal.throwIfAborted();
    const count = fs.readSync(fd, chunk, 0, chunk.length, null);
    if (count === 0) break;
    total += count;
    if (total > bytesMax) return { ok: false, code: 'EFBIG' };
    for (const [, hash] of hashes) hash.update(chunk.subarray(0, count));
  }
  const digests = Object.fromEntries(hashes.map(([name, hash]) => [name, hash.digest('hex')]));
  return { ok: true, digests };
}

const CHUNK_BYTES = 256 * 1024;
/** About what can be read and hashed within a query's time. */
const BYTES_MAX = 1024 * 1024 * 1024;
