/**
 * What happens to the files that config.yaml names (file_events), by inotify(7) as fs.watch has it. It
 * only says that something is different under a name, so what is different is told from what was there
 * before: several changes within a moment are one. All is asked of the system without waiting for it.
 */
import { watch, type FSWatcher, type Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { blockingMounts, isBelow, type Row } from '../../tables/index.ts';
import type { Log } from '../log.ts';
import { EventRing } from './event-ring.ts';
import { fileDigests } from './file-digests.ts';
import { FilePatterns, type FileCategories } from './file-patterns.ts';

export interface FileWatchOptions {
  readonly categories: FileCategories;
  /** Root of the file system: '/' but in tests. */
  readonly root: string;
  readonly log: Log;
  readonly eventsMax?: number;
  readonly foldersMax?: number;
}

export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #patterns: FilePatterns;
  readonly #ring: EventRing;
  readonly #folders = new Map<string, Watched>();
  /** Files that are meant, as they were last seen. */
  readonly #known = new Map<string, Stats>();
  readonly #pending = new Set<string>();
  readonly #problems = new Set<string>();
  #working: Promise<void> = Promise.resolve();
  #number = 0;
  /** False while what is there from the start is looked at: that is no event. */
  #live = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#patterns = new FilePatterns(options.categories);
    this.#ring = new EventRing(options.eventsMax ?? EVENTS_MAX);
  }

  /** Resolves when all folders are watched. */
  async start(): Promise<void> {
    if (this.#patterns.isEmpty) return;
    await this.#then(async () => this.#enter('/', await lstat(this.#place('/'))));
    this.#live = true;
    // What inotify had no room to tell, and what a problem kept from being watched.
    this.#timer = setInterval(() => void this.#then(() => this.#lookAgain()), LOOK_AGAIN_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    for (const { watcher } of this.#folders.values()) watcher.close();
    this.#folders.clear();
    // One that asks a dead mount is not waited for.
    await Promise.race([this.#working, new Promise((done) => setTimeout(done, 500).unref())]);
  }

  /** Resolves when all that inotify has told of is looked at. */
  settled(): Promise<void> {
    return this.#working;
  }

  /** Rows of file_events, oldest first; undefined where no files are named. */
  facts(): { readonly events: Row[]; readonly problems: string[] } | undefined {
    if (this.#patterns.isEmpty) return undefined;
    const { count, atS } = this.#ring.lost;
    const overflow = {
      action: 'OVERFLOW',
      transaction_id: count,
      hashed: 0,
      time: atS,
      eid: '0',
    };
    const events = [...(count > 0 ? [overflow] : []), ...this.#ring.rows()];
    return { events, problems: [...this.#problems] };
  }

  /** One after the other, so that what was there before is known. */
  #then(work: () => Promise<void>): Promise<void> {
    this.#working = this.#working.then(async () => {
      if (!this.#stopped) await work().catch((error: unknown) => this.#problem(String(error)));
    });
    return this.#working;
  }

  #told(folder: string, name: string | null): void {
    const path = name === null ? folder : join(folder, name);
    if (this.#pending.has(path)) return;
    const isMeant = this.#patterns.categoryOf(path) !== undefined;
    if (!isMeant && !this.#patterns.mayHold(path) && !this.#folders.has(path)) return;
    if (this.#pending.size >= PENDING_MAX) return this.#ring.lose(nowS());
    this.#pending.add(path);
    // The end of a folder is told under its own name, as if it had been in itself.
    const ownEnd = name === basename(folder);
    void this.#then(async () => {
      this.#pending.delete(path);
      await this.#look(path, ownEnd);
    });
  }

  async #look(path: string, ownEnd = false): Promise<void> {
    const stats = await this.#statsOf(path, ownEnd);
    if (stats === 'unknown') return;
    const category = this.#patterns.categoryOf(path);
    if (category !== undefined) await this.#compare(path, category, stats, ownEnd);
    const isFolder = stats?.isDirectory() === true;
    const watched = this.#folders.get(path);
    // inotify goes on watching a folder that was moved away, and not the one that has its name now.
    if (watched !== undefined && !(isFolder && isSame(watched, stats))) this.#leave(path);
    if (isFolder && !this.#folders.has(path) && this.#patterns.mayHold(path))
      await this.#enter(path, stats);
    if (stats?.isSymbolicLink() === true && this.#patterns.goesThrough(path))
      this.#problem(
        `nothing behind ${path} is watched, as it is a link: name what it leads to under file_events`,
      );
  }

  /** undefined for what is not there; what cannot be looked at is a problem, and no end of it. */
  async #statsOf(path: string, ownEnd: boolean): Promise<Stats | undefined | 'unknown'> {
    try {
      return await lstat(this.#place(path));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const isGone = code === 'ENOENT' || code === 'ENOTDIR';
      // A name with other bytes comes as one that no file has.
      const isMade = isGone && path.includes('\ufffd') && !this.#known.has(path);
      if (isGone && !isMade) return undefined;
      // Told of the folder, as if it had been in itself.
      if (ownEnd && !this.#known.has(path)) return 'unknown';
      this.#problem(`${path} is not watched: ${isMade ? NOT_UTF8 : message}`);
      return 'unknown';
    }
  }

  async #compare(
    path: string,
    category: string,
    stats: Stats | undefined,
    ownEnd: boolean,
  ): Promise<void> {
    const before = this.#known.get(path);
    if (stats === undefined) {
      this.#known.delete(path);
      // One that nobody saw was made and removed before it was looked at.
      if (before !== undefined || !ownEnd) this.#note('DELETED', path, category, before);
      return;
    }
    this.#known.set(path, stats);
    const action = before === undefined ? 'CREATED' : changeOf(before, stats);
    if (action === undefined || !this.#live) return;
    const isNew = stats.isFile() && action !== 'ATTRIBUTES_MODIFIED';
    this.#note(
      action,
      path,
      category,
      stats,
      isNew ? await fileDigests(this.#place(path)) : undefined,
    );
  }

  #note(
    action: string,
    path: string,
    category: string,
    stats: Stats | undefined,
    digests: Row = { hashed: 0 },
  ): void {
    if (!this.#live) return;
    this.#number += 1;
    this.#ring.push({
      target_path: path,
      category,
      action,
      ...(stats === undefined ? {} : columnsOf(stats)),
      ...digests,
      time: nowS(),
      eid: String(this.#number),
    });
  }

  /** Watches a folder, then looks at what is in it: nothing can come between. */
  async #enter(folder: string, { dev, ino }: Stats): Promise<void> {
    const { foldersMax = FOLDERS_MAX } = this.#options;
    if (this.#folders.size >= foldersMax)
      return this.#problem(
        `more than ${foldersMax} folders would be watched: ${folder} and others are not; name fewer under file_events`,
      );
    // Folders of other machines tell nothing of what those do, and may never answer.
    if (isBelow(folder, blockingMounts({ root: this.#options.root })))
      return this.#problem(`${folder} is not watched: it is of another machine or process`);
    try {
      const watcher = watch(this.#place(folder), { persistent: false }, (_, name) =>
        this.#told(folder, name),
      );
      watcher.on('error', () => this.#told(folder, null));
      this.#folders.set(folder, { watcher, dev, ino });
      await this.#lookInto(folder);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return;
      this.#problem(`${folder} is not watched: ${code === 'ENOSPC' ? NO_WATCHES : message}`);
    }
  }

  async #lookInto(folder: string): Promise<void> {
    for (const name of await readdir(this.#place(folder))) {
      const path = join(folder, name);
      if (this.#stopped) return;
      if (this.#patterns.categoryOf(path) !== undefined || this.#patterns.mayHold(path))
        await this.#look(path);
    }
  }

  /** A folder is gone, and with it what was below. */
  #leave(folder: string): void {
    const below = `${folder}/`;
    for (const [path, { watcher }] of this.#folders) {
      if (path !== folder && !path.startsWith(below)) continue;
      watcher.close();
      this.#folders.delete(path);
    }
    for (const [path, before] of this.#known) {
      if (!path.startsWith(below)) continue;
      this.#known.delete(path);
      this.#note('DELETED', path, this.#patterns.categoryOf(path) ?? '', before);
    }
  }

  async #lookAgain(): Promise<void> {
    for (const path of this.#known.keys()) await this.#look(path, true);
    for (const folder of [...this.#folders.keys()])
      await this.#lookInto(folder).catch(() => this.#leave(folder));
  }

  #place(path: string): string {
    return this.#options.root === '/' ? path : join(this.#options.root, path);
  }

  #problem(message: string): void {
    if (this.#problems.size >= PROBLEMS_MAX || this.#problems.has(message)) return;
    this.#problems.add(message);
    this.#options.log.warn({ message }, 'files of file_events are not all watched');
  }
}

/** A folder that inotify watches, whatever its name is by now. */
interface Watched {
  readonly watcher: FSWatcher;
  readonly dev: number;
  readonly ino: number;
}

function isSame(before: Pick<Stats, 'dev' | 'ino'>, now: Pick<Stats, 'dev' | 'ino'>): boolean {
  return before.ino === now.ino && before.dev === now.dev;
}

/** What is different about a file; undefined for nothing. */
function changeOf(before: Stats, now: Stats): string | undefined {
  // Another file has taken its name.
  if (!isSame(before, now)) return 'MOVED_TO';
  // A folder changes with what is in it, which is told by itself.
  if (before.mtimeMs !== now.mtimeMs || before.size !== now.size)
    return now.isDirectory() ? undefined : 'UPDATED';
  return before.ctimeMs === now.ctimeMs ? undefined : 'ATTRIBUTES_MODIFIED';
}

function columnsOf(stats: Stats): Row {
  return {
    inode: stats.ino,
    uid: stats.uid,
    gid: stats.gid,
    mode: (stats.mode & 0o7777).toString(8).padStart(4, '0'),
    size: stats.size,
    atime: Math.floor(stats.atimeMs / 1000),
    mtime: Math.floor(stats.mtimeMs / 1000),
    ctime: Math.floor(stats.ctimeMs / 1000),
  };
}

function nowS(): number {
  return Math.floor(Date.now() / 1000);
}

const EVENTS_MAX = 10_000;
const FOLDERS_MAX = 8_192;
const PENDING_MAX = 10_000;
const PROBLEMS_MAX = 100;
const LOOK_AGAIN_MS = 5 * 60_000;
const NO_WATCHES =
  'the kernel gives no more watches; raise sysctl fs.inotify.max_user_watches, or name fewer';
const NOT_UTF8 = 'its name is not UTF-8';
