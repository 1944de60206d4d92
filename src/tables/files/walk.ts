/**
 * Walking the file system after an osquery path pattern, lazily: a row can be had before a million
 * entries have been read. Links are not followed by `%%`, remote file systems are not entered
 * unasked, folders that cannot be read are counted and named in a warning.
 */
import * as fs from 'node:fs';

import { describeCode, errorCode } from '../lib/files.ts';
import { literalOf, matches, parsePattern, type PatternOp, type Token } from '../lib/wildcard.ts';
import type { CollectContext } from '../types.ts';
import { childPath, joinText, lstatOrNone, toHostPath, type HostPath } from './host-path.ts';
import { Misses } from './misses.ts';
import { remoteMounts } from './remote-mounts.ts';

export type WalkContext = Pick<CollectContext, 'root' | 'signal' | 'warn'>;

export interface WalkLimits {
  /** Folder entries looked at before the walk gives up with a warning. */
  readonly entriesMax: number;
  /** Folders below the one where `%%` begins. */
  readonly depthMax: number;
}

export interface Entry {
  readonly path: HostPath;
  readonly name: string;
  /** A folder itself, not a link to one. */
  readonly folder: boolean;
  readonly link: boolean;
}

/** One walk: what it has seen and could not see. Call `report` at its end, however it ends. */
export class Walk {
  readonly #context: WalkContext;
  readonly #limits: WalkLimits;
  readonly #misses: Misses;
  #mounts: ReadonlyMap<string, string> | undefined;
  #entries = 0;
  #stopped = false;

  constructor(context: WalkContext, limits: WalkLimits = DEFAULT_LIMITS) {
    this.#context = context;
    this.#limits = limits;
    this.#misses = new Misses(context);
  }

  /** Paths that match a LIKE or GLOB pattern; a pattern that ends in a slash gives folders, with it. */
  *paths(pattern: string, op: PatternOp): Generator<HostPath> {
    // Nothing with fewer wildcards than a path may be long can be longer than one.
    if (!pattern.startsWith('/') || pattern.length > PATTERN_MAX) return;
    const top = toHostPath(this.#context, '/');
    if (top !== undefined) yield* this.#expand(top, splitSegments(parsePattern(pattern, op)));
  }

  /** The entries of a folder, in the folder's own order. */
  *list(folder: HostPath): Generator<Entry> {
    let dir: fs.Dir | undefined;
    try {
      dir = this.#open(folder);
      while (dir !== undefined && !this.#stopped) {
        const entry = readEntry(dir, folder);
        if (entry === undefined) return;
        this.#count();
        if (!this.#isRemote(entry.path)) yield entry;
      }
    } finally {
      dir?.closeSync();
    }
  }

  /** Tells what was passed over. */
  report(): void {
    this.#misses.report();
  }

  *#expand(base: HostPath, segments: readonly Token[][]): Generator<HostPath> {
    const { literal, rest } = takeLiterals(segments);
    const start = literal === undefined ? base : toChild(base, literal);
    const [segment] = rest;
    if (segment === undefined) {
      if (lstatOrNone(start) !== undefined) yield start;
    } else if (segment.some((token) => token.kind === 'deep')) {
      yield* this.#descend(start, joinSegments(rest));
    } else {
      yield* this.#oneLevel(start, segment, rest.slice(1));
    }
  }

  *#oneLevel(
    folder: HostPath,
    segment: readonly Token[],
    rest: readonly Token[][],
  ): Generator<HostPath> {
    for (const entry of this.list(folder)) {
      if (!matches(segment, entry.name)) continue;
      if (rest.length === 0) yield entry.path;
      else if (entry.folder || entry.link) yield* this.#expand(entry.path, rest);
    }
  }

  /** One folder is open at a time; those below it wait in a list. */
  *#descend(top: HostPath, pattern: readonly Token[]): Generator<HostPath> {
    const all = pattern.length === 1;
    const prefix = literalPrefix(pattern);
    const foldersOnly = isSlash(pattern.at(-1));
    const waiting = [{ folder: top, depth: 0, relative: '' }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      for (const entry of this.list(next.folder)) {
        if (next.depth === 0 && !entry.name.startsWith(prefix)) continue;
        const relative = all ? '' : next.relative + entry.name;
        if (all || matches(pattern, relative)) yield entry.path;
        if (!entry.folder) continue;
        if (foldersOnly && matches(pattern, `${relative}/`)) yield withTrailingSlash(entry.path);
        if (next.depth + 1 < this.#limits.depthMax) {
          waiting.push({ folder: entry.path, depth: next.depth + 1, relative: `${relative}/` });
        } else {
          this.#misses.add(
            entry.path.text,
            `not entered: more than ${this.#limits.depthMax} levels deep`,
          );
        }
      }
    }
  }

  #open(folder: HostPath): fs.Dir | undefined {
    try {
      // The types know text encodings only; 'buffer' gives names as bytes.
      return fs.opendirSync(folder.raw, { encoding: 'buffer' as BufferEncoding, bufferSize: 256 });
    } catch (error) {
      const code = errorCode(error);
      // Gone since it was seen, or a link to a file: nothing is missing.
      if (code !== 'ENOENT' && code !== 'ENOTDIR') {
        this.#misses.add(folder.text, `not entered: ${describeCode(code)}`);
      }
      return undefined;
    }
  }

  #count(): void {
    this.#entries++;
    if (this.#entries % SIGNAL_EVERY === 0) this.#context.signal.throwIfAborted();
    if (this.#entries >= this.#limits.entriesMax && !this.#stopped) {
      this.#stopped = true;
      this.#context.warn(
        `stopped after ${this.#limits.entriesMax} folder entries: there may be more rows; name a deeper folder`,
      );
    }
  }

  #isRemote(path: HostPath): boolean {
    this.#mounts ??= remoteMounts(this.#context);
    const type = this.#mounts.get(path.text);
    if (type === undefined) return false;
    this.#misses.add(
      path.text,
      `not entered: a remote file system (${type}); name it to look there`,
    );
    return true;
  }
}

/** Runs a walk and reports at its end, also when the reader stops early. */
export function* withWalk<T>(
  context: WalkContext,
  body: (walk: Walk) => Iterable<T>,
): Generator<T> {
  const walk = new Walk(context);
  try {
    yield* body(walk);
  } finally {
    walk.report();
  }
}

function readEntry(dir: fs.Dir, folder: HostPath): Entry | undefined {
  let entry: fs.Dirent | null;
  try {
    entry = dir.readSync();
  } catch {
    return undefined;
  }
  if (entry === null) return undefined;
  const name = entry.name as string | Buffer;
  const bytes = typeof name === 'string' ? Buffer.from(name) : name;
  return {
    path: childPath(folder, bytes),
    name: bytes.toString('utf8'),
    folder: entry.isDirectory(),
    link: entry.isSymbolicLink(),
  };
}

/** The parts between slashes, without the empty one before the first. */
function splitSegments(tokens: readonly Token[]): Token[][] {
  const segments: Token[][] = [];
  for (const token of tokens) {
    if (isSlash(token)) segments.push([]);
    else segments.at(-1)?.push(token);
  }
  return segments;
}

function joinSegments(segments: readonly Token[][]): Token[] {
  return segments.flatMap((segment, index) =>
    index === 0 ? segment : [{ kind: 'char', char: '/' } as const, ...segment],
  );
}

/** The leading segments without wildcards, joined, and what is left. */
function takeLiterals(segments: readonly Token[][]): {
  literal: string | undefined;
  rest: Token[][];
} {
  const names: string[] = [];
  for (const segment of segments) {
    const name = literalOf(segment);
    if (name === undefined) break;
    names.push(name);
  }
  const literal = names.length > 0 ? names.join('/') : undefined;
  return { literal, rest: segments.slice(names.length) };
}

function isSlash(token: Token | undefined): boolean {
  return token?.kind === 'char' && token.char === '/';
}

function literalPrefix(tokens: readonly Token[]): string {
  let prefix = '';
  for (const token of tokens) {
    if (token.kind !== 'char') break;
    prefix += token.char;
  }
  return prefix;
}

function toChild(base: HostPath, relative: string): HostPath {
  const path = childPath(base, Buffer.from(relative));
  return { text: joinText(base.text, relative), raw: path.raw };
}

function withTrailingSlash(path: HostPath): HostPath {
  return { text: `${path.text}/`, raw: path.raw };
}

const DEFAULT_LIMITS: WalkLimits = { entriesMax: 1_000_000, depthMax: 256 };
const PATTERN_MAX = 4096;
const SIGNAL_EVERY = 256;
