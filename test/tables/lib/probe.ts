/** Prints a table's rows and warnings as JSON, for tests that need a process of their own: `probe.ts TABLE [COLUMN=VALUE]..`. */
import { findTable } from '../../../src/tables/index.ts';

const table = findTable(process.argv[2]!)!;
const constraints = process.argv.slice(3).map((given) => {
  const [column = '', value = ''] = given.split('=');
  return { column, op: 'eq', value: /^\d+$/.test(value) ? Number(value) : value } as const;
});
const warnings: string[] = [];
const context = {
  facts: { members: [], links: [], alarms: [], agent: {} },
  root: '/',
  signal: new AbortController().signal,
  columns: new Set(table.columns.map((column) => column.name)),
  constraints,
  load: <T>(body: () => Promise<T>) => body(),
  warn: (message: string) => void warnings.push(message),
};
const rows = table.kind === 'snapshot' ? await table.collect(context) : [...table.lookup(context)];
process.stdout.write(`${JSON.stringify({ rows, warnings })}\n`);
