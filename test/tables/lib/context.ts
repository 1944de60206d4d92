/** Contexts and fake machines for the tests of tables. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { onTestFinished } from 'vitest';

import type { CollectContext, Constraint, HostTable, Row } from '../../../src/tables/types.ts';

export interface TestContext extends CollectContext {
  readonly warnings: string[];
}

/** A context that asks for every column of `table`, on this machine unless `root` says otherwise. */
export function contextFor(table: HostTable, over: Partial<CollectContext> = {}): TestContext {
  const warnings: string[] = [];
  return {
    facts: { members: [], links: [], alarms: [], agent: {} },
    root: '/',
    signal: new AbortController().signal,
    columns: new Set(table.columns.map((column) => column.name)),
    constraints: [],
    load: (body) => body(),
    warn: (message) => warnings.push(message),
    ...over,
    warnings,
  };
}

export async function rowsOf(table: HostTable, over?: Partial<CollectContext>): Promise<Row[]> {
  const context = contextFor(table, over);
  return table.kind === 'snapshot' ? await table.collect(context) : [...table.lookup(context)];
}

export function eq(column: string, value: Constraint['value']): Constraint {
  return { column, op: 'eq', value };
}

/**
 * A folder that looks like the root of another machine, gone after the test. A value is a file's
 * content; `{ link }` makes a symbolic link.
 */
export function fakeRoot(files: Record<string, string | Uint8Array | { link: string }>): string {
  const root = mkdtempSync(join(tmpdir(), 'swarmplane-root-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    if (typeof content === 'object' && 'link' in content) symlinkSync(content.link, full);
    else writeFileSync(full, content);
  }
  return root;
}
