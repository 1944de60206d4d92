/**
 * Files that outlive a loss of power, the one way to write them. A file is replaced by writing a new
 * one beside it, fsyncing that, renaming it over the old one and fsyncing the folder: a crash leaves
 * the old file or the new one, never half of either. A file that only grows is written at a place
 * that the caller knows, and fsynced; what a crash tore behind that place is written over.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** @throws the error of the disk; the old file is there as it was then */
export async function replaceFile(path: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  const beside = besideOf(path);
  try {
    const handle = await open(beside, 'wx', mode);
    try {
      await writeAt(handle, bytes, 0);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** For start-up; blocks. @throws as `replaceFile` */
export function replaceFileSync(path: string, bytes: Uint8Array, mode = 0o600): void {
  const beside = besideOf(path);
  try {
    withFile(beside, 'wx', mode, (fd) => {
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    });
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  withFile(dirname(path), 'r', 0, fsyncSync);
}

/** All of it: one write of the system may take less than it is given. Not synced. */
export async function writeAt(
  handle: FileHandle,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += (await handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
  }
}

/** A new name, or one that went, lasts only once its folder is synced. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}

/** Whether a file of this name was on its way to replace another one when a process died. */
export function isLeftover(name: string): boolean {
  return /^\..+\.[0-9a-f]{12}\.new$/.test(name);
}

function besideOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.new`);
}

function withFile(path: string, flags: string, mode: number, work: (fd: number) => void): void {
  const fd = openSync(path, flags, mode);
  try {
    work(fd);
  } finally {
    closeSync(fd);
  }
}
