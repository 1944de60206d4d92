import { controlOnce } from '../agent/client.ts';
import type { Explanation } from '../query/index.ts';
import { EXIT } from './errors.ts';
import { table } from './text.ts';

/** `swarmplane query --explain`: which tables and constraints a host will use. */
export async function explain(socketPath: string, sql: string): Promise<number> {
  const value = await controlOnce(socketPath, { op: 'explain', sql });
  const { tables } = value as unknown as Explanation;
  const rows = tables.map((use) => [
    use.table,
    use.kind,
    use.constraints.join(', '),
    use.columns.join(', '),
  ]);
  process.stdout.write(table(['table', 'read as', 'constraints pushed down', 'columns'], rows));
  return EXIT.ok;
}
