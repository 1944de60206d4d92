/** The tables of hosts as swarmplane.host_table has them. */
import type { HostTable } from '../tables/types.ts';

export type DeclaredTable = Required<
  Pick<HostTable, 'name' | 'description' | 'columns' | 'key' | 'sensitive'>
>;

/** Those of this release. Loaded when a hub starts, because an agent without a hub has no need of them. */
export async function declaredTables(): Promise<DeclaredTable[]> {
  const { allTables } = await import('../tables/index.ts');
  return allTables.map(({ name, description, columns, key, sensitive = false }) => ({
    name,
    description,
    columns,
    key,
    sensitive,
  }));
}
