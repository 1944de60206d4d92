/** Digests of a file as it is now, a piece at a time, so that a long one keeps nobody waiting. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { Row } from '../../tables/index.ts';

/** The columns of digests; `hashed` is 0 for what has none here, -1 for what could not be read. */
export async function fileDigests(path: string): Promise<Row> {
  let file: FileHandle | undefined;
  try {
    file = await openUntouched(path);
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > BYTES_MAX) return { hashed: 0 };
    const hashes = NAMES.map((name) => createHash(name));
    const buffer = Buffer.allocUnsafe(PIECE_BYTES);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) break;
      if ((bytes += bytesRead) > BYTES_MAX) return { hashed: 0 };
      for (const hash of hashes) hash.update(buffer.subarray(0, bytesRead));
    }
    const digests = NAMES.map((name, at) => [name, hashes[at]!.digest('hex')] as const);
    return { ...Object.fromEntries(digests), hashed: 1 };
  } catch {
    return { hashed: -1 };
  } finally {
    await file?.close();
  }
}

/** Its time of last access stays where the kernel lets it, open(2). */
async function openUntouched(path: string): Promise<FileHandle> {
  const { O_RDONLY, O_NONBLOCK, O_NOCTTY, O_NOFOLLOW, O_NOATIME } = constants;
  const flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
  try {
    return await open(path, flags | O_NOATIME);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    return open(path, flags);
  }
}

const NAMES = ['md5', 'sha1', 'sha256'] as const;
const PIECE_BYTES = 64 * 1024;
const BYTES_MAX = 16 * 1024 * 1024;
