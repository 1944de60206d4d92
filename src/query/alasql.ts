/** alasql without what reads, writes, fetches or runs anything. Loaded in the reduce process only. */
import { createRequire } from 'node:module';
import { AGGREGATES, SCALARS } from './reduce-functions.ts';
import type { Node } from './reduce-meanings.ts';
import { VERSION_AGGREGATES, VERSION_SCALARS } from './reduce-versions.ts';

export interface Alasql {
  readonly Database: new (name: string) => AlasqlDatabase;
  parse(sql: string): { readonly statements: readonly ParsedStatement[] };
  readonly options: Record<string, unknown>;
  readonly yy: Record<string, unknown>;
  readonly utils: Record<string, unknown>;
}

/** Its tree may be changed before it is compiled. */
interface ParsedStatement extends Node {
  compile(database: string): (parameters: object) => unknown;
}

interface AlasqlDatabase {
  exec(sql: string): unknown;
  readonly tables: Record<string, { data: unknown[] }>;
}

/** Registries of sources, targets, storage engines and loadable things. */
const EMPTIED = ['from', 'into', 'engines', 'fn', 'plugins'];

/** Statements that stay: what a SELECT is made of, and the creation of the table `answers`. */
const STATEMENTS = /^(Select|CreateTable|Statements|Union|ExistsValue|Subquery)/;

/** Helpers that touch files, the network or other code. */
const UTILITIES = /^(load|save|remove|delete|fileExists|autoExt)/;

export function confinedAlasql(): Alasql {
  const require = createRequire(import.meta.url);
  const alasql = require('alasql') as Alasql & Record<string, Record<string, unknown>>;
  alasql.options['cache'] = false;
  alasql.options['autocommit'] = true;
  for (const name of EMPTIED)
    for (const key of Object.keys(alasql[name] ?? {})) delete alasql[name]![key];
  for (const [name, body] of Object.entries(SCALARS)) alasql['fn']![`f_${name}`] = body;
  for (const [name, body] of Object.entries(AGGREGATES)) alasql['aggr']![`a_${name}`] = body;
  Object.assign(alasql['fn']!, VERSION_SCALARS);
  Object.assign(alasql['aggr']!, VERSION_AGGREGATES);
  for (const [name, made] of Object.entries(alasql.yy)) refuseStatement(name, made);
  for (const name of Object.keys(alasql.utils))
    if (UTILITIES.test(name) && typeof alasql.utils[name] === 'function')
      alasql.utils[name] = refusal(name);
  Object.assign(globalThis, { fetch: undefined, XMLHttpRequest: undefined, WebSocket: undefined });
  return alasql;
}

/** Statements other than SELECT can be parsed, and throw when run. */
function refuseStatement(name: string, made: unknown): void {
  if (typeof made !== 'function' || STATEMENTS.test(name)) return;
  const prototype = made.prototype as Record<string, unknown> | undefined;
  if (prototype !== undefined && typeof prototype['execute'] === 'function')
    prototype['execute'] = refusal(name);
}

function refusal(name: string): () => never {
  return () => {
    throw new Error(`${name} is not part of the reduce step`);
  };
}
