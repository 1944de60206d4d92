/**
 * The journal of commands, `actions.journal` in the state folder: what keeps a command from being
 * carried out twice. One line per record, `CHECKSUM JSON`, on the disk before it counts: `start`
 * before the program starts, `end` with its outcome. An id is kept until no hub can ask for it any
 * more. A last line that broke off was never told to anybody and is cut away; any other damage
 * closes the journal, since a lost line could be a command that would run again.
 */
import { createHash } from 'node:crypto';
import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { syncFolder, writeAt } from '../state/durable-file.ts';
import type { StateFolder } from '../state/state-folder.ts';
import { ActionRefusal, type ActionOutcome, type Command } from './types.ts';

export const JOURNAL_FILE = 'actions.journal';

export interface JournalEntry extends Command {
  /** Hash of action and arguments. */
  readonly hash: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** Node id of the hub. */
  readonly origin: string;
  /** Whether its outcome is on the disk. */
  readonly ended: boolean;
}

/** Clocks of hubs and hosts agree within this (docs/protocol.md section 8), and it is taken thrice. */
export const CLOCK_WINDOW_MS = 5 * 60_000;
const KEPT_AFTER_EXPIRY_MS = 3 * CLOCK_WINDOW_MS;
/** Kept whatever the clock says: it may have jumped ahead. */
const NEWEST_KEPT = 100;
const ENTRIES_MAX = 100_000;
const BYTES_MAX = 64 * 1024 * 1024;
const COMPACT_BYTES = 1024 * 1024;

interface Place {
  readonly at: number;
  readonly length: number;
}

interface Kept {
  /** With `ended` as of now. */
  entry: JournalEntry;
  start: Place;
  end: Place | undefined;
  /** An outcome that could not be written. */
  unsaved: ActionOutcome | undefined;
}

interface StartRecord {
  readonly kind: 'start';
  readonly entry: Omit<JournalEntry, 'ended'>;
}

interface EndRecord {
  readonly kind: 'end';
  readonly id: string;
  readonly outcome: ActionOutcome;
}

export class ActionJournal {
  readonly #state: StateFolder;
  #file: FileHandle;
  #size = 0;
  #damage: string | undefined;
  /** In the order of their starts. */
  #kept = new Map<string, Kept>();
  /** One change of the file at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @throws when the file cannot be opened, or is damaged */
  static async open(state: StateFolder): Promise<ActionJournal> {
    const path = state.file(JOURNAL_FILE);
    const file = await open(path, 'a+', 0o600);
    await file.close();
    await syncFolder(state.path);
    const journal = new ActionJournal(state, await open(path, 'r+'));
    try {
      await journal.#load(await readFile(path));
      return journal;
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  private constructor(state: StateFolder, file: FileHandle) {
    this.#state = state;
    this.#file = file;
  }

  find(id: string): JournalEntry | undefined {
    return this.#kept.get(id)?.entry;
  }

  /** The oldest first. */
  list(): JournalEntry[] {
    return [...this.#kept.values()].map(({ entry }) => entry);
  }

  /**
   * Resolves when the start is on the disk. Until then nothing may start.
   * @throws ActionRefusal `journal` when it cannot be written, `busy` when the journal is full,
   *   `command_reused` when it has the id already, whoever asks
   */
  start(entry: Omit<JournalEntry, 'ended'>): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#kept.has(entry.id))
        throw new ActionRefusal('command_reused', `command ${entry.id} was started here already`);
      await this.#makeRoom(entry.startedAt);
      const start = await this.#append({ kind: 'start', entry }).catch((error: unknown) => {
        const why = (error as Error).message;
        throw new ActionRefusal('journal', `the journal of commands cannot be written: ${why}`);
      });
      this.#begun(entry, start);
    });
  }

  /**
   * Keeps an outcome. Where the disk does not take it, it is kept in memory all the same: after a
   * restart the command is then `interrupted`.
   * @throws what went wrong with the disk
   */
  end(id: string, outcome: ActionOutcome): Promise<void> {
    return this.#inTurn(async () => {
      const kept = this.#kept.get(id)!;
      kept.entry = { ...kept.entry, ended: true };
      kept.unsaved = outcome;
      kept.end = await this.#append({ kind: 'end', id, outcome });
      kept.unsaved = undefined;
    });
  }

  /** Of a command that has ended. */
  outcome(id: string): Promise<ActionOutcome> {
    return this.#inTurn(async () => {
      const kept = this.#kept.get(id);
      if (kept?.unsaved !== undefined) return kept.unsaved;
      if (kept?.end === undefined) throw new Error(`the journal has no outcome of ${id}`);
      const record = parseLine(await this.#read(kept.end)) as EndRecord | undefined;
      if (record === undefined) {
        throw new ActionRefusal('journal', `the outcome of ${id} cannot be read from the journal`);
      }
      return record.outcome;
    });
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#file.close();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #load(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, at);
      if (newline < 0) break;
      const record = parseLine(bytes.subarray(at, newline + 1));
      if (record === undefined) throw damaged(this.#state, at);
      this.#apply(record, { at, length: newline + 1 - at });
      at = newline + 1;
      this.#size = at;
    }
    if (this.#size < bytes.length) await this.#cut();
  }

  #apply(record: StartRecord | EndRecord, place: Place): void {
    if (record.kind === 'start') return this.#begun(record.entry, place);
    const kept = this.#kept.get(record.id);
    if (kept === undefined) return;
    kept.entry = { ...kept.entry, ended: true };
    kept.end = place;
  }

  #begun(entry: Omit<JournalEntry, 'ended'>, start: Place): void {
    const kept = { entry: { ...entry, ended: false }, start, end: undefined, unsaved: undefined };
    this.#kept.set(entry.id, kept);
  }

  /** What fails leaves the file as it was, or closes the journal. */
  async #append(record: StartRecord | EndRecord): Promise<Place> {
    if (this.#damage !== undefined) throw new Error(this.#damage);
    const line = lineOf(record);
    try {
      await writeAt(this.#file, line, this.#size);
      await this.#file.datasync();
    } catch (error) {
      await this.#cut().catch((second: unknown) => {
        this.#damage = `half a line cannot be taken back: ${(second as Error).message}`;
      });
      throw error;
    }
    const place = { at: this.#size, length: line.length };
    this.#size += line.length;
    return place;
  }

  async #cut(): Promise<void> {
    await this.#file.truncate(this.#size);
    await this.#file.datasync();
  }

  async #read({ at, length }: Place): Promise<Buffer> {
    const { buffer, bytesRead } = await this.#file.read(Buffer.alloc(length), 0, length, at);
    return buffer.subarray(0, bytesRead);
  }

  async #makeRoom(now: number): Promise<void> {
    if (this.#size < COMPACT_BYTES && this.#kept.size < ENTRIES_MAX) return;
    const old = this.#outlived(now);
    const bytes = old.reduce((sum, kept) => sum + kept.start.length + (kept.end?.length ?? 0), 0);
    if (bytes > this.#size / 2 || this.#isFull) await this.#compact(new Set(old)).catch(ignore);
    if (!this.#isFull) return;
    throw new ActionRefusal('busy', `the journal is full: ${this.#kept.size} commands are kept`);
  }

  get #isFull(): boolean {
    return this.#size >= BYTES_MAX || this.#kept.size >= ENTRIES_MAX;
  }

  /** Those that no hub can ask for any more. */
  #outlived(now: number): Kept[] {
    return [...this.#kept.values()]
      .slice(0, -NEWEST_KEPT)
      .filter(({ entry }) => entry.ended && entry.expires + KEPT_AFTER_EXPIRY_MS < now);
  }

  /** A new file beside, whole and on the disk before it takes the place of the old one. */
  async #compact(without: ReadonlySet<Kept>): Promise<void> {
    const path = this.#state.file(JOURNAL_FILE);
    const beside = `${path}.new`;
    const file = await open(beside, 'w+', 0o600);
    const kept = new Map<string, Kept>();
    let size = 0;
    const copy = async (place: Place): Promise<Place> => {
      await writeAt(file, await this.#read(place), size);
      size += place.length;
      return { at: size - place.length, length: place.length };
    };
    try {
      for (const [id, each] of this.#kept) {
        if (without.has(each)) continue;
        const start = await copy(each.start);
        kept.set(id, { ...each, start, end: each.end && (await copy(each.end)) });
      }
      await file.datasync();
      await rename(beside, path);
    } catch (error) {
      await file.close();
      await rm(beside, { force: true });
      throw error;
    }
    const old = this.#file;
    [this.#file, this.#kept, this.#size] = [file, kept, size];
    await old.close().catch(ignore);
    await syncFolder(this.#state.path).catch((error: unknown) => {
      // After a loss of power the old file might be back, without what is written from now on.
      this.#damage = `its folder cannot be written: ${(error as Error).message}`;
    });
  }
}

const NEWLINE = 10;
const CHECKSUM_CHARS = 16;
const ignore = (): undefined => undefined;

function lineOf(record: StartRecord | EndRecord): Buffer {
  const json = JSON.stringify(record);
  return Buffer.from(`${checksum(json)} ${json}\n`);
}

/** Undefined for a line that is not whole as it was written. */
function parseLine(line: Buffer): StartRecord | EndRecord | undefined {
  const text = line.toString('utf8');
  const json = text.slice(CHECKSUM_CHARS + 1, -1);
  if (text !== `${checksum(json)} ${json}\n`) return undefined;
  return JSON.parse(json) as StartRecord | EndRecord;
}

function checksum(json: string): string {
  return createHash('sha256').update(json).digest('hex').slice(0, CHECKSUM_CHARS);
}

function damaged(state: StateFolder, at: number): Error {
  const file = JSON.stringify(state.file(JOURNAL_FILE));
  return new Error(
    `${file} is damaged at byte ${at}: no action runs until somebody moves it away, once no command of a hub can be under way`,
  );
}
