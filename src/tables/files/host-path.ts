/**
 * Paths as the kernel has them: bytes. SQL has text, so a name that is no UTF-8 is shown with
 * U+FFFD in it, and found again by that text.
 */
import * as fs from 'node:fs';

import { hostPath, type Rooted } from '../lib/files.ts';

export interface HostPath {
  /** As rows show it. */
  readonly text: string;
  /** As the kernel knows it, with the context's root in front. */
  readonly raw: Buffer;
}

/** A path written by a person; undefined when no file can have it (relative, or with a NUL). */
export function toHostPath(context: Rooted, text: string): HostPath | undefined {
  if (!text.startsWith('/') || text.includes('\0') || text.length > PATH_MAX) return undefined;
  return { text, raw: Buffer.from(hostPath(context, text)) };
}

/** The entry `name` of a folder. */
export function childPath(folder: HostPath, name: Buffer): HostPath {
  return {
    text: joinText(folder.text, name.toString('utf8')),
    raw: Buffer.concat([withSlash(folder.raw), name]),
  };
}

export function joinText(folder: string, name: string): string {
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

/**
 * The existing paths that are shown as `text`: one as a rule, none when there is no such file,
 * several when names that are no UTF-8 look alike.
 */
export function* findPaths(context: Rooted, text: string): Generator<HostPath> {
  const path = toHostPath(context, text);
  if (path === undefined) return;
  if (lstatOrNone(path) !== undefined) yield path;
  else if (text.includes(REPLACEMENT)) yield* findShownAs(context, text);
}

/** lstat, or undefined when there is nothing or it cannot be reached. */
export function lstatOrNone(path: HostPath): fs.Stats | undefined {
  try {
    return fs.lstatSync(path.raw, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** stat, following links, or undefined when there is nothing or it cannot be reached. */
export function statOrNone(path: HostPath): fs.Stats | undefined {
  try {
    return fs.statSync(path.raw, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** The inode number: some file systems (of containers, say) use all 64 bits, which a number loses. */
export function inodeOf(path: HostPath, stat: fs.Stats): number | bigint {
  if (Number.isSafeInteger(stat.ino)) return stat.ino;
  try {
    const follow = !stat.isSymbolicLink();
    return (follow ? fs.statSync : fs.lstatSync)(path.raw, { bigint: true }).ino;
  } catch {
    return stat.ino;
  }
}

/** The last part of a path as shown; empty for the root. */
export function baseName(text: string): string {
  return trimSlashes(text).split('/').at(-1) ?? '';
}

/** The folder a path lies in. */
export function parentName(text: string): string {
  const trimmed = trimSlashes(text);
  return trimmed.slice(0, Math.max(trimmed.lastIndexOf('/'), 1));
}

/** Goes down part by part, taking at each every entry that is shown as the part. */
function* findShownAs(context: Rooted, text: string): Generator<HostPath> {
  let level: HostPath[] = [{ text: '/', raw: Buffer.from(hostPath(context, '/')) }];
  for (const part of text.split('/').filter((name) => name !== '')) {
    level = level.flatMap((folder) => entriesShownAs(folder, part)).slice(0, LOOKALIKES_MAX);
  }
  for (const path of level) yield { text, raw: path.raw };
}

function entriesShownAs(folder: HostPath, part: string): HostPath[] {
  if (!part.includes(REPLACEMENT)) {
    const path = childPath(folder, Buffer.from(part));
    return lstatOrNone(path) === undefined ? [] : [path];
  }
  try {
    return fs
      .readdirSync(folder.raw, { encoding: 'buffer' })
      .filter((name) => name.toString('utf8') === part)
      .map((name) => childPath(folder, name));
  } catch {
    return [];
  }
}

function withSlash(raw: Buffer): Buffer {
  return raw.at(-1) === SLASH ? raw : Buffer.concat([raw, Buffer.of(SLASH)]);
}

function trimSlashes(text: string): string {
  let end = text.length;
  while (end > 1 && text[end - 1] === '/') end--;
  return text.slice(0, end);
}

const SLASH = 0x2f;
const REPLACEMENT = '\ufffd';
const LOOKALIKES_MAX = 100;
/** PATH_MAX of Linux: no system call takes a longer one. */
const PATH_MAX = 4096;
