/** What a hub found changed by hand, as alerts: each as long as it is there, and no longer. */
import type pg from 'pg';
import { driftText, lookForDrift, type Drift } from './drift.ts';
import { MIGRATIONS_DIR, SQL_DIR } from '../release.ts';

/** Looks and reports. Nothing is told where another release made the schema. */
export async function watchDrift(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  let drift: Drift[] | undefined;
  try {
    drift = await lookForDrift(client, { migrationsDir: MIGRATIONS_DIR, sqlDir: SQL_DIR });
  } finally {
    client.release();
  }
  if (drift !== undefined) await reportDrift(pool, drift);
}

/** All that was found; what is not among it was mended. */
export async function reportDrift(pool: pg.Pool, drift: readonly Drift[]): Promise<void> {
  const told = drift.map((each) => ({
    key: `${each.kind} ${each.name}`,
    message: driftText(each),
    mend: each.mend,
  }));
  await pool.query('select swarmplane.report_drift($1)', [JSON.stringify(told)]);
}
