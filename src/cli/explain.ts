import { controlOnce } from '../agent/client.ts';
import { EXIT } from './errors.ts';
import { table } from './text.ts';

/** `swarmplane query --explain`: which tables and constraints a host will use. */
export async function explain(socketPath: string, sql: string): Promise<number> {
  const { tables } = await controlOnce(socketPath, { op: 'explain', sql });
  const rows = tables.map((use) => [
    use.table,
    use.kind,
    use.constraints.join(', '),
    use.columns.join(', '),
  ]);
  process.stdout.write(table(['table', 'read as', 'constraints pushed down', 'columns'], rows));
  return EXIT.ok;
}
