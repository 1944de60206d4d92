/**
 * The SQL functions osquery adds to SQLite, with its argument order and meanings
 * (osquery's wiki, "SQL introduction").
 */
import { createHash } from 'node:crypto';
import { compareVersions, VERSION_ORDERS } from '../tables/version-order.ts';
import type { Value } from '../tables/types.ts';
import { compareArch } from './arch-versions.ts';
import { communityId } from './community-id.ts';
import { addressInBlock, ipv4ToNumber } from './ip-functions.ts';
import { pathFunctions } from './path-functions.ts';
import { withoutPosixClasses } from './posix-classes.ts';
import type { Pointer, Sqlite } from './sqlite.ts';
import { readValue, setResult } from './values.ts';
import { versionCompare } from './version-compare.ts';

type SqlFunction = (...args: Value[]) => Value;

/** Name, number of arguments (a pair of fewest and most), what it gives. NULL in, NULL out. */
const FUNCTIONS: readonly (readonly [
  name: string,
  arity: readonly [number, number],
  SqlFunction,
])[] = [
  ['regex_match', [3, 3], regexMatch],
  ['regex_split', [3, 3], regexSplit],
  ['split', [3, 3], splitTokens],
  ['to_base64', [1, 1], (value) => Buffer.from(asBytes(value)).toString('base64')],
  ['from_base64', [1, 1], fromBase64],
  ['conditional_to_base64', [1, 1], conditionalToBase64],
  ['md5', [1, 1], (value) => digest('md5', value)],
  ['sha1', [1, 1], (value) => digest('sha1', value)],
  ['sha256', [1, 1], (value) => digest('sha256', value)],
  ['inet_aton', [1, 1], (value) => ipv4ToNumber(asText(value))],
  ['in_cidr_block', [2, 2], (block, address) => addressInBlock(asText(block), asText(address))],
  ['community_id_v1', [5, 6], communityIdOf],
  ['community_id_v1_strict', [5, 6], strictCommunityId],
  // osquery's is the natural one; SQLite's own log(X) is of base 10.
  ['log', [1, 1], (value) => finite(Math.log(Number(value)))],
  ['cot', [1, 1], (value) => finite(1 / Math.tan(Number(value)))],
  ['version_compare', [2, 3], (a, b, flavour) => versionCompare(asText(a), asText(b), flavour)],
];

const SQLITE_UTF8 = 1;
const DETERMINISTIC = 0x800;
const INNOCUOUS = 0x200000;

/** Adds the functions and collations to a database; files are looked for below `root`. */
export function registerFunctions(sqlite: Sqlite, database: Pointer, root: string): void {
  for (const [name, [fewest, most], body] of [...FUNCTIONS, ...pathFunctions({ root })])
    for (let arity = fewest; arity <= most; arity++) register(sqlite, database, name, arity, body);
  for (const order of VERSION_ORDERS)
    registerCollation(sqlite, database, order, (a, b) => compareVersions(order, a, b));
  registerCollation(sqlite, database, 'version_arch', compareArch);
}

function register(
  sqlite: Sqlite,
  database: Pointer,
  name: string,
  arity: number,
  body: SqlFunction,
): void {
  const { capi, wasm } = sqlite;
  const call = (context: Pointer, count: number, args: Pointer): void => {
    try {
      const values: Value[] = [];
      for (let i = 0; i < count; i++) {
        const at = wasm.peekPtr((args + 4 * i) as never) as unknown as number;
        values.push(readValue(sqlite, at));
      }
      setResult(sqlite, context, values.includes(null) ? null : body(...values));
    } catch (error) {
      const message = `${name}(): ${error instanceof Error ? error.message : String(error)}`;
      capi.sqlite3_result_error(context as never, message, -1);
    }
  };
  const pointer = wasm.installFunction('v(pip)', call);
  const flags = SQLITE_UTF8 | DETERMINISTIC | INNOCUOUS;
  const rc = capi.sqlite3_create_function_v2(
    database as never,
    name,
    arity,
    flags as never,
    0 as never,
    pointer as never,
    0 as never,
    0 as never,
    0 as never,
  );
  if (rc !== 0) throw new Error(`registering function "${name}" failed: ${rc}`);
}

function registerCollation(
  { capi, wasm }: Sqlite,
  database: Pointer,
  name: string,
  compare: (a: string, b: string) => number,
): void {
  const text = (at: Pointer, bytes: number): string =>
    Buffer.from(wasm.heap8u().buffer, at, bytes).toString('utf8');
  const pointer = wasm.installFunction(
    'i(pipip)',
    (_: Pointer, aBytes: number, a: Pointer, bBytes: number, b: Pointer) => {
      try {
        return compare(text(a, aBytes), text(b, bBytes));
      } catch {
        return 0;
      }
    },
  );
  const rc = capi.sqlite3_create_collation_v2(
    database as never,
    name,
    SQLITE_UTF8,
    0 as never,
    pointer as never,
    0 as never,
  );
  if (rc !== 0) throw new Error(`registering collation "${name}" failed: ${rc}`);
}

/** regex_match(text, pattern, index): the group, or NULL when there is no match. */
function regexMatch(text: Value, pattern: Value, index: Value): Value {
  return regex(pattern).exec(asText(text))?.[Number(index)] ?? null;
}

/** regex_split(text, pattern, index): empty pieces count. */
function regexSplit(text: Value, pattern: Value, index: Value): Value {
  return asText(text).split(withoutGroups(regex(pattern)))[Number(index)] ?? null;
}

/** split(text, characters, index): any of the characters parts; empty pieces do not count. */
function splitTokens(text: Value, characters: Value, index: Value): Value {
  const parting = new Set(asText(characters));
  const pieces: string[] = [];
  let piece = '';
  for (const character of asText(text)) {
    if (!parting.has(character)) piece += character;
    else if (piece !== '') pieces.push(piece);
    if (parting.has(character)) piece = '';
  }
  if (piece !== '') pieces.push(piece);
  return pieces[Number(index)] ?? null;
}

let lastPattern: { source: string; regex: RegExp } | undefined;

/**
 * ECMAScript expressions, as in osquery. The query process runs V8 with its linear-time engine as
 * the way out of backtracking; what that engine cannot do (look-around, back-references) ends with
 * the process at the time limit.
 */
function regex(pattern: Value): RegExp {
  const source = asText(pattern);
  if (lastPattern?.source !== source) {
    lastPattern = { source, regex: new RegExp(withoutPosixClasses(source)) };
  }
  return lastPattern.regex;
}

/** String.split would put captured groups among the pieces. */
function withoutGroups(expression: RegExp): RegExp {
  return new RegExp(
    expression.source.replace(/(\\.|\[(?:\\.|[^\]\\])*\])|\((?!\?)/g, (all, kept) =>
      kept === undefined ? '(?:' : all,
    ),
  );
}

function fromBase64(value: Value): Value {
  const text = asText(value);
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)) return null;
  return Buffer.from(text, 'base64').toString('utf8');
}

/** Base64 only where the text is not plain ASCII. */
function conditionalToBase64(value: Value): Value {
  const bytes = Buffer.from(asBytes(value));
  return bytes.every((byte) => byte < 0x80) ? bytes.toString('latin1') : bytes.toString('base64');
}

function digest(algorithm: string, value: Value): string {
  return createHash(algorithm).update(asBytes(value)).digest('hex');
}

function communityIdOf(
  source: Value,
  destination: Value,
  sourcePort: Value,
  destinationPort: Value,
  protocol: Value,
  seed: Value = 0,
): Value {
  return communityId({
    source: asText(source),
    destination: asText(destination),
    sourcePort: Number(sourcePort),
    destinationPort: Number(destinationPort),
    protocol: Number(protocol),
    seed: Number(seed),
  });
}

/** As community_id_v1, but what is no address or port is an error. */
function strictCommunityId(...flow: Value[]): Value {
  const id = (communityIdOf as SqlFunction)(...flow);
  if (id === null) throw new Error('an address, port, protocol or seed is none');
  return id;
}

/** SQLite has no NaN, and gives NULL for what is not defined. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function asText(value: Value): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value);
}

function asBytes(value: Value): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.from(String(value));
}
