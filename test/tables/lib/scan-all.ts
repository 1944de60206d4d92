/**
 * Every table that needs no constraint, whole, one after the other, as JSON lines: what a query of it would
 * take, and which files were opened for it, how often and how.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

export interface TableScan {
  readonly table: string;
  readonly ms: number;
  readonly rows: number;
  readonly error?: string;
  readonly code?: string;
  readonly warnings: readonly string[];
  /** Path of a regular file to the times it was opened for reading. */
  readonly opened: Readonly<Record<string, number>>;
  /** Those of them that were opened so that their time of last access changes. */
  readonly touched: readonly string[];
}

let opened = new Map<string, number>();
let touched = new Set<string>();

const { openSync, readFileSync } = fs;
const note = (path: fs.PathOrFileDescriptor, flags: unknown): void => {
  const name = String(path);
  // What the kernel makes as it is read has no time of access.
  if (typeof path === 'number' || /^\/(?:proc|sys|dev)(?:\/|$)/.test(name)) return;
  opened.set(name, (opened.get(name) ?? 0) + 1);
  if (typeof flags !== 'number' || !(flags & fs.constants.O_NOATIME)) touched.add(name);
};
fs.openSync = (path, flags, mode) => {
  const fd = openSync(path, flags, mode);
  if (fs.fstatSync(fd).isFile()) note(path as string, flags);
  return fd;
};
fs.readFileSync = ((path: fs.PathOrFileDescriptor, options: never) => {
  note(path, 'r');
  return readFileSync(path, options);
}) as typeof fs.readFileSync;
syncBuiltinESMExports();

// After the functions that it imports are replaced.
const { allTables } = await import('../../../src/tables/index.ts');

const wanted = process.argv.slice(2);
for (const table of allTables) {
  if (table.columns.some(({ required }) => required)) continue;
  if (wanted.length > 0 && !wanted.includes(table.name)) continue;
  [opened, touched] = [new Map(), new Set()];
  const warnings: string[] = [];
  const context = {
    facts: { agent: {} },
    root: '/',
    signal: AbortSignal.timeout(60_000),
    columns: new Set(table.columns.map(({ name }) => name)),
    constraints: [],
    load: <T>(body: () => Promise<T>) => body(),
    warn: (message: string) => void warnings.push(message),
  };
  const begun = performance.now();
  let rows = 0;
  let failure: { error: string; code: string } | undefined;
  try {
    const found = table.kind === 'snapshot' ? await table.collect(context) : table.lookup(context);
    for (const row of found) if (row) rows += 1;
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    failure = { error: message, code: code ?? 'none' };
  }
  const scan: TableScan = {
    table: table.name,
    ms: performance.now() - begun,
    rows,
    ...failure,
    warnings,
    opened: Object.fromEntries(opened),
    touched: [...touched],
  };
  process.stdout.write(`${JSON.stringify(scan)}\n`);
}
process.exit(0);
