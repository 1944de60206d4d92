/**
 * osquery's path patterns. In LIKE, `%` is any run of characters within one folder level and `%%`
 * crosses levels; `_` is one character. In GLOB the same is written `*`, `**` and `?`.
 * Matching walks the pattern's states side by side, so no pattern takes more than
 * length(pattern) x length(path) steps.
 */

export type Token =
  | { readonly kind: 'char'; readonly char: string }
  /** One character but a slash. */
  | { readonly kind: 'one' }
  /** Any run of characters without a slash. */
  | { readonly kind: 'run' }
  /** Any run of characters, slashes too. */
  | { readonly kind: 'deep' };

export type PatternOp = 'like' | 'glob';

export function parsePattern(pattern: string, op: PatternOp): Token[] {
  const [many, single] = op === 'like' ? ['%', '_'] : ['*', '?'];
  const tokens: Token[] = [];
  const chars = [...pattern];
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i]!;
    if (char === many) {
      let last = i;
      while (chars[last + 1] === many) last++;
      tokens.push({ kind: last > i ? 'deep' : 'run' });
      i = last;
    } else if (char === single) tokens.push({ kind: 'one' });
    else if (op === 'glob' && char === '[' && chars.indexOf(']', i + 2) > 0) {
      // A set is taken as any one character: SQLite checks the row again.
      i = chars.indexOf(']', i + 2);
      tokens.push({ kind: 'one' });
    } else tokens.push({ kind: 'char', char });
  }
  return tokens;
}

/** The text a pattern without wildcards stands for, else undefined. */
export function literalOf(tokens: readonly Token[]): string | undefined {
  let literal = '';
  for (const token of tokens) {
    if (token.kind !== 'char') return undefined;
    literal += token.char;
  }
  return literal;
}

export function matches(tokens: readonly Token[], text: string): boolean {
  let states = closure(tokens, new Set([0]));
  for (const char of text) {
    const next = new Set<number>();
    for (const at of states) {
      const token = tokens[at];
      if (token === undefined || !accepts(token, char)) continue;
      next.add(token.kind === 'run' || token.kind === 'deep' ? at : at + 1);
    }
    if (next.size === 0) return false;
    states = closure(tokens, next);
  }
  return states.has(tokens.length);
}

function accepts(token: Token, char: string): boolean {
  if (token.kind === 'char') return token.char === char;
  return token.kind === 'deep' || char !== '/';
}

/** A run may be empty: where one can begin, what follows it can begin too. */
function closure(tokens: readonly Token[], states: Set<number>): Set<number> {
  for (const at of states) {
    const kind = tokens[at]?.kind;
    if (kind === 'run' || kind === 'deep') states.add(at + 1);
  }
  return states;
}
