/** Every table a host can serve, by name. */
import { packagesTables } from './registry-packages.ts';
import { systemTables } from './registry-system.ts';
import { osqueryRegistry } from './system/osquery-registry.ts';
import type { HostTable } from './types.ts';

/** All tables, sorted by name. */
export const allTables: readonly HostTable[] = [
  ...systemTables,
  ...packagesTables,
  osqueryRegistry(() => allTables),
].sort((a, b) => (a.name < b.name ? -1 : 1));

const byName = new Map<string, HostTable>();
for (const table of allTables) {
  for (const name of [table.name, ...(table.aliases ?? [])]) byName.set(name, table);
}

/** A table by its name or one of its aliases; names of tables do not mind case, as in SQL. */
export function findTable(name: string): HostTable | undefined {
  return byName.get(name.toLowerCase());
}
