/** Rows of a table as JSON, for machines that a test looks into from outside: lists of constraints come as input. */
import { readFileSync } from 'node:fs';

import { findTable } from '../../../src/tables/index.ts';
import type { Constraint, Row } from '../../../src/tables/types.ts';

const table = findTable(process.argv[2]!)!;

async function scan(
  constraints: Constraint[],
): Promise<{ rows?: Row[]; warnings: string[]; error?: string }> {
  const warnings: string[] = [];
  const context = {
    facts: { agent: {} },
    root: '/',
    signal: new AbortController().signal,
    columns: new Set(table.columns.map(({ name }) => name)),
    constraints,
    load: <T>(body: () => Promise<T>) => body(),
    warn: (message: string) => void warnings.push(message),
  };
  try {
    const rows =
      table.kind === 'snapshot' ? await table.collect(context) : [...table.lookup(context)];
    return { rows, warnings };
  } catch (error) {
    return { warnings, error: (error as Error).message };
  }
}

const scans = [];
for (const constraints of JSON.parse(readFileSync(0, 'utf8')) as Constraint[][])
  scans.push(await scan(constraints));
process.stdout.write(
  JSON.stringify(scans, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
);
