/**
 * A real PostgreSQL for a test file: 18 from the npm package, 15 from the system where it is
 * installed. Its own folder and port, gone with the process that asked for it, whatever ends that.
 *
 *   eachPostgres('claims', (postgres) => {
 *     it('takes what is due', async () => {
 *       const database = await postgres().createDatabase();      // migrated, about 50 ms
 *       const pool = database.pool();                            // as the owner
 *       ...
 *     });
 *   });
 */
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { CLUSTERS } from './clusters.ts';
import { PostgresServer, SYSTEM_15, type Major, type TestPostgres } from './postgres-server.ts';

export {
  migrationsDir,
  sqlDir,
  type Major,
  type TestDatabase,
  type TestPostgres,
} from './postgres-server.ts';
import { needs } from './needs.ts';

/** One describe for each major version there is; one that is missing is skipped and says so. */
export function eachPostgres(
  title: string,
  body: (postgres: () => TestPostgres) => void,
  options: { readonly bare?: boolean } = {},
): void {
  for (const major of [18, 15] as const)
    describe(`${title} (PostgreSQL ${major})`, () => {
      const reason = whyWithout(major);
      if (reason !== undefined)
        return void needs(`PostgreSQL ${major}`, false)('runs', () => undefined);
      body(withPostgres({ ...options, major }));
    });
}

export interface ServerOptions {
  readonly major?: Major;
  /** Straight from initdb, without the roles that a migration leaves in a server. */
  readonly bare?: boolean;
  /** MiB of a file system of its own, which only root can have. */
  readonly diskMiB?: number;
}

/** Starts a server before the tests of this describe and stops it after them. */
export function withPostgres(options: ServerOptions = {}): () => TestPostgres {
  let server: TestPostgres | undefined;
  beforeAll(async () => {
    server = await startTestPostgres(options);
  });
  afterAll(() => server?.stop());
  return () => server!;
}

/** Why that version cannot be tested here; undefined where it can. */
export function whyWithout(major: Major): string | undefined {
  if (major === 18 || existsSync(`${SYSTEM_15}/initdb`)) return undefined;
  return `PostgreSQL ${major} is not installed (${SYSTEM_15})`;
}

export async function startTestPostgres(options: ServerOptions = {}): Promise<TestPostgres> {
  const server = new PostgresServer(options.major ?? 18, options.diskMiB);
  try {
    await server.initialise(options.bare ? undefined : await preparedCluster(server.major));
    await server.restart();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/**
 * A data folder to copy, with the roles and a migrated template: made once in a test run, by the
 * first that asks. Undefined where no folder for it was made (test/helpers/clusters.ts).
 */
async function preparedCluster(major: Major): Promise<string | undefined> {
  const folder = process.env[CLUSTERS];
  if (folder === undefined) return undefined;
  const cluster = join(folder, String(major));
  if (existsSync(cluster)) return cluster;
  const server = new PostgresServer(major);
  try {
    await server.initialise();
    await server.restart();
    await server.prepare();
    await server.shutDown();
    // Another test file may have been faster: its folder is as good.
    await rename(server.dataDir, cluster).catch((error: unknown) => {
      if (!existsSync(cluster)) throw error;
    });
    return cluster;
  } finally {
    await server.stop();
  }
}
