/** config_lines: settings of configuration files, whatever program they are for. */
import * as fs from 'node:fs';

import { integer, text } from '../lib/columns.ts';
import { eqTexts, patterns } from '../lib/constraints.ts';
import { describeCode, errorCode, hostPath, tryRead } from '../lib/files.ts';
import { matches, parsePattern, type Token } from '../lib/wildcard.ts';
import { Misses } from '../files/misses.ts';
import { withWalk } from '../files/walk.ts';
import { TableError, type CollectContext, type LookupTable, type Row } from '../types.ts';

export const configLines: LookupTable = {
  name: 'config_lines',
  description:
    'Settings in the configuration files that this host’s own config.yaml names (config_lines: [/etc/ssh/*]), ' +
    'line by line, in place of osquery’s augeas. Lines without a setting and comments are left out.',
  kind: 'lookup',
  cost: 'expensive',
  sensitive: true,
  beyondOsquery: true,
  key: ['path', 'line'],
  columns: [
    text('path', 'The file.', { index: true }),
    integer(
      'line',
      'Number of the line, from 1; of one that goes on after a backslash, its first.',
    ),
    text('section', 'What stands in the [brackets] above it, empty before the first.'),
    text('key', 'First word of the line, or what stands before = or :.'),
    text('value', 'The rest of it, as it stands there; empty for a word alone.'),
  ],
  *lookup(context) {
    const allowed = allowedPatterns(context);
    const misses = new Misses(context);
    try {
      for (const path of pathsToRead(context, allowed)) {
        context.signal.throwIfAborted();
        yield* readLines(context, path, allowed, misses);
      }
    } finally {
      misses.report();
    }
  },
};

interface Allowed {
  readonly pattern: string;
  readonly tokens: readonly Token[];
}

function allowedPatterns(context: CollectContext): Allowed[] {
  const allowed = context.facts.allowed?.configLines ?? [];
  if (allowed.length === 0)
    throw new TableError(
      'this host shows no lines of configuration; its config.yaml says which, e.g. config_lines: [/etc/ssh/sshd_config, /etc/nginx/**]',
    );
  return allowed.map((pattern) => ({ pattern, tokens: parsePattern(pattern, 'glob') }));
}

/** A path that the query names and the host does not is an error: it would look as if it had no lines. */
function* pathsToRead(context: CollectContext, allowed: readonly Allowed[]): Generator<string> {
  const asked = eqTexts(context, 'path');
  const refused = asked?.find((path) => !isAllowed(path, allowed));
  if (refused !== undefined)
    throw new TableError(
      `${JSON.stringify(refused)} is not among the paths that this host's config.yaml names under config_lines`,
    );
  if (asked !== undefined) return yield* asked;
  const like = patterns(context, 'path').map(({ op, pattern }) => parsePattern(pattern, op));
  const seen = new Set<string>();
  for (const { pattern } of allowed) {
    for (const path of withWalk(context, (walk) => walk.paths(pattern, 'glob'))) {
      if (seen.has(path.text) || !like.every((tokens) => matchesLoosely(tokens, path.text)))
        continue;
      seen.add(path.text);
      yield path.text;
    }
  }
}

/** LIKE minds no case; SQLite checks the rows again. */
function matchesLoosely(tokens: readonly Token[], path: string): boolean {
  const loose = tokens.map((token) =>
    token.kind === 'char' ? { ...token, char: token.char.toLowerCase() } : token,
  );
  // A wildcard of SQLite's goes over slashes.
  const deep = loose.map((token) => (token.kind === 'run' ? ({ kind: 'deep' } as const) : token));
  return matches(deep, path.toLowerCase());
}

function isAllowed(path: string, allowed: readonly Allowed[]): boolean {
  return (
    !/(?:^|\/)\.\.?(?:\/|$)|\0/.test(path) && allowed.some(({ tokens }) => matches(tokens, path))
  );
}

function* readLines(
  context: CollectContext,
  path: string,
  allowed: readonly Allowed[],
  misses: Misses,
): Generator<Row> {
  const real = realPath(context, path);
  if (real === undefined) {
    // A name with other bytes comes as one that no file has.
    if (path.includes('\ufffd')) misses.add(path, 'not read: its name is not UTF-8');
    return;
  }
  // Whoever may put a link into an allowed folder must not choose what is shown.
  if (real !== path && !isAllowed(real, allowed)) {
    misses.add(path, `not read: it leads to ${real}, which config_lines does not name`);
    return;
  }
  const result = tryRead(context, real, { bytesMax: BYTES_MAX, noFollow: true });
  if (!result.ok) {
    if (result.code !== 'ENOTREG' && result.code !== 'ENOENT')
      misses.add(path, `not read: ${describeCode(result.code)}`);
    return;
  }
  if (result.truncated) misses.add(path, `only the first ${BYTES_MAX} bytes are read`);
  if (result.bytes.includes(0)) return;
  for (const row of parseConfig(result.bytes.toString('utf8'))) yield { path, ...row };
}

/** Without links; undefined when there is nothing. */
function realPath(context: CollectContext, path: string): string | undefined {
  try {
    const real = fs.realpathSync(hostPath(context, path));
    const root = context.root === '/' ? '' : fs.realpathSync(context.root);
    return real.startsWith(`${root}/`) ? real.slice(root.length) : real;
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? undefined : path;
  }
}

/** Settings of any of the forms `key = value`, `key: value`, `key value`, `key`. */
export function* parseConfig(content: string): Generator<Row> {
  let section = '';
  let begun: { line: number; text: string } | undefined;
  for (const [at, raw] of content
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const line: number = begun?.line ?? at + 1;
    const text: string = begun === undefined ? raw : `${begun.text} ${raw.trim()}`;
    begun = undefined;
    const trimmed = text.trim();
    if (trimmed === '' || /^(?:#|;|\/\/|!)/.test(trimmed)) continue;
    if (/(?:^|[^\\])(?:\\\\)*\\$/.test(trimmed)) {
      begun = { line, text: trimmed.slice(0, -1).trimEnd() };
      continue;
    }
    const header = /^\[([^\]]*)\]\s*(?:[#;].*)?$/.exec(trimmed)?.[1];
    if (header !== undefined) section = header.trim();
    else yield { line, section, ...setting(trimmed) };
  }
  if (begun !== undefined) yield { line: begun.line, section, ...setting(begun.text) };
}

/** `=` parts a key of several words, `:` only a word, as it stands in values as well. */
function setting(line: string): { key: string; value: string } {
  const match =
    /^([^=\s:]+(?:[ \t]+[^=\s:]+)*)[ \t]*=[ \t]*(.*)$/.exec(line) ??
    /^([^\s:=]+):(?:[ \t]+(.*))?$/.exec(line) ??
    /^(\S+)(?:[ \t]+(.*))?$/s.exec(line);
  return { key: match?.[1] ?? line, value: (match?.[2] ?? '').trim() };
}

const BYTES_MAX = 1024 * 1024;
