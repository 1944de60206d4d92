/** The paths of the host that match an osquery path pattern. */
import * as fs from 'node:fs';

import { hostPath, type Rooted } from './files.ts';
import { literalOf, matches, parsePattern, type PatternOp, type Token } from './wildcard.ts';

/**
 * Paths that match, lazily, parents before children, in the order the folders hold them. Folders
 * that cannot be read are passed over. `%%` does not go through symbolic links, so that loops end.
 * Matching minds case, as the file system does and as osquery; SQLite's LIKE then checks again.
 */
export function* globPaths(
  context: Rooted,
  pattern: string,
  op: PatternOp = 'like',
): Generator<string> {
  if (!pattern.startsWith('/')) return;
  const segments = splitSegments(parsePattern(pattern, op));
  yield* expand(context, '', segments, 0);
}

function* expand(
  context: Rooted,
  base: string,
  segments: readonly Token[][],
  at: number,
): Generator<string> {
  const segment = segments[at];
  if (segment === undefined) {
    if (base !== '') yield base;
    return;
  }
  if (segment.some((token) => token.kind === 'deep')) {
    yield* descend(context, base, joinSegments(segments.slice(at)), '');
    return;
  }
  const literal = literalOf(segment);
  if (literal !== undefined) {
    yield* expandLiteral(context, base, literal, segments, at);
    return;
  }
  for (const entry of entriesOf(context, base)) {
    if (!matches(segment, entry.name)) continue;
    if (at + 1 < segments.length && !mayHoldEntries(entry)) continue;
    yield* expand(context, `${base}/${entry.name}`, segments, at + 1);
  }
}

function* expandLiteral(
  context: Rooted,
  base: string,
  literal: string,
  segments: readonly Token[][],
  at: number,
): Generator<string> {
  const path = `${base}/${literal}`;
  const last = at + 1 === segments.length;
  if (last && literal !== '' && !present(context, path)) return;
  yield* expand(context, path, segments, at + 1);
}

function* descend(
  context: Rooted,
  base: string,
  rest: readonly Token[],
  relative: string,
): Generator<string> {
  for (const entry of entriesOf(context, base)) {
    const name = relative === '' ? entry.name : `${relative}/${entry.name}`;
    const path = `${base}/${entry.name}`;
    if (matches(rest, name)) yield path;
    if (entry.isDirectory()) yield* descend(context, path, rest, name);
  }
}

/** Lazily, so that a folder of a million files costs no more than the rows that are asked for. */
function* entriesOf(context: Rooted, folder: string): Generator<fs.Dirent> {
  let dir: fs.Dir;
  try {
    dir = fs.opendirSync(hostPath(context, folder || '/'), { bufferSize: 256 });
  } catch {
    return;
  }
  try {
    for (let entry = nextEntry(dir); entry !== null; entry = nextEntry(dir)) yield entry;
  } finally {
    dir.closeSync();
  }
}

function nextEntry(dir: fs.Dir): fs.Dirent | null {
  try {
    return dir.readSync();
  } catch {
    return null;
  }
}

function mayHoldEntries(entry: fs.Dirent): boolean {
  return entry.isDirectory() || entry.isSymbolicLink();
}

/** ENOENT is answered, all else thrown: a folder without rights on the way, a file taken for one. */
function present(context: Rooted, path: string): boolean {
  try {
    return fs.lstatSync(hostPath(context, path), { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** The parts between slashes, without the empty one before the first. */
function splitSegments(tokens: readonly Token[]): Token[][] {
  const segments: Token[][] = [];
  for (const token of tokens) {
    if (token.kind === 'char' && token.char === '/') segments.push([]);
    else segments.at(-1)?.push(token);
  }
  return segments;
}

function joinSegments(segments: readonly Token[][]): Token[] {
  return segments.flatMap((segment, index) =>
    index === 0 ? segment : [{ kind: 'char', char: '/' } as const, ...segment],
  );
}
