/** The database that the commands of history read. */
import type { Command } from 'commander';
import { connect, endPool } from '../hub/index.ts';
import { databaseOf } from './options.ts';

export type Database = Awaited<ReturnType<typeof connect>>;

/** Opens the database for `work` and closes it after. */
export async function withDatabase<T>(
  command: Command,
  options: { readonly database?: string },
  work: (pool: Database) => Promise<T>,
): Promise<T> {
  const pool = await connect(databaseOf(command, options.database), {
    applicationName: 'swarmplane history',
    max: 2,
  });
  try {
    return await work(pool);
  } finally {
    await endPool(pool);
  }
}
