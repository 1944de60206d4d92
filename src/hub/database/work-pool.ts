/** The pool a hub works with: as swarmplane_hub, which may call the functions of the queue and no more. */
import type pg from 'pg';
import { openPool } from './database.ts';
import type { Log } from '../log.ts';

/** `checked` is any connection to the database, migrated. */
export async function openWorkPool(url: string, checked: pg.Pool, log: Log): Promise<pg.Pool> {
  const { rows } = await checked.query<{ member: boolean }>(
    `select pg_has_role(current_user, 'swarmplane_hub', 'member') as member`,
  );
  return openPool(rows[0]!.member ? asHub(url) : url, {
    log,
    max: 8,
    statementTimeoutMs: 30_000,
    applicationName: 'swarmplane queue',
  });
}

/** Where the URL sets options of its own they are left alone, and the hub works with the rights it has. */
function asHub(url: string): string {
  const parsed = new URL(url);
  if (parsed.searchParams.has('options')) return url;
  parsed.searchParams.set('options', '-c role=swarmplane_hub');
  return parsed.href;
}
