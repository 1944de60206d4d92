/** Paths of config.yaml's file_events: which files they mean, and which folders have to be watched for them. */
import { matchesTokens, parsePattern, type PatternToken } from '../../tables/index.ts';

export type FileCategories = ReadonlyMap<string, readonly string[]>;

interface Pattern {
  readonly category: string;
  readonly whole: readonly PatternToken[];
  readonly segments: readonly (readonly PatternToken[])[];
}

export class FilePatterns {
  readonly #patterns: readonly Pattern[];

  constructor(categories: FileCategories) {
    this.#patterns = [...categories].flatMap(([category, paths]) =>
      paths.map((path) => ({
        category,
        whole: parsePattern(path, 'glob'),
        segments: path
          .slice(1)
          .split('/')
          .map((segment) => parsePattern(segment, 'glob')),
      })),
    );
  }

  get isEmpty(): boolean {
    return this.#patterns.length === 0;
  }

  /** The first category that has the file. */
  categoryOf(path: string): string | undefined {
    return this.#patterns.find(({ whole }) => matchesTokens(whole, path))?.category;
  }

  /** Whether something below a folder may be meant. */
  mayHold(folder: string): boolean {
    const names = folder === '/' ? [] : folder.slice(1).split('/');
    return this.#patterns.some(({ segments }) => reaches(segments, names));
  }

  /** Whether a path of config.yaml goes through this one, which it names. */
  goesThrough(path: string): boolean {
    const names = path.slice(1).split('/');
    return this.#patterns.some(({ segments }) => leads(segments, names));
  }
}

/** Whether a pattern names the path without a wildcard, as a folder on its way. */
function leads(segments: readonly (readonly PatternToken[])[], names: readonly string[]): boolean {
  return (
    segments.length > names.length &&
    names.every(
      (name, at) =>
        segments[at]!.every(({ kind }) => kind === 'char') && matchesTokens(segments[at]!, name),
    )
  );
}

function reaches(
  segments: readonly (readonly PatternToken[])[],
  names: readonly string[],
): boolean {
  for (const [at, name] of names.entries()) {
    const segment = segments[at];
    if (segment === undefined) return false;
    if (segment.some(({ kind }) => kind === 'deep')) return true;
    if (!matchesTokens(segment, name)) return false;
  }
  const next = segments[names.length];
  return next !== undefined;
}
