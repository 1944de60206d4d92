/** Words of a reduce statement. Characters that alasql gives a meaning beyond SQL are refused here. */
import { ReduceError } from './reduce-error.ts';

export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'quoted' | 'operator';
  /** Without quotes, and with doubled quotes made single. */
  readonly text: string;
}

const SQL_CHARACTERS_MAX = 16 * 1024;

const PATTERNS: readonly (readonly [Token['kind'] | 'skipped', RegExp])[] = [
  ['skipped', /\s+|--[^\n]*|\/\*[^]*?\*\//y],
  ['word', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['number', /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![A-Za-z0-9_])/y],
  ['string', /'(?:[^']|'')*'/y],
  ['quoted', /"(?:[^"]|"")*"/y],
  ['operator', /<=|>=|<>|!=|==|\|\||(?!->)[-+*/%=<>(),.]/y],
];

/** @throws ReduceError quoting the first character that does not belong */
export function tokenize(sql: string): readonly Token[] {
  if (sql.length > SQL_CHARACTERS_MAX)
    throw new ReduceError(
      `the reduce statement has ${sql.length} characters and at most ${SQL_CHARACTERS_MAX} are allowed`,
      'sql_too_long',
    );
  const text = sql.replace(/[\s;]+$/, '');
  const tokens: Token[] = [];
  for (let at = 0; at < text.length;) {
    const [kind, found] = next(text, at);
    at += found.length;
    if (kind !== 'skipped') tokens.push({ kind, text: unquoted(kind, found) });
  }
  return tokens;
}

function next(text: string, at: number): readonly [Token['kind'] | 'skipped', string] {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return [kind, found];
  }
  const shown = text.startsWith('->', at) ? '->' : String.fromCodePoint(text.codePointAt(at)!);
  throw new ReduceError(
    `"${shown}" is not allowed in the reduce step: it is plain SQL, one SELECT over answers`,
  );
}

function unquoted(kind: Token['kind'], found: string): string {
  if (kind === 'string') return found.slice(1, -1).replaceAll("''", "'");
  if (kind === 'quoted') return found.slice(1, -1).replaceAll('""', '"');
  return found;
}
