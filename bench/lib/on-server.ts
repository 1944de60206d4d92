/** A PostgreSQL of the package, new and empty, for one measure; fsync is on. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { EmbeddedPostgres, openPool } from '../../src/hub/index.ts';

export async function onServer(
  measure: (pool: pg.Pool, url: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'swarmplane-bench-'));
  // The server of a root runs as another user, who has to get there.
  chmodSync(folder, 0o755);
  const home = join(folder, 'root');
  const server = await EmbeddedPostgres.start({ dataDir: folder, homeForRoot: home });
  const pool = openPool(server.hubUrl);
  try {
    await measure(pool, server.hubUrl);
  } finally {
    await pool.end();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
