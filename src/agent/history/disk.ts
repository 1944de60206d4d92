/** What the history of a host asks of a folder. Tests put a disk in its place that loses power. */
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isLeftover, replaceFile, writeAt } from '../state/durable-file.ts';

export interface Disk {
  /** Names of the files there are. */
  list(): Promise<readonly string[]>;
  /** Undefined when there is no such file. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Makes or replaces a file whole; it and its name are on the disk once this resolves. */
  replace(name: string, bytes: Uint8Array): Promise<void>;
  /** Writes at the end that the caller knows; the bytes are on the disk once this resolves. */
  append(name: string, at: number, bytes: Uint8Array): Promise<void>;
  truncate(name: string, length: number): Promise<void>;
  /** Nothing happens when there is no such file. After a crash it may be there again. */
  remove(name: string): Promise<void>;
}

/** A folder of mode 0700 with files of mode 0600, made at the first write. */
export function folderDisk(path: string): Disk {
  const file = (name: string) => join(path, name);
  return {
    async list() {
      return (await unlessMissing(readdir(path))) ?? [];
    },
    async read(name) {
      const bytes = await unlessMissing(readFile(file(name)));
      return bytes === undefined
        ? undefined
        : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    },
    async replace(name, bytes) {
      await mkdir(path, { recursive: true, mode: 0o700 });
      await replaceFile(file(name), bytes);
    },
    async append(name, at, bytes) {
      const handle = await open(file(name), 'r+');
      try {
        await writeAt(handle, bytes, at);
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
    async truncate(name, length) {
      const handle = await open(file(name), 'r+');
      try {
        await handle.truncate(length);
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
    remove: (name) => rm(file(name), { force: true }),
  };
}

/** Temporary files of a crash; for the agent that alone writes here. */
export async function removeLeftovers(disk: Disk): Promise<void> {
  for (const name of await disk.list()) if (isLeftover(name)) await disk.remove(name);
}

async function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
