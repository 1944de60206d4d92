/** From a URL to a migrated database, however long the server takes to appear. */
import { connect, endPool } from '../database/database.ts';
import { HubError, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Drift } from './drift.ts';
import { migrate } from './migrate.ts';
import { Backoff, mayPass } from '../database/outage.ts';
import { MIGRATIONS_DIR, RELEASE, SQL_DIR } from '../release.ts';
import { openWorkPools, type WorkPools } from '../database/work-pool.ts';

export interface OpenedDatabase extends WorkPools {
  /** What somebody changed by hand; undefined where it could not be looked for. */
  readonly drift: readonly Drift[] | undefined;
}

/**
 * Checks, migrates, and opens the pool to work with. Once: an outage rejects with what pg throws.
 * @throws HubError for what waiting does not mend: wrong password, too old, a standby, a failed migration
 */
export async function openDatabase(url: string, log: Log): Promise<OpenedDatabase> {
  const checked = await connect(url, { log, max: 2, applicationName: 'swarmplane migrate' });
  try {
    const { drift } = await migrate(checked, {
      migrationsDir: MIGRATIONS_DIR,
      sqlDir: SQL_DIR,
      release: RELEASE,
      log,
    });
    const pools = await openWorkPools(url, checked, log);
    return { ...pools, drift };
  } finally {
    await endPool(checked);
  }
}

/** Repeats `work` while the database is away. @throws the last error when `signal` aborts */
export async function whileAway<T>(
  work: () => Promise<T>,
  log: Log,
  signal?: AbortSignal,
): Promise<T> {
  const backoff = new Backoff();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const away = mayPass(error) || (error instanceof HubError && AWAY.has(error.code));
      if (!away || signal?.aborted === true) throw error;
      log.warn({ error: messageOf(error) }, 'the database is away, trying again');
      await backoff.pause(signal);
    }
  }
}

const AWAY = new Set(['unreachable', 'migration_blocked']);
