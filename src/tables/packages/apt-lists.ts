/** What apt has fetched into /var/lib/apt/lists: releases and the packages in them. */
import { gunzipSync } from 'node:zlib';

import { listDir, readBytes, readText, statOf, type Rooted } from '../lib/files.ts';
import { runProgram } from '../lib/program.ts';
import { paragraphs, type Paragraph } from './control-file.ts';

/** Header fields of a Release file (names in lower case), with PGP armour around it or not. */
export function readRelease(context: Rooted, prefix: string): Paragraph | undefined {
  for (const name of ['InRelease', 'Release']) {
    const text = readText(context, `${LISTS}/${prefix}_${name}`);
    if (text === undefined) continue;
    for (const paragraph of paragraphs(text)) {
      if (paragraph.has('codename') || paragraph.has('suite') || paragraph.has('date')) {
        return paragraph;
      }
    }
  }
  return undefined;
}

/** The name that files about `suite` of the archive at `uri` begin with, as apt makes it. */
export function listPrefix(uri: string, suite: string): string {
  const folder = suite.endsWith('/') ? suite.replace(/^\/+/, '') : `dists/${suite}`;
  const bytes = Buffer.from(`${placeOf(uri).replace(/\/+$/, '')}/${folder}`.replace(/\/+$/, ''));
  return bytes
    .toString('latin1')
    .replace(QUOTED, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .replaceAll('/', '_');
}

/**
 * Host and path of a URI as apt names files by them: without scheme, user and the brackets around an
 * IPv6 address or a CD's label, in which a `/` ends no host.
 */
function placeOf(uri: string): string {
  const rest = uri.replace(/^[^:/]*:(?:\/\/)?/, '');
  const [authority] = /^(?:\[[^\]]*\]|[^/])*/.exec(rest)!;
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return host.replace(/^\[([^\]]*)\]/, '$1') + rest.slice(authority.length);
}

export interface PackageList {
  /** Path of the file. */
  readonly path: string;
  /** What the files of its release begin with. */
  readonly prefix: string;
  /** When apt fetched it, seconds since 1970. */
  readonly fetched: number;
}

/** The lists of binary packages on the disk. */
export function packageLists(context: Rooted): PackageList[] {
  return listDir(context, LISTS).flatMap((name) => {
    const prefix = /^(.+?)(?:_[^_]+_binary-[^_]+)?_Packages(?:\.\w+)?$/.exec(name)?.[1];
    const stat = statOf(context, `${LISTS}/${name}`);
    if (prefix === undefined || stat === undefined || !stat.isFile()) return [];
    return [{ path: `${LISTS}/${name}`, prefix, fetched: Math.floor(stat.mtimeMs / 1000) }];
  });
}

/**
 * A list's text, unpacked. As latin1, which keeps a list of 60,000 packages at one byte a
 * character; names and versions are ASCII.
 */
export async function listText(context: Rooted, list: PackageList): Promise<string | undefined> {
  if (!/\.\w+$/.test(list.path.slice(LISTS.length)) || list.path.endsWith('_Packages')) {
    return readBytes(context, list.path, { bytesMax: TEXT_MAX })?.toString('latin1');
  }
  if (list.path.endsWith('.gz')) {
    const packed = readBytes(context, list.path, { bytesMax: TEXT_MAX });
    if (packed === undefined) return undefined;
    return gunzipSync(packed, { maxOutputLength: TEXT_MAX }).toString('latin1');
  }
  // Node knows neither lz4 nor xz; apt brings a program that does.
  const { stdout } = await runProgram(context, '/usr/lib/apt/apt-helper', ['cat-file', list.path], {
    timeoutMs: UNPACK_MS,
    outputMax: TEXT_MAX,
  });
  return stdout;
}

/** The paragraphs of the packages in `wanted`; others are passed over unparsed. */
export function* findPackages(text: string, wanted: ReadonlySet<string>): Generator<Paragraph> {
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf('\n\n', start);
    const stop = end < 0 ? text.length : end;
    const lineEnd = text.indexOf('\n', start);
    if (text.startsWith('Package: ', start) && wanted.has(text.slice(start + 9, lineEnd))) {
      yield* paragraphs(text.slice(start, stop));
    }
    start = stop + 2;
  }
}

export const LISTS = '/var/lib/apt/lists';
/** apt's URItoFileName. */
const QUOTED = /[\\|{}[\]<>"^~_=!@#$%&*]|[^!-~]/g;
const TEXT_MAX = 192 * 1024 * 1024;
const UNPACK_MS = 4_000;
