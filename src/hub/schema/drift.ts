/**
 * Drift: what is ours in the database and is not as the release made it, because somebody changed it
 * by hand. The truth is the release's own, sql/schema.jsonl, and not what was once seen in this
 * database: so neither a restore nor an upgrade makes a change by hand to what should be.
 *
 * An administrator's own objects beside ours are none of it, nor are grants to roles of his. What is
 * added counts only where it changes what ours mean: policies, rules, grants to PUBLIC and to roles of
 * ours, functions under a name of ours.
 */
import type pg from 'pg';
import { readFacts } from './facts.ts';
import { mendOf } from './mend.ts';
import { fingerprint, readMigrations, readSqlFiles } from './migration-files.ts';
import { objectsOf, readReleased, type SchemaObject } from './released.ts';
import { meanTheSame } from './spelling.ts';

export interface Drift {
  readonly kind: string;
  /** As a statement names it: with arguments for a function, with the table for a trigger. */
  readonly name: string;
  readonly change: 'changed' | 'missing' | 'added';
  /** What of it, as `row security: off, was on`; none of what is missing or added as a whole. */
  readonly what: readonly string[];
  /** What to do: a statement for the owner of the database, or words. */
  readonly mend: string;
}

export interface ReleaseFolders {
  readonly migrationsDir: string;
  readonly sqlDir: string;
}

/** One line for people. */
export function driftText({ kind, name, change, what }: Drift): string {
  const parts = what.length === 0 ? '' : `: ${what.join('; ')}`;
  return `${kind} ${name} ${change} by hand${parts}`;
}

/** As `findDrift`, in a transaction of its own that leaves nothing behind. */
export async function lookForDrift(
  client: pg.ClientBase,
  folders: ReleaseFolders,
): Promise<Drift[] | undefined> {
  await client.query('begin');
  try {
    // A stranger who holds one of the tables does not keep a hub from starting.
    await client.query(`set local lock_timeout = '1s'`);
    return await findDrift(client, folders);
  } finally {
    await client.query('rollback');
  }
}

/**
 * What differs; undefined where another release made the schema, which this one cannot judge. In an
 * open transaction that the caller rolls back.
 */
export async function findDrift(
  client: pg.ClientBase,
  folders: ReleaseFolders,
): Promise<Drift[] | undefined> {
  if (!(await isOfThisRelease(client, folders))) return undefined;
  const expected = await readReleased(client, folders.sqlDir);
  const found = objectsOf(await readFacts(client));
  const drift: Drift[] = [];
  for (const [key, object] of expected) {
    const now = found.get(key);
    if (now === undefined) {
      // What belongs to a table that is missing is missing with it.
      if (object.of === key || found.has(object.of)) drift.push(told(object, 'missing', []));
      continue;
    }
    const what = await differences(client, object, now);
    if (what.length > 0) drift.push(told(object, 'changed', what, now));
  }
  const functions = new Set(
    [...expected.values()].filter(isFunction).map(({ name }) => bare(name)),
  );
  for (const [key, object] of found) {
    if (expected.has(key)) continue;
    if (isFunction(object) ? functions.has(bare(object.name)) : meddles(object, expected))
      drift.push(told(object, 'added', [], object));
  }
  return drift.sort((a, b) => (`${a.kind} ${a.name}` < `${b.kind} ${b.name}` ? -1 : 1));
}

async function isOfThisRelease(client: pg.ClientBase, folders: ReleaseFolders): Promise<boolean> {
  const { rows } = await client.query<{ name: string; checksum: string }>(
    `select name, checksum from swarmplane.sql_file
      union all
     select name || '.sql', checksum from swarmplane.migration`,
  );
  const own = await readSqlFiles(folders.sqlDir);
  for (const { name, checksum, text } of await readMigrations(folders.migrationsDir))
    own.push({ name: `${name}.sql`, checksum, text });
  const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
  return fingerprint(rows.sort(byName)) === fingerprint(own.sort(byName));
}

function told(
  object: SchemaObject,
  change: Drift['change'],
  what: readonly string[],
  now?: SchemaObject,
): Drift {
  const { kind, name } = object;
  return { kind, name, change, what, mend: mendOf(change === 'added' ? undefined : object, now) };
}

async function differences(
  client: pg.ClientBase,
  expected: SchemaObject,
  now: SchemaObject,
): Promise<string[]> {
  const what: string[] = [];
  for (const part of new Set([...expected.parts.keys(), ...now.parts.keys()])) {
    // Not known beforehand.
    if (expected.open && !expected.parts.has(part)) continue;
    const [was, is] = [expected.parts.get(part), now.parts.get(part)];
    if (was === is) continue;
    if (expected.kind === 'view' && part === 'is' && (await meanTheSame(client, was!, is!)))
      continue;
    what.push(LONG.get(part) ?? `${part}: ${is ?? 'none'}, was ${was ?? 'none'}`);
  }
  return what;
}

/** Nobody wants to read these in one line. */
const LONG = new Map([
  ['is', 'definition'],
  ['body', 'body'],
]);

/** Whether something beside ours changes what ours mean. */
function meddles({ kind, of }: SchemaObject, expected: ReadonlyMap<string, SchemaObject>): boolean {
  return MEDDLING.has(kind) && expected.has(of);
}

const MEDDLING = new Set(['policy', 'rule', 'grant', 'ownership', 'membership', 'partition']);

function isFunction({ kind }: SchemaObject): boolean {
  return kind === 'function';
}

/** A function's name without its arguments: one beside it may be called in its place. */
function bare(signature: string): string {
  return signature.slice(0, signature.indexOf('('));
}
