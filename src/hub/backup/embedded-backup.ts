/** Backup and restore of a hub's database: the embedded server, whether a hub runs it at the moment or not, or one of your own. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { backup, type BackupSummary } from './backup.ts';
import { openCluster, superUrl, urlOf, type Cluster } from '../postgres/cluster.ts';
import { EmbeddedPostgres, type EmbeddedOptions } from '../postgres/embedded.ts';
import { HubError } from '../errors.ts';
import type { MigrateOptions } from '../schema/migrate.ts';
import { findPostmaster, saysReady, type Postmaster } from '../postgres/postmaster.ts';
import { MIGRATIONS_DIR, RELEASE, SQL_DIR } from '../release.ts';
import { restore, type Restored } from './restore.ts';
import { restoreIntoScratch } from './scratch.ts';

interface FileOptions {
  readonly file: string;
  /** Restores it into a scratch server below this folder before it gets its name. */
  readonly verifyIn?: string;
  readonly homeForRoot?: string;
  /** Ends the writing of a backup. */
  readonly signal?: AbortSignal;
}

export interface EmbeddedBackupOptions extends EmbeddedOptions, FileOptions {}

export interface DatabaseBackupOptions extends FileOptions {
  /** The hub's URL. */
  readonly url: string;
}

export interface BackedUp extends BackupSummary {
  /** What the scratch server had then; undefined where that was not asked for. */
  readonly verified: Restored | undefined;
}

/** A hub may be at work meanwhile. @throws HubError no_database, and those of backup() and restore() */
export async function backupEmbedded(options: EmbeddedBackupOptions): Promise<BackedUp> {
  if (!existsSync(join(options.dataDir, 'server.json')))
    throw new HubError('no_database', `there is no embedded PostgreSQL in ${options.dataDir}`, {
      hint: 'name the state folder of the hub, or another database with --database URL',
    });
  return withServer(options, (urls) => backupFrom(urls.superUrl, options, true));
}

/** A hub may be at work meanwhile. @throws HubError those of backup() and restore() */
export function backupDatabase(options: DatabaseBackupOptions): Promise<BackedUp> {
  return backupFrom(options.url, options, false);
}

async function backupFrom(url: string, options: FileOptions, allRoles: boolean): Promise<BackedUp> {
  const { file, verifyIn, homeForRoot, signal } = options;
  let verified: Restored | undefined;
  const verify = async (written: string): Promise<void> => {
    if (verifyIn === undefined) return;
    const home = homeForRoot === undefined ? {} : { homeForRoot };
    verified = await restoreIntoScratch({
      ...THIS_RELEASE,
      ...home,
      folder: verifyIn,
      file: written,
    });
  };
  const more = signal === undefined ? {} : { signal };
  const summary = await backup({ url, file, release: RELEASE, allRoles, verify, ...more });
  return { ...summary, verified };
}

const THIS_RELEASE: MigrateOptions = {
  migrationsDir: MIGRATIONS_DIR,
  sqlDir: SQL_DIR,
  release: RELEASE,
};

export interface EmbeddedRestoreOptions extends EmbeddedOptions {
  readonly file: string;
  readonly replace?: boolean;
}

/** The hub must not run. Makes the server first where there is none. @throws restore()'s */
export async function restoreEmbedded(
  options: EmbeddedRestoreOptions,
  release: MigrateOptions = THIS_RELEASE,
): Promise<Restored> {
  const { file, replace = false } = options;
  return withServer(options, (urls) => restore({ ...release, ...urls, file, replace }));
}

/** The hub must not run. @param url the hub's @throws restore()'s */
export function restoreDatabase(
  { url, file, replace = false }: { url: string; file: string; replace?: boolean },
  release: MigrateOptions = THIS_RELEASE,
): Promise<Restored> {
  return restore({ ...release, superUrl: url, hubUrl: url, file, replace });
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
