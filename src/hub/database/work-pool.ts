/** The pools a hub works with: as swarmplane_hub, which may call the functions of the queue and no more. */
import type pg from 'pg';
import { openPool, type ConnectOptions } from './database.ts';
import type { Log } from '../log.ts';

export interface WorkPools {
  readonly pool: pg.Pool;
  /** One connection beside it, for who looks why the others wait. */
  readonly aside: pg.Pool;
}

/** Seen in pg_stat_activity. */
export const WORK_NAME = 'swarmplane queue';
export const ASIDE_NAME = 'swarmplane watch';

/** `checked` is any connection to the database, migrated. */
export async function openWorkPools(url: string, checked: pg.Pool, log: Log): Promise<WorkPools> {
  const { rows } = await checked.query<{ member: boolean; wait: number }>(
    `select pg_has_role(current_user, 'swarmplane_hub', 'member') as member,
            extract(epoch from swarmplane.setting_interval('lock_wait'))::float8 * 1000 as wait`,
  );
  const { member, wait } = rows[0]!;
  // Where the URL sets options of its own the hub works with the rights it has.
  const role = member ? { role: 'swarmplane_hub' } : {};
  const common: ConnectOptions = { log, use: 'hub', lockTimeoutMs: Math.ceil(wait), ...role };
  const open = (applicationName: string, max: number, statementTimeoutMs: number): pg.Pool =>
    openPool(url, { ...common, applicationName, max, statementTimeoutMs });
  return { pool: open(WORK_NAME, 8, 30_000), aside: open(ASIDE_NAME, 1, 5_000) };
}
