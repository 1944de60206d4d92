/** The process of the reduce step: alasql with everything taken out that is not needed for a SELECT. */
import type { Value } from '../tables/types.ts';
import { confinedAlasql } from './alasql.ts';
import { orderVersions, type NodeClasses } from './reduce-versions.ts';
import type { ReduceJob, ReduceReport } from './reduce.ts';

process.on('disconnect', () => process.exit(0));

const alasql = confinedAlasql();
process.once('message', (job: ReduceJob) => report(perform(job)));
process.send?.({ type: 'ready' } satisfies ReduceReport);

function perform(job: ReduceJob): ReduceReport {
  try {
    const database = new alasql.Database('reduce');
    database.exec('CREATE TABLE answers');
    database.tables['answers']!.data = job.rows.map((row) => toObject(job.inputKeys, row));
    const [statement] = alasql.parse(job.sql).statements;
    orderVersions(statement!, job.orders, alasql.yy as unknown as NodeClasses);
    const run = statement!.compile('reduce');
    const found = run({ ...job.parameters }) as Record<string, unknown>[];
    if (found.length > job.rowsMax)
      return { type: 'failed', message: `it gives ${found.length} rows, more than ${job.rowsMax}` };
    return { type: 'rows', rows: found.map((row) => job.outputKeys.map((key) => plain(row[key]))) };
  } catch (error) {
    return { type: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

function toObject(keys: readonly string[], row: readonly Value[]): Record<string, Value> {
  const object: Record<string, Value> = {};
  keys.forEach((key, at) => {
    const value = row[at] ?? null;
    // JavaScript refuses to add big integers to numbers; a sum may as well be inexact.
    object[key] = typeof value === 'bigint' ? Number(value) : value;
  });
  return object;
}

/** alasql says undefined or NaN where SQL says NULL. */
function plain(value: unknown): Value {
  if (value === undefined || value === null || Number.isNaN(value)) return null;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
    return value;
  return value instanceof Uint8Array ? value : JSON.stringify(value);
}

function report(message: ReduceReport): void {
  process.send?.(message, () => process.exit(0));
}
