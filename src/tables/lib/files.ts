/**
 * Reading the host's files without being caught by what lies there: named pipes and devices are
 * not read, sizes are capped, invalid UTF-8 becomes U+FFFD, a file that vanished is just absent.
 * Every path is taken below `root`, so that tests can show a collector another machine.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';

import { TableError } from '../types.ts';

/** What of a CollectContext the file helpers need. */
export interface Rooted {
  readonly root: string;
}

export interface ReadOptions {
  /** Bytes read at most; the rest is left unread. 16 MiB unless said. */
  readonly bytesMax?: number;
  /** Of a longer file the last bytes, as of a log; the first unless said. */
  readonly last?: boolean;
  /** Refuse a symbolic link as the last part: for files that ordinary users own. */
  readonly noFollow?: boolean;
}

export type ReadResult =
  | { readonly ok: true; readonly bytes: Buffer; readonly truncated: boolean }
  /** `code` is the system's (ENOENT, EACCES ...) or ENOTREG for a pipe, socket, device or folder. */
  | { readonly ok: false; readonly code: string };

/** Where a path of the host lies: below root in tests, else itself. */
export function hostPath(context: Rooted, path: string): string {
  return context.root === '/' ? path : join(context.root, path);
}

/** Reads a regular file. Never throws, never blocks on a pipe. */
export function tryRead(context: Rooted, path: string, options: ReadOptions = {}): ReadResult {
  let fd: number | undefined;
  try {
    fd = openUntouched(hostPath(context, path), openFlags(options));
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) return { ok: false, code: 'ENOTREG' };
    const { bytesMax = BYTES_MAX, last = false } = options;
    const from = last ? Math.max(0, stat.size - bytesMax) : 0;
    const { bytes, truncated } = readUpTo(fd, bytesMax, from);
    return { ok: true, bytes, truncated: truncated || from > 0 };
  } catch (error) {
    // What open(2) says of a socket.
    const code = errorCode(error);
    return { ok: false, code: code === 'ENXIO' ? 'ENOTREG' : code };
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** A file's bytes, or undefined when it cannot be read for whatever reason. */
export function readBytes(
  context: Rooted,
  path: string,
  options?: ReadOptions,
): Buffer | undefined {
  const result = tryRead(context, path, options);
  return result.ok ? result.bytes : undefined;
}

/** A file's text, or undefined when it cannot be read for whatever reason. */
export function readText(context: Rooted, path: string, options?: ReadOptions): string | undefined {
  return readBytes(context, path, options)?.toString('utf8');
}

/** A file's text without white space around it, NULL when absent or empty: the shape of sysfs attributes. */
export function readAttribute(context: Rooted, path: string): string | null {
  return readText(context, path, { bytesMax: ATTRIBUTE_BYTES_MAX })?.trim() || null;
}

/**
 * A file's text that a table cannot do without.
 * @throws TableError naming the file and what went wrong
 */
export function requireText(context: Rooted, path: string, options?: ReadOptions): string {
  const result = tryRead(context, path, options);
  if (result.ok) return result.bytes.toString('utf8');
  throw new TableError(`cannot read ${path}: ${describeCode(result.code)}`);
}

/** The target of a symbolic link, or undefined. */
export function readLink(context: Rooted, path: string): string | undefined {
  try {
    return fs.readlinkSync(hostPath(context, path));
  } catch {
    return undefined;
  }
}

/** The names in a folder, sorted; empty when it cannot be read. */
export function listDir(context: Rooted, path: string): string[] {
  try {
    return fs.readdirSync(hostPath(context, path)).sort();
  } catch {
    return [];
  }
}

/** stat, following links; undefined when there is nothing or it cannot be reached. */
export function statOf(context: Rooted, path: string): fs.Stats | undefined {
  try {
    return fs.statSync(hostPath(context, path));
  } catch {
    return undefined;
  }
}

export function exists(context: Rooted, path: string): boolean {
  return fs.existsSync(hostPath(context, path));
}

/** The system's code of an error, 'EUNKNOWN' for anything else. */
export function errorCode(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' ? code : 'EUNKNOWN';
}

/** An error code in words. */
export function describeCode(code: string): string {
  return CODE_WORDS[code] ?? code;
}

/**
 * Opens a file to read so that its time of last access stays: others look at it to see what is used.
 * The kernel grants that to the file's owner and to root only, open(2).
 */
export function openUntouched(path: string | Buffer, flags: number): number {
  try {
    return fs.openSync(path, flags | fs.constants.O_NOATIME);
  } catch (error) {
    if (errorCode(error) !== 'EPERM') throw error;
    return fs.openSync(path, flags);
  }
}

function openFlags(options: ReadOptions): number {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW, O_NOCTTY } = fs.constants;
  return O_RDONLY | O_NONBLOCK | O_NOCTTY | (options.noFollow ? O_NOFOLLOW : 0);
}

/** Sizes in /proc are 0 and in /sys 4096, so the end is where read says it is. */
function readUpTo(
  fd: number,
  bytesMax: number,
  from: number,
): { bytes: Buffer; truncated: boolean } {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    // One byte more than allowed tells a file of just that size from a longer one.
    const wanted = Math.min(SCRATCH.length, bytesMax + 1 - total);
    const count = fs.readSync(fd, SCRATCH, 0, wanted, from > 0 ? from + total : null);
    if (count === 0) return { bytes: joined(chunks, total), truncated: false };
    chunks.push(Buffer.from(SCRATCH.subarray(0, count)));
    total += count;
    if (total > bytesMax) {
      return { bytes: joined(chunks, total).subarray(0, bytesMax), truncated: true };
    }
  }
}

function joined(chunks: readonly Buffer[], total: number): Buffer {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, total);
}

/** Reading is synchronous, so one buffer serves all: a scan of processes reads thousands of small files. */
const SCRATCH = Buffer.allocUnsafeSlow(64 * 1024);

const BYTES_MAX = 16 * 1024 * 1024;
const ATTRIBUTE_BYTES_MAX = 64 * 1024;

const CODE_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied (run the agent as root to see it)',
  EPERM: 'not permitted (run the agent as root to see it)',
  ENOTREG: 'it is not a regular file',
  ELOOP: 'it is a symbolic link',
  EISDIR: 'it is a folder',
};
