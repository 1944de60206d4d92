/**
 * Outcomes that wait on disk for a database that is away: one file per lease token, appended and
 * fsynced. They outlive this process: what an earlier one left is written before new work is taken.
 * A record is `u32 big endian length | first 8 bytes of SHA-256 | outcome`; a torn tail, which no
 * append ever reported as kept, is left out.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeAt } from '../../agent/index.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Outcome } from './outcome.ts';

export interface SpoolOptions {
  /** Made with mode 0700 where it is not there yet. */
  readonly folder: string;
  /** Most bytes of all files together. */
  readonly bytesMax: number;
  readonly log: Log;
}

export class Spool {
  readonly #options: SpoolOptions;
  readonly #files = new Map<string, SpoolFile>();
  #bytes = 0;
  #lastNumber = 0;

  constructor(options: SpoolOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(options.folder).sort()) this.#adopt(name);
  }

  /** Bytes on disk, also those that a crash tore. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Tokens with outcomes on disk, the oldest first. */
  get tokens(): string[] {
    return [...this.#files.keys()];
  }

  has(token: string): boolean {
    return this.#files.has(token);
  }

  /** Keeps outcomes, fsynced. False when there is no room, or the disk says no: then none is kept. */
  async append(token: string, outcomes: readonly Outcome[]): Promise<boolean> {
    const bytes = Buffer.concat(outcomes.map(encode));
    if (this.#bytes + bytes.length > this.#options.bytesMax) return false;
    const file = this.#files.get(token) ?? this.#newFile(token);
    this.#bytes += bytes.length;
    try {
      await write(file, bytes, this.#options.folder);
    } catch (error) {
      this.#bytes -= bytes.length;
      this.#options.log.warn({ file: file.path, error: messageOf(error) }, 'could not spool');
      return false;
    }
    file.size += bytes.length;
    this.#files.set(token, file);
    return true;
  }

  /**
   * The first outcomes of a token that are not dropped yet: at least one, then up to `bytesMax`.
   * Rejects with the error of the disk.
   */
  async head(token: string, bytesMax: number): Promise<readonly Outcome[]> {
    const file = this.#files.get(token);
    if (file === undefined) return [];
    const outcomes: Outcome[] = [];
    file.headEnd = file.start;
    const handle = await open(file.path, 'r');
    try {
      for (;;) {
        const record = await readRecord(handle, file.headEnd, file.size);
        if (record === undefined) break;
        if (outcomes.length > 0 && file.headEnd + record.size - file.start > bytesMax) break;
        outcomes.push(record.outcome);
        file.headEnd += record.size;
      }
    } finally {
      await handle.close();
    }
    return outcomes;
  }

  /** What the last `head` gave is written; the file goes with its last outcome. */
  async dropHead(token: string): Promise<void> {
    const file = this.#files.get(token);
    if (file === undefined) return;
    const read = file.headEnd > file.start;
    file.start = file.headEnd;
    if (read && file.start < file.size) return;
    // Nothing could be read of what is left: torn by a crash.
    this.#files.delete(token);
    this.#bytes -= file.size;
    await rm(file.path, { force: true });
  }

  #adopt(name: string): void {
    const match = NAME.exec(name);
    if (match === null) return;
    const path = join(this.#options.folder, name);
    const { size } = statSync(path);
    this.#files.set(match[2]!, { path, size, start: 0, headEnd: 0 });
    this.#bytes += size;
    this.#lastNumber = Math.max(this.#lastNumber, Number(match[1]));
  }

  #newFile(token: string): SpoolFile {
    const number = String(++this.#lastNumber).padStart(10, '0');
    const path = join(this.#options.folder, `${number}-${token}.spool`);
    return { path, size: 0, start: 0, headEnd: 0 };
  }
}

interface SpoolFile {
  readonly path: string;
  size: number;
  /** Where the first outcome begins that is not written yet. */
  start: number;
  /** Where the last head that was read ends. */
  headEnd: number;
}

const NAME = /^(\d{10})-([0-9a-f-]{36})\.spool$/;
const HEAD_BYTES = 12;

function checksum(body: Buffer): Buffer {
  return createHash('sha256').update(body).digest().subarray(0, 8);
}

function encode(outcome: Outcome): Buffer {
  const { text, ...facts } = outcome;
  const body = Buffer.from(`${JSON.stringify(facts)}\n${text}`);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(body.length);
  checksum(body).copy(head, 4);
  return Buffer.concat([head, body]);
}

/** What an append that failed half-way left behind is written over. */
async function write(file: SpoolFile, bytes: Buffer, folder: string): Promise<void> {
  const handle = await open(file.path, file.size === 0 ? 'w' : 'r+', 0o600);
  try {
    await writeAt(handle, bytes, file.size);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  if (file.size === 0) await syncFolder(folder);
}

/** Undefined at the end, and where a crash tore the record. */
async function readRecord(
  handle: FileHandle,
  at: number,
  end: number,
): Promise<{ outcome: Outcome; size: number } | undefined> {
  if (at + HEAD_BYTES > end) return undefined;
  const head = Buffer.alloc(HEAD_BYTES);
  await handle.read(head, 0, HEAD_BYTES, at);
  const length = head.readUInt32BE();
  if (at + HEAD_BYTES + length > end) return undefined;
  const body = Buffer.alloc(length);
  await handle.read(body, 0, length, at + HEAD_BYTES);
  if (!checksum(body).equals(head.subarray(4))) return undefined;
  const line = body.indexOf(10);
  const facts = JSON.parse(body.toString('utf8', 0, line)) as Omit<Outcome, 'text'>;
  const outcome = { ...facts, text: body.toString('utf8', line + 1) };
  return { outcome, size: HEAD_BYTES + length };
}
