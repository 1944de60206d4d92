/**
 * Cuts a text into its SQL statements, as psql does. Sent whole, several statements are one
 * transaction to the server, and a `call` that commits would fail in it.
 */

export interface Statement {
  readonly text: string;
  /** Where it starts in the whole text. */
  readonly offset: number;
}

/** Statements without their semicolons; empty ones and comments alone are left out. */
export function splitStatements(sql: string): Statement[] {
  const statements: Statement[] = [];
  let start = 0;
  let atomicDepth = 0;
  let words: string[] = [];
  let empty = true;
  const end = (at: number): void => {
    if (!empty) {
      const text = sql.slice(start, at);
      const lead = text.length - text.trimStart().length;
      statements.push({ text: text.trim(), offset: start + lead });
    }
    [start, atomicDepth, words, empty] = [at + 1, 0, [], true];
  };
  for (const token of tokens(sql)) {
    if (token.kind === 'space') continue;
    if (token.kind === 'semicolon') {
      if (atomicDepth === 0) end(token.at);
      continue;
    }
    empty = false;
    if (token.kind !== 'word') continue;
    const word = sql.slice(token.at, token.end).toLowerCase();
    atomicDepth = nextDepth(atomicDepth, words, word);
    // Only the first words and the last one matter.
    if (words.length < 4) words.push(word);
    else words[4] = word;
  }
  end(sql.length);
  return statements;
}

/** Semicolons inside `create function .. begin atomic .. end` end no statement. */
function nextDepth(depth: number, words: readonly string[], word: string): number {
  if (depth === 0) {
    const creates =
      words[0] === 'create' &&
      words.slice(1, 4).some((each) => /^(function|procedure)$/.test(each));
    return creates && word === 'atomic' && words.at(-1) === 'begin' ? 1 : 0;
  }
  if (word === 'case' || word === 'begin') return depth + 1;
  return word === 'end' ? depth - 1 : depth;
}

interface Token {
  readonly kind: 'space' | 'semicolon' | 'word' | 'other';
  readonly at: number;
  readonly end: number;
}

function* tokens(sql: string): Generator<Token> {
  for (let at = 0; at < sql.length;) {
    const token = tokenAt(sql, at);
    yield token;
    at = token.end;
  }
}

// Quoted text first: E'..' knows backslashes, '..' does not. Sticky, tried in this order.
const KINDS: readonly (readonly [Token['kind'], RegExp])[] = [
  ['space', /\s+|--[^\n]*/y],
  ['other', /e'(?:[^'\\]|\\[^]|'')*(?:'|$)/iy],
  ['other', /'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)/y],
  ['word', /[a-z_\u0080-\uffff][\w$\u0080-\uffff]*/iy],
  ['semicolon', /;/y],
];

function tokenAt(sql: string, at: number): Token {
  if (sql.startsWith('/*', at)) return { kind: 'space', at, end: commentEnd(sql, at) };
  const tag = dollarTag(sql, at);
  if (tag !== undefined) {
    const close = sql.indexOf(tag, at + tag.length);
    return { kind: 'other', at, end: close < 0 ? sql.length : close + tag.length };
  }
  for (const [kind, pattern] of KINDS) {
    pattern.lastIndex = at;
    if (pattern.test(sql)) return { kind, at, end: pattern.lastIndex };
  }
  return { kind: 'other', at, end: at + 1 };
}

/** Comments nest in PostgreSQL. */
function commentEnd(sql: string, at: number): number {
  let depth = 0;
  for (const match of sql.slice(at).matchAll(/\/\*|\*\//g)) {
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) return at + match.index + 2;
  }
  return sql.length;
}

function dollarTag(sql: string, at: number): string | undefined {
  const pattern = /\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/iy;
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0];
}
