/**
 * Disks that lose power. Production code writes to them with node:fs, whose functions are replaced
 * for paths below `path`. What was not fsynced is lost, or half there, or there with zeros in it;
 * of a folder's changes that were not fsynced the first few are there, in order.
 */
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** A whole number from 0 to `below` - 1. */
export type Dice = (below: number) => number;

interface File {
  /** On the platter. */
  synced: Buffer;
  /** As running programs see it. */
  seen: Buffer;
}

export class SimulatedDisk {
  readonly path: string;
  readonly #dice: Dice;
  /** Steps left until the power goes. */
  #left = Infinity;
  #steps = 0;
  #files = new Map<string, File>();
  #platter = new Map<string, File>();
  /** Changes of the folder that are not on the platter. */
  #pending: ((folder: Map<string, File>) => void)[] = [];

  constructor(name: string, dice: Dice) {
    this.path = `/simulated-disk/${name}`;
    this.#dice = dice;
    disks.set(this.path, this);
    replaceOnce();
  }

  /** Steps since the last call of `loseAfter`. */
  get steps(): number {
    return this.#steps;
  }

  get off(): boolean {
    return this.#left < 0;
  }

  /** The power goes at the step after `steps` more. */
  loseAfter(steps: number): void {
    this.#left = steps;
    this.#steps = 0;
  }

  /** A moment at which the power may go; each call of the file system is two. @throws when it does */
  step(): void {
    this.#steps++;
    if (this.#left >= 0) this.#left--;
    if (this.off) throw new Error('the power is gone');
  }

  /** What is there when the power is back. */
  restore(): void {
    const kept = this.#dice(this.#pending.length + 1);
    for (const change of this.#pending.slice(0, kept)) change(this.#platter);
    for (const file of this.#platter.values()) {
      if (!file.synced.equals(file.seen)) file.synced = this.#torn(file);
      file.seen = file.synced;
    }
    this.#pending = [];
    this.#files = new Map(this.#platter);
    this.#left = Infinity;
  }

  remove(name: string): void {
    this.#change((folder) => void folder.delete(name));
  }

  names(): string[] {
    return [...this.#files.keys()];
  }

  read(name: string): Buffer {
    return this.#existing(name).seen;
  }

  /** @throws when there is such a file */
  create(name: string): File {
    if (this.#files.has(name)) throw new Error(`EEXIST: ${name}`);
    const file = { synced: Buffer.alloc(0), seen: Buffer.alloc(0) };
    this.#change((folder) => void folder.set(name, file));
    return file;
  }

  /** Appends some of it; returns how much. */
  write(file: File, bytes: Uint8Array): number {
    const length = 1 + this.#dice(bytes.length);
    file.seen = Buffer.concat([file.seen, bytes.subarray(0, length)]);
    return length;
  }

  rename(from: string, to: string): void {
    const file = this.#existing(from);
    this.#change((folder) => {
      folder.delete(from);
      folder.set(to, file);
    });
  }

  syncFolder(): void {
    for (const change of this.#pending.splice(0)) change(this.#platter);
  }

  #change(change: (folder: Map<string, File>) => void): void {
    change(this.#files);
    this.#pending.push(change);
  }

  #existing(name: string): File {
    const file = this.#files.get(name);
    if (file === undefined) throw Object.assign(new Error(`no ${name}`), { code: 'ENOENT' });
    return file;
  }

  #torn({ synced, seen }: File): Buffer {
    const length = this.#dice(seen.length + 1);
    const kept = seen.subarray(0, length);
    return [synced, kept, Buffer.concat([kept, Buffer.alloc(seen.length - length)])][
      this.#dice(3)
    ]!;
  }
}

const disks = new Map<string, SimulatedDisk>();
/** Open files, and folders as undefined. */
const handles = new Map<number, { disk: SimulatedDisk; file: File | undefined }>();
let nextHandle = 1_000_000;
let replaced = false;

/** The disk that a path is on, and the name there; '' for its folder. */
function find(path: unknown): { disk: SimulatedDisk; name: string } | undefined {
  for (const disk of disks.values()) {
    if (path === disk.path) return { disk, name: '' };
    if (typeof path === 'string' && path.startsWith(`${disk.path}/`)) {
      return { disk, name: path.slice(disk.path.length + 1) };
    }
  }
  return undefined;
}

/** Does one call: the power may go before it and after it. */
function call<T>(disk: SimulatedDisk, work: () => T): T {
  disk.step();
  const result = work();
  disk.step();
  return result;
}

function openOn(disk: SimulatedDisk, name: string, flags: unknown): number {
  const file = call(disk, () => (flags === 'wx' ? disk.create(name) : undefined));
  handles.set(nextHandle, { disk, file });
  return nextHandle++;
}

function sync({ disk, file }: { disk: SimulatedDisk; file: File | undefined }): void {
  call(disk, () => {
    if (file === undefined) disk.syncFolder();
    else file.synced = file.seen;
  });
}

/** The functions that src/agent/state/state-folder.ts uses. */
const SYNC: Record<string, (...args: never[]) => unknown> = {
  openSync: (path: unknown, flags: unknown) => {
    const found = find(path);
    return found && openOn(found.disk, found.name, flags);
  },
  closeSync: (fd: number) => handles.delete(fd) || undefined,
  fsyncSync: (fd: number) => onHandle(fd, sync),
  writeSync: (fd: number, bytes: Uint8Array, at: number) =>
    onHandle(fd, ({ disk, file }) => call(disk, () => disk.write(file!, bytes.subarray(at)))),
  readFileSync: (path: unknown) => onPath(path, (disk, name) => disk.read(name)),
  renameSync: (from: unknown, to: string) =>
    onPath(from, (disk, name) => disk.rename(name, find(to)!.name)),
  rmSync: (path: unknown) => onPath(path, (disk, name) => disk.remove(name)),
  readdirSync: (path: unknown) => onPath(path, (disk) => disk.names()),
};

const PROMISED: Record<string, (...args: never[]) => unknown> = {
  open: (path: unknown, flags: unknown) => {
    const found = find(path);
    if (found === undefined) return undefined;
    const fd = openOn(found.disk, found.name, flags);
    const handle = handles.get(fd)!;
    return {
      write: async (bytes: Uint8Array, offset: number, length: number, position: number) => {
        const { disk, file } = handle;
        if (position !== file!.seen.length)
          throw new Error(`a write at ${position}, not at the end`);
        const part = bytes.subarray(offset, offset + length);
        return { bytesWritten: call(disk, () => disk.write(file!, part)) };
      },
      sync: async () => sync(handle),
      close: async () => void handles.delete(fd),
    };
  },
  rename: (from: unknown, to: string) => SYNC['renameSync']!(from as never, to as never),
  rm: (path: unknown) => SYNC['rmSync']!(path as never),
};

/** Something other than undefined, so that the real function is not called as well. */
function onPath<T>(path: unknown, work: (disk: SimulatedDisk, name: string) => T): T | undefined {
  const found = find(path);
  return found && (call(found.disk, () => work(found.disk, found.name)) ?? (DONE as T));
}

function onHandle<T>(
  fd: number,
  work: (handle: { disk: SimulatedDisk; file: File | undefined }) => T,
): T | undefined {
  const handle = handles.get(fd);
  return handle && (work(handle) ?? (DONE as T));
}

const DONE: unknown = null;

/** Real files go on as ever. */
function replaceOnce(): void {
  if (replaced) return;
  replaced = true;
  const put = (module: object, ours: typeof SYNC, promised: boolean): void => {
    const functions = module as Record<string, (...args: never[]) => unknown>;
    for (const [name, simulated] of Object.entries(ours)) {
      const real = functions[name]!;
      functions[name] = promised
        ? async (...args) => {
            const done = simulated(...args);
            return done === undefined ? real.apply(module, args) : done;
          }
        : (...args) => {
            const done = simulated(...args);
            return done === undefined ? real.apply(module, args) : done;
          };
    }
  };
  put(fs, SYNC, false);
  put(promises, PROMISED, true);
  syncBuiltinESMExports();
}
