/** Hosts that people take out of a hub's database: forgotten, retired, and taken back. */
import type pg from 'pg';
import { endPool, explainFailure, openPool } from './database/database.ts';
import { HubError, messageOf } from './errors.ts';

export type Departure = 'forget' | 'retire' | 'unretire';

export interface Departed {
  readonly nodeId: string;
  /** A hub has taken it up; false where none did within a few seconds. */
  readonly done: boolean;
}

/**
 * Calls swarmplane.forget, retire or unretire, and waits a little for a hub to take it up.
 * @throws HubError `not_allowed`, `no_schema`, `refused` with the database's hint
 */
export async function depart(
  url: string,
  departure: Departure,
  host: string,
  reason?: string,
): Promise<Departed> {
  const pool = openPool(url, { max: 1, applicationName: `swarmplane ${departure}` });
  try {
    const [sql, values] =
      departure === 'retire'
        ? ['select swarmplane.retire($1, $2) as id', [host, reason ?? null]]
        : [`select swarmplane.${departure}($1) as id`, [host]];
    const nodeId = (await pool.query<{ id: string }>(sql, values)).rows[0]!.id;
    return { nodeId, done: await isTaken(pool, departure, nodeId) };
  } catch (error) {
    throw explained(error, url);
  } finally {
    await endPool(pool);
  }
}

/** Nobody is told when a hub takes a wish up: the row shows it. */
async function isTaken(pool: pg.Pool, departure: Departure, nodeId: string): Promise<boolean> {
  const deadline = performance.now() + TAKEN_MS_MAX;
  for (;;) {
    const { rows } = await pool.query<{ state: string }>(
      'select state from swarmplane.node where identity = $1',
      [nodeId],
    );
    const retired = rows[0]?.state === 'retired';
    const forgotten = departure === 'forget' && rows[0]?.state === 'forgotten';
    if (departure === 'unretire' ? !retired : retired || forgotten) return true;
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

const TAKEN_MS_MAX = 5_000;
const LOOK_MS = 50;

function explained(error: unknown, url: string): HubError {
  const { code, hint } = error as { code?: string; hint?: string };
  const of = { cause: error };
  if (code === '42501')
    return new HubError('not_allowed', messageOf(error), {
      ...of,
      hint: 'this login needs swarmplane_operator: `swarmplane hub grant --role operator NAME`',
    });
  if (code === '3F000' || code === '42883')
    return new HubError('no_schema', 'no hub of this version has worked with this database yet', {
      ...of,
      hint: 'start one with `swarmplane hub --database URL`',
    });
  if (code !== undefined && REFUSALS.has(code))
    return new HubError('refused', messageOf(error), { ...of, ...(hint && { hint }) });
  return explainFailure(error, url);
}

/** SQLSTATEs by which sql/44-departure.sql refuses. */
const REFUSALS = new Set(['22023', '55000', 'P0002']);
