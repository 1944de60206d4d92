/**
 * Makes a reduce statement harmless before alasql sees it. alasql compiles SQL to JavaScript, and
 * in several places puts text from the statement into that code as it stands. So nothing of the
 * person's text gets there: every name becomes `i0`, `i1`..., every string becomes a parameter, and
 * keywords, functions and operators come from lists. What is not in the lists is refused.
 */
import { nearNames } from './near-names.ts';
import { ReduceError } from './reduce-error.ts';
import { AGGREGATES, SCALARS } from './reduce-functions.ts';
import { tokenize, type Token } from './reduce-tokens.ts';

/** A statement alasql may run. */
export interface SafeReduce {
  readonly sql: string;
  /** By name; the statement has `$p0`. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Keys of the rows that alasql is given, in the order of the answers' columns. */
  readonly inputKeys: readonly string[];
  /** Names of the result's columns, and the key of each in alasql's rows. */
  readonly outputNames: readonly string[];
  readonly outputKeys: readonly string[];
}

const KEYWORDS = new Set(
  `SELECT DISTINCT FROM WHERE GROUP BY HAVING ORDER ASC DESC LIMIT OFFSET AS AND OR NOT IN BETWEEN
   LIKE IS NULL CASE WHEN THEN ELSE END UNION ALL EXCEPT INTERSECT JOIN LEFT RIGHT INNER CROSS OUTER
   ON USING EXISTS TRUE FALSE CAST`.split(/\s+/),
);

/** Names of functions to the names alasql knows them by: reduce-functions.ts defines each. */
const FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ...Object.keys(SCALARS).map((name) => [name, `f_${name}`] as const),
  ...Object.keys(AGGREGATES).map((name) => [name, `a_${name}`] as const),
]);

/** SQLite's names of types to alasql's. */
const CAST_TYPES: ReadonlyMap<string, string> = new Map([
  ['TEXT', 'STRING'],
  ['VARCHAR', 'STRING'],
  ['INTEGER', 'INT'],
  ['INT', 'INT'],
  ['BIGINT', 'INT'],
  ['REAL', 'FLOAT'],
  ['DOUBLE', 'FLOAT'],
  ['NUMERIC', 'FLOAT'],
]);

/** alasql's parser takes time exponential in the depth of parentheses. */
const DEPTH_MAX = 12;

/** @throws ReduceError when the text is not one plain SELECT over `answers` */
export function guardReduce(sql: string, columns: readonly string[]): SafeReduce {
  const tokens = tokenize(sql);
  requireOneSelect(tokens);
  requireShallow(tokens);
  requireNoOrderedUnion(tokens);
  return new Rewriter(tokens, columns).rewrite();
}

function requireOneSelect(tokens: readonly Token[]): void {
  const [first] = tokens;
  if (first === undefined || upper(first) !== 'SELECT')
    throw new ReduceError(
      `a reduce statement starts with SELECT${first === undefined ? '' : `, not with "${first.text}"`}`,
    );
}

function requireShallow(tokens: readonly Token[]): void {
  let depth = 0;
  for (const { kind, text } of tokens) {
    if (kind !== 'operator') continue;
    if (text === '(') depth++;
    if (text === ')') depth--;
    if (depth > DEPTH_MAX)
      throw new ReduceError(`parentheses are nested deeper than ${DEPTH_MAX}; simplify it`);
    if (depth < 0) throw new ReduceError('a ")" has no "(" before it');
  }
  if (depth !== 0) throw new ReduceError('a "(" is never closed');
}

/** alasql orders and limits only the last part of a union. */
function requireNoOrderedUnion(tokens: readonly Token[]): void {
  const united = [false];
  for (const token of tokens) {
    const { kind, text } = token;
    if (kind === 'operator' && text === '(') united.push(false);
    if (kind === 'operator' && text === ')') united.pop();
    if (kind !== 'word') continue;
    if (/^(UNION|EXCEPT|INTERSECT)$/.test(upper(token))) united[united.length - 1] = true;
    if (united.at(-1) === true && /^(ORDER|LIMIT)$/.test(upper(token)))
      throw new ReduceError(
        `${upper(token)} after UNION, EXCEPT or INTERSECT is not there in the reduce step; ` +
          'write it around: select * from (... union ...) q order by ...',
      );
  }
}

class Rewriter {
  readonly #tokens: readonly Token[];
  readonly #columns: readonly string[];
  readonly #keys = new Map<string, string>();
  readonly #defined = new Set<string>();
  readonly #parameters = new Map<string, string>();

  constructor(tokens: readonly Token[], columns: readonly string[]) {
    this.#tokens = tokens;
    this.#columns = columns;
    for (const column of columns) this.#defined.add(column.toLowerCase());
    tokens.forEach((token, at) => {
      if (this.#isName(at) && this.#definesAlias(at)) this.#defined.add(token.text.toLowerCase());
    });
  }

  rewrite(): SafeReduce {
    const inputKeys = this.#columns.map((column) => this.#key(column));
    const listEnd = this.#selectListEnd();
    const outputNames: string[] = [];
    const outputKeys: string[] = [];
    const items = splitItems(this.#tokens, this.#selectListStart(), listEnd).map(([from, to]) =>
      this.#rewriteItem(from, to, outputNames, outputKeys),
    );
    const head = this.#rewriteRange(0, this.#selectListStart());
    const rest = this.#rewriteRange(listEnd, this.#tokens.length);
    const parameters = Object.fromEntries(
      [...this.#parameters].map(([text, name]) => [name, text]),
    );
    const sql = [head, items.join(' , '), rest].filter((part) => part !== '').join(' ');
    return { sql, parameters, inputKeys, outputNames, outputKeys };
  }

  /** One item of the outermost select list; says under which name and key its values come out. */
  #rewriteItem(from: number, to: number, names: string[], keys: string[]): string {
    const last = this.#tokens[to - 1];
    if (last?.kind === 'operator' && last.text === '*' && (to - from === 1 || to - from === 3)) {
      const prefix = this.#rewriteRange(from, to - 1);
      names.push(...this.#columns);
      keys.push(...this.#columns.map((column) => this.#key(column)));
      return this.#columns.map((column) => `${prefix} ${this.#key(column)}`.trim()).join(' , ');
    }
    const body = this.#rewriteRange(from, to);
    // `a.host, b.host`: the second needs a key of its own.
    const taken = to - from === 3 && keys.includes(this.#key(last?.text ?? ''));
    if (last !== undefined && !taken && this.#isName(to - 1) && this.#isBareName(from, to)) {
      names.push(last.text);
      keys.push(this.#key(last.text));
      return body;
    }
    const made = `o${names.length}`;
    names.push(taken ? last!.text : this.#sourceText(from, to));
    keys.push(made);
    return `${body} AS ${made}`;
  }

  /** A column, a qualified column, or anything with an alias at its end. */
  #isBareName(from: number, to: number): boolean {
    if (to - from === 1 || this.#definesAlias(to - 1)) return true;
    return to - from === 3 && this.#tokens[from + 1]?.text === '.';
  }

  #rewriteRange(from: number, to: number): string {
    const parts: string[] = [];
    for (let at = from; at < to; at++) parts.push(this.#rewriteToken(at));
    return parts.join(' ');
  }

  #rewriteToken(at: number): string {
    const token = this.#tokens[at]!;
    if (token.kind === 'number' || token.kind === 'operator') return token.text;
    if (token.kind === 'string' || (token.kind === 'quoted' && !this.#isName(at))) {
      this.#requireNoSource(at);
      return `$${this.#parameter(token.text)}`;
    }
    if (token.kind === 'word' && !this.#isName(at)) return this.#rewriteWord(at);
    if (token.text.toLowerCase() === 'answers' && !this.#definesAlias(at)) return 'answers';
    if (!this.#defined.has(token.text.toLowerCase())) throw this.#unknownName(token.text);
    return this.#key(token.text);
  }

  #rewriteWord(at: number): string {
    const word = upper(this.#tokens[at]!);
    if (this.#isCastType(at)) return CAST_TYPES.get(word)!;
    if (!this.#isCall(at) || KEYWORDS.has(word)) return word;
    // count(*) is alasql's own: it has no value to hand to an aggregate.
    return word === 'COUNT' && this.#tokens[at + 2]?.text === '*' ? word : FUNCTIONS.get(word)!;
  }

  /** alasql reads tables from strings in FROM: files, addresses, parameters. */
  #requireNoSource(at: number): void {
    for (let i = at - 1; i >= 0; i--) {
      const word = upper(this.#tokens[i]!);
      if (word === 'FROM' || word === 'JOIN')
        throw new ReduceError(
          `"${this.#tokens[at]!.text}" is no table; the reduce step has one, named answers`,
        );
      if (/^(WHERE|ON|GROUP|HAVING|ORDER|LIMIT|SELECT|UNION|EXCEPT|INTERSECT)$/.test(word)) return;
    }
  }

  /** The same text is the same parameter, so that equal expressions stay equal. */
  #parameter(text: string): string {
    let name = this.#parameters.get(text);
    if (name === undefined) this.#parameters.set(text, (name = `p${this.#parameters.size}`));
    return name;
  }

  /**
   * Names are words that are neither keyword, function nor type, and quoted texts that name
   * something; other quoted texts are strings, as in SQLite.
   */
  #isName(at: number): boolean {
    const token = this.#tokens[at];
    if (token === undefined) return false;
    if (token.kind === 'quoted')
      return this.#defined.has(token.text.toLowerCase()) || this.#followsAs(at);
    if (token.kind !== 'word') return false;
    if (this.#isCall(at)) {
      if (FUNCTIONS.has(upper(token)) || KEYWORDS.has(upper(token))) return false;
      throw new ReduceError(
        `the function ${token.text}() is not among those of the reduce step: ${[...FUNCTIONS.keys()].join(', ').toLowerCase()}`,
      );
    }
    return !KEYWORDS.has(upper(token)) && !this.#isCastType(at);
  }

  #isCall(at: number): boolean {
    return this.#tokens[at + 1]?.text === '(' && this.#tokens[at + 1]?.kind === 'operator';
  }

  /** `CAST ( ... AS TYPE )`: AS and a type, then the parenthesis that CAST opened. */
  #isCastType(at: number): boolean {
    const token = this.#tokens[at]!;
    if (token.kind !== 'word' || !CAST_TYPES.has(upper(token)) || !this.#followsAs(at))
      return false;
    if (this.#tokens[at + 1]?.text !== ')') return false;
    let depth = 0;
    for (let i = at - 1; i >= 0; i--) {
      const { kind, text } = this.#tokens[i]!;
      if (kind !== 'operator') continue;
      if (text === ')') depth++;
      if (text === '(' && depth-- === 0) return i > 0 && upper(this.#tokens[i - 1]!) === 'CAST';
    }
    return false;
  }

  #followsAs(at: number): boolean {
    const before = this.#tokens[at - 1];
    return before?.kind === 'word' && upper(before) === 'AS';
  }

  /** After AS, or straight after an operand or a table: `count(*) n`, `answers a`. */
  #definesAlias(at: number): boolean {
    const before = this.#tokens[at - 1];
    if (before === undefined) return false;
    if (this.#followsAs(at)) return true;
    if (before.kind === 'operator') return before.text === ')';
    if (before.kind !== 'word') return true;
    return upper(before) === 'END' || (!KEYWORDS.has(upper(before)) && !this.#isCall(at - 1));
  }

  #key(name: string): string {
    const lower = name.toLowerCase();
    let key = this.#keys.get(lower);
    if (key === undefined) this.#keys.set(lower, (key = `i${this.#keys.size}`));
    return key;
  }

  #selectListStart(): number {
    return upper(this.#tokens[1] ?? this.#tokens[0]!) === 'DISTINCT' ? 2 : 1;
  }

  #selectListEnd(): number {
    let depth = 0;
    const end = this.#tokens.findIndex(({ kind, text }) => {
      if (kind === 'operator' && text === '(') depth++;
      if (kind === 'operator' && text === ')') depth--;
      return depth === 0 && kind === 'word' && /^(from|union|except|intersect)$/i.test(text);
    });
    return end < 0 ? this.#tokens.length : end;
  }

  #sourceText(from: number, to: number): string {
    return this.#tokens.slice(from, to).map(shown).join('');
  }

  #unknownName(name: string): ReduceError {
    const near = nearNames(name, [...this.#defined]);
    const hint =
      near.length > 0
        ? `did you mean "${near[0]}"?`
        : `the columns of answers are ${this.#columns.join(', ')}`;
    return new ReduceError(`no such column or table in the reduce step: "${name}"; ${hint}`);
  }
}

function splitItems(tokens: readonly Token[], from: number, to: number): [number, number][] {
  const items: [number, number][] = [];
  let [depth, start] = [0, from];
  for (let at = from; at < to; at++) {
    const { kind, text } = tokens[at]!;
    if (kind !== 'operator') continue;
    if (text === '(') depth++;
    if (text === ')') depth--;
    if (text !== ',' || depth !== 0) continue;
    items.push([start, at]);
    start = at + 1;
  }
  items.push([start, to]);
  if (items.some(([a, b]) => a >= b))
    throw new ReduceError('an item of the select list is empty; look for a comma too many');
  return items;
}

function shown({ kind, text }: Token): string {
  if (kind === 'string') return `'${text.replaceAll("'", "''")}'`;
  if (kind === 'quoted') return `"${text}"`;
  return kind === 'word' && KEYWORDS.has(text.toUpperCase()) ? ` ${text} ` : text;
}

function upper(token: Token): string {
  return token.kind === 'word' ? token.text.toUpperCase() : '';
}
