/**
 * sql/schema.jsonl: the objects of a release, one a line, as `[kind, name, of, {part: says}]`. Written
 * by test/hub/schema/schema.test.ts from a database that was migrated from nothing.
 *
 * Tables that are tracked are made where they are wished for. Of them the file has two examples, with
 * `{plain}` and `{sensitive}` in the place of the host table, that hold for each that is tracked.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { HubError, messageOf } from '../errors.ts';
import type { Fact } from './facts.ts';

export interface SchemaObject {
  readonly kind: string;
  readonly name: string;
  /** `KIND NAME` of what it belongs to, its own where it stands by itself. */
  readonly of: string;
  readonly parts: ReadonlyMap<string, string>;
  /** Has parts that depend on what is tracked or who migrated, and are not compared. */
  readonly open: boolean;
}

export const FILE = 'schema.jsonl';

/** By `KIND NAME`. */
export function objectsOf(facts: readonly Fact[]): Map<string, SchemaObject> {
  const objects = new Map<string, SchemaObject & { readonly parts: Map<string, string> }>();
  for (const { kind, name, of, part, says } of facts) {
    const key = `${kind} ${name}`;
    const object = objects.get(key) ?? { kind, name, of, parts: new Map(), open: isOpen(name) };
    object.parts.set(part, says);
    objects.set(key, object);
  }
  return objects;
}

function isOpen(name: string): boolean {
  return name.includes('inventory.') || BOOKKEEPING.has(name);
}

/** Tables of the runner of migrations: they belong to whoever migrated first. */
const BOOKKEEPING = new Set(['swarmplane.migration', 'swarmplane.sql_file']);

/** What the release says, for the tables that are tracked in this database. */
export async function readReleased(
  client: pg.ClientBase,
  sqlDir: string,
): Promise<Map<string, SchemaObject>> {
  const text = await readText(join(sqlDir, FILE));
  const tracked = await readTracked(client);
  const objects = new Map<string, SchemaObject>();
  for (const line of text.split('\n').filter((each) => each !== ''))
    for (const [kind, name, of, parts] of expand(line, tracked))
      objects.set(`${kind} ${name}`, {
        kind,
        name,
        of,
        parts: new Map(Object.entries(parts)),
        open: isOpen(name),
      });
  return objects;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new HubError('bad_migration', `cannot read ${file}: ${messageOf(error)}`, {
      cause: error,
      hint: 'the package is incomplete: install swarmplane again',
    });
  }
}

type Line = readonly [kind: string, name: string, of: string, parts: Record<string, string>];

interface Tracked {
  readonly name: string;
  readonly quoted: string;
  readonly sensitive: boolean;
}

async function readTracked(client: pg.ClientBase): Promise<Tracked[]> {
  const { rows } = await client.query<{ there: boolean }>(
    `select to_regclass('swarmplane.tracked_table') is not null as there`,
  );
  if (!rows[0]!.there) return [];
  const found = await client.query<Tracked>(
    `select t.name, quote_ident(t.name) as quoted, coalesce(h.sensitive, false) as sensitive
       from swarmplane.tracked_table t left join swarmplane.host_table h using (name)`,
  );
  return found.rows;
}

function expand(line: string, tracked: readonly Tracked[]): Line[] {
  const [, example] = /\{(plain|sensitive)\}/.exec(line) ?? [];
  if (example === undefined) return [JSON.parse(line) as Line];
  return tracked
    .filter(({ sensitive }) => sensitive === (example === 'sensitive'))
    .map(({ name, quoted }) => JSON.parse(named(line, example, name, quoted)) as Line);
}

function named(line: string, example: string, name: string, quoted: string): string {
  const whole = new RegExp(`\\{${example}\\}(?!\\w)`, 'g');
  return line
    .replaceAll(whole, () => JSON.stringify(quoted).slice(1, -1))
    .replaceAll(`{${example}}`, name);
}

/** The file's text, from a database that tracks these two tables. */
export function writeReleased(
  facts: readonly Fact[],
  examples: { readonly plain: string; readonly sensitive: string },
): string {
  const lines = [...objectsOf(facts).values()].flatMap((object) => lineOf(object, examples) ?? []);
  return `${lines.join('\n')}\n`;
}

function lineOf(
  object: SchemaObject,
  examples: { plain: string; sensitive: string },
): string | undefined {
  const { kind, name, of } = object;
  const parts = object.open ? fixedParts(object) : object.parts;
  if (parts.size === 0) return undefined;
  const line = JSON.stringify([kind, name, of, Object.fromEntries(parts)]);
  if (!object.open || UNIONS.test(name) || BOOKKEEPING.has(name)) return line;
  const exemplary = (['plain', 'sensitive'] as const).find((example) =>
    new RegExp(`inventory\\.${examples[example]}(_|\\b)`).test(name),
  );
  if (exemplary === undefined) return undefined;
  const own = new RegExp(`inventory\\.${examples[exemplary]}(?=_|\\b)`, 'g');
  return line.replaceAll(own, `inventory.{${exemplary}}`);
}

const UNIONS = /inventory\.(sensitive_)?(changes|overlap)\b/;

/** What is the same whatever the columns of the host table are. Its writers are made for each declaration. */
function fixedParts({ kind, name, parts }: SchemaObject): ReadonlyMap<string, string> {
  const fixed = /_write_\d/.test(name) ? undefined : FIXED.get(kind);
  const counts = (part: string): boolean =>
    fixed?.has(part) === true && !(part === 'owner' && BOOKKEEPING.has(name));
  return new Map([...parts].filter(([part]) => counts(part)));
}

const FIXED = new Map([
  ['table', new Set(['owner', 'row security', 'survives a crash'])],
  ['trigger', new Set(['is', 'fires'])],
  ['policy', new Set(['is', 'using', 'with check'])],
  ['view', new Set(['owner', 'options'])],
  ['function', new Set(['owner', 'security', 'settings', 'nature'])],
  ['grant', new Set(['is'])],
]);
