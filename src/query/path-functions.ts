/**
 * osquery's functions about paths in command lines: what a shell or a service manager would start where
 * blanks may be of a name or between words. They look at this host's files, as table `file` does.
 */
import { blockingMounts, isBelow, statOf, type Rooted } from '../tables/index.ts';
import type { Value } from '../tables/types.ts';

type PathFunction = (...args: Value[]) => Value;

/** Name, number of arguments, what it gives; as in functions.ts. */
export function pathFunctions(
  host: Rooted,
): readonly (readonly [name: string, arity: readonly [number, number], PathFunction])[] {
  const programs = (args: readonly Value[]): string[] => programsIn(host, commandOf(args));
  return [
    ['parent_directory', [1, 1], parentDirectory],
    ['find_file_path_in_cmd', [1, 3], (...args) => programs(args)[0] ?? ''],
    ['is_path_deterministic', [1, 3], (...args) => (programs(args).length > 1 ? 0 : 1)],
  ];
}

/** What stands before the last slash; NULL where there is none. */
function parentDirectory(path: Value): Value {
  if (typeof path !== 'string') throw new Error(`a path is a text, and ${shown(path)} is none`);
  const slash = path.lastIndexOf('/');
  return slash < 0 ? null : path.slice(0, slash);
}

interface Command {
  readonly text: string;
  /** Blanks between double quotes part no words. */
  readonly quoting: boolean;
  readonly escape: string;
}

function commandOf([command, quoting = 0, escape = '\\']: readonly Value[]): Command {
  if (typeof command !== 'string')
    throw new Error(`a command is a text, and ${shown(command)} is none`);
  if (quoting !== 0 && quoting !== 1)
    throw new Error(
      `the second argument is 1 where quotes count, else 0, and not ${shown(quoting)}`,
    );
  if (typeof escape !== 'string' || [...escape].length !== 1)
    throw new Error(`the third argument is one character that escapes, and not ${shown(escape)}`);
  return { text: command, quoting: quoting === 1, escape };
}

/** The files that the command's first word, its first two, and so on name, the shortest first. */
function programsIn(host: Rooted, { text, quoting, escape }: Command): string[] {
  const mayHang = blockingMounts(host);
  const found: string[] = [];
  let path = '';
  let isQuoted = false;
  let isEscaped = false;
  const look = (): void => {
    if (found.at(-1) !== path && isFile(host, path, mayHang)) found.push(path);
  };
  for (const character of text.trimStart()) {
    if (isEscaped) isEscaped = false;
    else if (quoting && character === '"') {
      isQuoted = !isQuoted;
      continue;
    } else if (character === escape) {
      isEscaped = true;
      continue;
    } else if (!isQuoted && /[ \t-\r]/.test(character)) look();
    path += character;
  }
  look();
  return found;
}

function isFile(host: Rooted, path: string, mayHang: readonly string[]): boolean {
  if (!path.startsWith('/') || path.includes('\0') || isBelow(path, mayHang)) return false;
  const stat = statOf(host, path);
  return stat !== undefined && !stat.isDirectory();
}

function shown(value: Value | undefined): string {
  const text = value instanceof Uint8Array ? 'a blob' : JSON.stringify(String(value));
  return text.slice(0, 80);
}
