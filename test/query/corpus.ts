/**
 * `npm run corpus -- FILE`: every query of a file of osquery queries. For each: does it prepare and
 * run on this host, how long, how many rows; and does it give plain SQLite's rows on made-up data.
 * FILE is a list of { id, sql, tables }; osquery_specs.json beside it, if there, declares the tables
 * that this host does not have, for the second question.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createQueryRunner, QueryError, type QueryRunner } from '../../src/query/index.ts';
import { allTables } from '../../src/tables/index.ts';
import type { Column, ColumnType } from '../../src/tables/types.ts';
import { Comparer, type SyntheticTable } from './synthetic.ts';

export interface CorpusQuery {
  readonly id: string;
  readonly sql: string;
  readonly tables: readonly string[];
}

export interface CorpusLine {
  readonly id: string;
  /** All its tables exist here. */
  readonly covered: boolean;
  /** "ok", or the code of the error on this host; undefined when not covered. */
  readonly live?: string;
  readonly liveDetail?: string;
  readonly rows?: number;
  readonly ms?: number;
  readonly same: boolean;
  readonly compared: string;
}

/** Errors that osquery gives for the same query, or that say what this host lacks. */
const OSQUERYS_OWN = new Set(['constraint_required', 'table_unavailable', 'table_absent']);

interface Spec {
  readonly table: string;
  readonly aliases: readonly string[];
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
    readonly options: Readonly<Record<string, unknown>>;
  }[];
}

/** The declarations for made-up rows: this host's own where it has the table, osquery's otherwise. */
export function syntheticTables(specsFile: string): readonly SyntheticTable[] {
  const own = allTables.map(({ name, aliases, kind, columns }) => ({
    name,
    kind,
    columns,
    ...(aliases === undefined ? {} : { aliases }),
  }));
  if (!existsSync(specsFile)) return own;
  const known = new Set(own.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]));
  const specs = JSON.parse(readFileSync(specsFile, 'utf8')) as readonly Spec[];
  return [...own, ...specs.filter(({ table }) => !known.has(table)).map(fromSpec)];
}

type Collate = NonNullable<Column['collate']>;

function fromSpec({ table, columns }: Spec): SyntheticTable {
  const declared = columns.map(({ name, type, options }): Column => ({
    name,
    type: (type === 'DATETIME' ? 'TEXT' : type) as ColumnType,
    doc: '',
    ...(options['hidden'] ? { hidden: true } : {}),
    ...(options['required'] ? { required: true } : {}),
    ...(options['index'] ? { index: true } : {}),
    ...(options['additional'] ? { additional: true } : {}),
    ...(options['collate'] ? { collate: options['collate'] as Collate } : {}),
  }));
  const driven = declared.some(({ required, additional }) => required || additional);
  return { name: table, kind: driven ? 'lookup' : 'snapshot', columns: declared };
}

/** Checks queries one after the other. */
export async function* checkCorpus(
  queries: readonly CorpusQuery[],
  tables: readonly SyntheticTable[],
  options: { readonly live: boolean },
): AsyncGenerator<CorpusLine> {
  const runner = createQueryRunner({
    facts: () => ({ members: [], links: [], alarms: [], agent: {} }),
    limits: { timeMs: 20_000 },
  });
  const comparer = new Comparer(tables);
  const served = new Set(allTables.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]));
  const declared = new Set(tables.map(({ name }) => name));
  try {
    for (const [number, query] of queries.entries()) {
      const covered = tablesOf(query, declared).every((table) => served.has(table));
      const compared = await comparer.compare(query.sql, number + 1);
      yield {
        id: query.id,
        covered,
        ...(covered && options.live ? await runLive(runner, query.sql) : {}),
        same: compared.same,
        compared: compared.same ? (compared.code ?? (compared.detail || 'same')) : compared.detail,
      };
    }
  } finally {
    await comparer.close();
    await runner.stop();
  }
}

/** The listed tables, and others that the text reads: lists are not always whole. */
function tablesOf(query: CorpusQuery, declared: ReadonlySet<string>): readonly string[] {
  const read = [...query.sql.matchAll(/\b(?:from|join)\s+(\w+)/gi)].map((it) =>
    it[1]!.toLowerCase(),
  );
  return [...new Set([...query.tables, ...read.filter((name) => declared.has(name))])];
}

async function runLive(runner: QueryRunner, sql: string): Promise<Partial<CorpusLine>> {
  const startedAt = performance.now();
  const ms = () => Math.round(performance.now() - startedAt);
  try {
    const { rows } = await runner.run(sql, { allowSensitive: true });
    return { live: 'ok', rows: rows.length, ms: ms() };
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return { live: error.code, liveDetail: error.message, ms: ms() };
  }
}

async function main(file: string): Promise<void> {
  const queries = JSON.parse(readFileSync(file, 'utf8')) as readonly CorpusQuery[];
  const lines: CorpusLine[] = [];
  const tables = syntheticTables(join(dirname(file), 'osquery_specs.json'));
  for await (const line of checkCorpus(queries, tables, { live: true })) {
    lines.push(line);
    const live = line.covered
      ? `${line.live}${line.rows === undefined ? '' : ` ${line.rows} rows`} ${line.ms} ms ${line.liveDetail ?? ''}`
      : 'tables missing';
    console.log(`${line.id}\t${live}\t${line.same ? '' : 'DIFFERS '}${line.compared}`);
  }
  summarize(queries, lines);
}

function summarize(queries: readonly CorpusQuery[], lines: readonly CorpusLine[]): void {
  const covered = lines.filter((line) => line.covered);
  const differing = lines.filter(({ same }) => !same);
  const failed = covered.filter(({ live }) => live !== 'ok' && !OSQUERYS_OWN.has(live ?? ''));
  const percent = ((100 * covered.length) / Math.max(1, lines.length)).toFixed(1);
  console.log(`\nqueries: ${lines.length}`);
  console.log(`all tables here: ${covered.length} (${percent} %)`);
  console.log(`of these, on this host: ${tally(covered.map(({ live }) => live ?? ''))}`);
  console.log(`on made-up rows: ${lines.length - differing.length} as plain SQLite`);
  console.log(
    `made-up rows by kind: ${tally(lines.map((it) => (it.same ? it.compared : 'differs')))}`,
  );
  if (failed.length > 0) console.log(`failed: ${failed.map(({ id }) => id).join(' ')}`);
  if (differing.length > 0) console.log(`differing: ${differing.map(({ id }) => id).join(' ')}`);
  console.log(`missing tables: ${missingTables(queries, lines)}`);
  process.exitCode = failed.length + differing.length > 0 ? 1 : 0;
}

function missingTables(queries: readonly CorpusQuery[], lines: readonly CorpusLine[]): string {
  const served = new Set(allTables.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]));
  const wanted = queries.filter((_, at) => !lines[at]!.covered).flatMap(({ tables }) => tables);
  return tally(wanted.filter((table) => !served.has(table))) || 'none';
}

function tally(kinds: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = process.argv[2];
  if (file === undefined || !existsSync(file)) {
    console.error(`npm run corpus -- FILE: no such file: ${JSON.stringify(file ?? '')}`);
    process.exitCode = 64;
  } else await main(file);
}
