/** Backup and restore of the embedded server, whether a hub runs it at the moment or not. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { backup, type BackupSummary } from './backup.ts';
import { openCluster, superUrl, urlOf, type Cluster } from './cluster.ts';
import { EmbeddedPostgres, type EmbeddedOptions } from './embedded.ts';
import { HubError } from './errors.ts';
import type { MigrateOptions } from './migrate.ts';
import { findPostmaster, saysReady, type Postmaster } from './postmaster.ts';
import { MIGRATIONS_DIR, RELEASE, SQL_DIR } from './release.ts';
import { restore, type Restored } from './restore.ts';

export interface EmbeddedBackupOptions extends EmbeddedOptions {
  readonly file: string;
}

/** A hub may be at work meanwhile. @throws HubError no_database, and backup()'s */
export async function backupEmbedded(options: EmbeddedBackupOptions): Promise<BackupSummary> {
  if (!existsSync(join(options.dataDir, 'server.json')))
    throw new HubError('no_database', `there is no embedded PostgreSQL in ${options.dataDir}`, {
      hint: 'name the state folder of the hub; for another server use pg_dump',
    });
  return withServer(options, (urls) => backup(urls.superUrl, options.file, RELEASE));
}

/** The hub must not run. Makes the server first where there is none. @throws restore()'s */
export async function restoreEmbedded(
  options: EmbeddedBackupOptions,
  release: MigrateOptions = { migrationsDir: MIGRATIONS_DIR, sqlDir: SQL_DIR, release: RELEASE },
): Promise<Restored> {
  return withServer(options, (urls) => restore({ ...release, ...urls, file: options.file }));
}

interface Urls {
  readonly superUrl: string;
  readonly hubUrl: string;
}

/** On the server that runs, which is left running, or on one started for the while. */
async function withServer<T>(
  options: EmbeddedOptions,
  work: (urls: Urls) => Promise<T>,
): Promise<T> {
  const cluster = await openCluster(options.dataDir, options.homeForRoot);
  const running = findPostmaster(cluster);
  if (running !== undefined && (await becomesReady(cluster, running)))
    return work({
      superUrl: superUrl(cluster, 'swarmplane'),
      hubUrl: urlOf(cluster, 'hub', 'swarmplane'),
    });
  const server = await EmbeddedPostgres.start(options);
  try {
    return await work({ superUrl: server.superUrl, hubUrl: server.hubUrl });
  } finally {
    await server.stop();
  }
}

/** A hub may just be starting it: waits until it takes connections, or ends. */
async function becomesReady(cluster: Cluster, running: Postmaster): Promise<boolean> {
  let ended = false;
  void running.ended.then(() => (ended = true));
  while (!ended && !saysReady(cluster, running))
    await new Promise((resolve) => setTimeout(resolve, 100));
  return !ended;
}
