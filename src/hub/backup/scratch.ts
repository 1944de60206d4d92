/**
 * An embedded server for a while, in a folder of its own: to see that a backup can be restored, without
 * a right or a byte on the server that it was taken from. Nothing of it stays; what a killed process
 * left is removed by the next.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openCluster, readState, removeOf } from '../postgres/cluster.ts';
import { EmbeddedPostgres } from '../postgres/embedded.ts';
import { serverAccount } from '../postgres/os-user.ts';
import { findPostmaster, stopPostmaster } from '../postgres/postmaster.ts';
import { processIsGone } from '../postgres/process-gone.ts';
import { restore, type Restored } from './restore.ts';
import type { MigrateOptions } from '../schema/migrate.ts';

export interface ScratchOptions extends MigrateOptions {
  /** Made if missing, removed if empty then. */
  readonly folder: string;
  readonly file: string;
  readonly homeForRoot?: string;
}

/**
 * Restores the file into a new server: each table's rows are read back there and have the number and
 * the hash that they had in the snapshot of the backup.
 * @throws HubError backup_differs, not_installed, and others of restore() and EmbeddedPostgres.start()
 */
export async function restoreIntoScratch(options: ScratchOptions): Promise<Restored> {
  const dataDir = join(options.folder, String(process.pid));
  await removeLeftovers(options);
  // In a container a process that was killed had the id of this one.
  if (!IN_USE.has(dataDir)) await remove(dataDir, options);
  IN_USE.add(dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  try {
    const server = await EmbeddedPostgres.start({
      dataDir,
      orphanGraceMs: 2_000,
      ...(options.homeForRoot !== undefined && { homeForRoot: options.homeForRoot }),
    });
    try {
      return await restore({ ...options, superUrl: server.superUrl, hubUrl: server.hubUrl });
    } finally {
      await server.stop();
    }
  } finally {
    await remove(dataDir, options);
    await removeIfEmpty(options.folder);
    IN_USE.delete(dataDir);
  }
}

/** By this process, now. */
const IN_USE = new Set<string>();

async function removeLeftovers(options: ScratchOptions): Promise<void> {
  for (const name of await readdir(options.folder).catch(() => []))
    if (processIsGone(Number(name))) await remove(join(options.folder, name), options);
}

async function remove(dataDir: string, { homeForRoot }: ScratchOptions): Promise<void> {
  const state = await readState(dataDir);
  if (state?.initialised === true) {
    const running = findPostmaster(await openCluster(dataDir, homeForRoot));
    if (running !== undefined) await stopPostmaster(running);
  }
  if (state !== undefined) {
    const account = serverAccount(join(state.home, 'cluster'));
    for (const part of ['cluster', 'cluster.new']) await removeOf(account, join(state.home, part));
    await rm(state.home, { recursive: true, force: true });
  }
  await rm(dataDir, { recursive: true, force: true });
}

async function removeIfEmpty(folder: string): Promise<void> {
  if ((await readdir(folder)).length === 0) await rm(folder, { recursive: true, force: true });
}
