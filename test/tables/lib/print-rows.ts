/** A table's rows as JSON, for machines that a test looks into from outside: constraints come as input. */
import { readFileSync } from 'node:fs';

import { findTable } from '../../../src/tables/index.ts';
import type { Constraint, Row } from '../../../src/tables/types.ts';

const table = findTable(process.argv[2]!)!;
const warnings: string[] = [];
const context = {
  facts: { agent: {} },
  root: '/',
  signal: new AbortController().signal,
  columns: new Set(table.columns.map(({ name }) => name)),
  constraints: JSON.parse(readFileSync(0, 'utf8')) as Constraint[],
  load: <T>(body: () => Promise<T>) => body(),
  warn: (message: string) => void warnings.push(message),
};
let answer: { rows?: Row[]; error?: string };
try {
  answer = {
    rows: table.kind === 'snapshot' ? await table.collect(context) : [...table.lookup(context)],
  };
} catch (error) {
  answer = { error: (error as Error).message };
}
process.stdout.write(
  JSON.stringify({ ...answer, warnings }, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  ),
);
