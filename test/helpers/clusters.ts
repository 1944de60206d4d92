import { mkdtempSync, rmSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Names the folder of prepared clusters in the environment of a test run. */
export const CLUSTERS = 'SWARMPLANE_TEST_CLUSTERS';

/** A folder for this run's prepared PostgreSQL clusters; test processes learn of it by the environment. */
export default function clusters(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'swarmplane-clusters-'));
  chmodSync(folder, 0o755);
  process.env[CLUSTERS] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
