import { accessSync, chmodSync, constants, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Names the folder of prepared clusters in the environment of a test run. */
export const CLUSTERS = 'SWARMPLANE_TEST_CLUSTERS';

/** A folder for this run's prepared PostgreSQL clusters; test processes learn of it by the environment. */
export default function clusters(): () => void {
  const folder = mkdtempSync(join(clusterRoot(), 'swarmplane-clusters-'));
  chmodSync(folder, 0o755);
  process.env[CLUSTERS] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}

/**
 * Where data folders of servers lie: in memory where there is room, because a database is a thousand
 * files, which take 40 ms there and 400 ms in a file system with a journal.
 */
export function clusterRoot(): string {
  try {
    accessSync(MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= ROOM_BYTES ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}

const MEMORY = '/dev/shm';
/** What three test files at once fill with databases, and twice that. A container has 64 MiB by default. */
const ROOM_BYTES = 2 * 1024 ** 3;
