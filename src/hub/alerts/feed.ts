/** Alerts as people read them: those that are open, all, or each as it opens and ends. */
import type pg from 'pg';
import { ALERT_CHANNEL } from './teller.ts';
import { endPool, explainFailure, openPool } from '../database/database.ts';
import { HubError, messageOf } from '../errors.ts';
import { createListener } from '../database/listener.ts';
import { silentLog, type Log } from '../log.ts';
import { isOutage } from '../database/outage.ts';

/** A row of swarmplane.alert. */
export interface Alert {
  readonly id: number;
  readonly kind: string;
  readonly key: string;
  readonly severity: string;
  readonly message: string;
  readonly detail: unknown;
  readonly count: number;
  readonly first_at: Date;
  readonly last_at: Date;
  readonly resolved_at: Date | null;
  readonly acknowledged_at: Date | null;
  readonly acknowledged_by: string | null;
  readonly acknowledged_why: string | null;
  /** Nobody is told of it until then; null where it is not muted. */
  readonly muted_until: Date | null;
  readonly muted_by: string | null;
  readonly muted_why: string | null;
}

/** Open alerts, newest last; with `all` the resolved ones too, at most the newest 1,000. @throws HubError */
export async function readAlerts(url: string, all: boolean): Promise<Alert[]> {
  const pool = openPool(url, SETTINGS);
  try {
    const where = all ? '' : 'where resolved_at is null';
    const { rows } = await pool.query<Alert>(
      `select * from (${COLUMNS} ${where} order by last_at desc limit ${ROWS_MAX}) newest order by last_at, id`,
    );
    return rows;
  } catch (error) {
    throw explained(error, url);
  } finally {
    await endPool(pool);
  }
}

const ROWS_MAX = 1_000;
const SETTINGS = { max: 1, applicationName: 'swarmplane alerts', statementTimeoutMs: 10_000 };
const COLUMNS = `select * from (
  select a.id, a.kind, a.key, a.severity, a.message, a.detail, a.count, a.first_at, a.last_at, a.resolved_at,
         a.acknowledged_at, a.acknowledged_by, a.acknowledged_why,
         m.until as muted_until, m.muted_by, m.why as muted_why
    from swarmplane.alert a
    left join swarmplane.alert_mute m on m.kind = a.kind and m.key = a.key and m.until > now()) alert`;

export interface WatchOptions {
  /** Ends the watching. */
  readonly signal: AbortSignal;
  readonly log?: Log;
  readonly pollMs?: number;
}

/**
 * Open alerts first, then each alert once more when it opens and once when it is resolved. Woken by
 * NOTIFY, and by a poll. Survives a database that is away.
 * @throws HubError when the first look fails
 */
export async function watchAlerts(
  url: string,
  onAlert: (alert: Alert) => void,
  options: WatchOptions,
): Promise<void> {
  const { signal, log = silentLog, pollMs = 5_000 } = options;
  const pool = openPool(url, { ...SETTINGS, log });
  const listener = createListener({ url, channel: ALERT_CHANNEL, log, pollMs });
  const look = lookWith(pool, onAlert);
  try {
    await look().catch((error: unknown) => {
      throw explained(error, url);
    });
    await new Promise<void>((resolve, reject) => {
      listener.onWake(() => {
        look().catch((error: unknown) => {
          if (!isOutage(error)) reject(explained(error, url));
          else log.warn({ error: messageOf(error) }, 'the database is away');
        });
      });
      signal.addEventListener('abort', () => resolve(), { once: true });
      if (signal.aborted) resolve();
      void listener.start();
    });
  } finally {
    await listener.stop();
    await endPool(pool);
  }
}

/** One look at a time; what asks for one meanwhile gets another after it. */
function lookWith(pool: pg.Pool, onAlert: (alert: Alert) => void): () => Promise<void> {
  const open = new Set<number>();
  let newest: number | undefined;
  let last = Promise.resolve();
  const look = async (): Promise<void> => {
    // Ids may become visible out of order: what is open is looked for by its state as well.
    const { rows } = await pool.query<Alert>(
      `${COLUMNS} where muted_until is null and (resolved_at is null or id > $2) or id = any($1) order by id`,
      [[...open], newest ?? MAX_ID],
    );
    newest ??= 0;
    for (const alert of rows) {
      const known = open.has(alert.id);
      newest = Math.max(newest, alert.id);
      if (alert.resolved_at === null) open.add(alert.id);
      else open.delete(alert.id);
      if (!known || alert.resolved_at !== null) onAlert(alert);
    }
  };
  return () => {
    last = last.catch(() => undefined).then(look);
    return last;
  };
}

/** At the first look only what is open counts. */
const MAX_ID = Number.MAX_SAFE_INTEGER;

export function explained(error: unknown, url: string): HubError {
  if (error instanceof HubError) return error;
  const code = (error as { code?: unknown }).code;
  if (code === '42501') {
    return new HubError('not_allowed', messageOf(error), {
      cause: error,
      hint: 'this login needs swarmplane_reader: `swarmplane hub grant --role reader NAME`',
    });
  }
  if (code === '42P01' || code === '3F000') {
    return new HubError('no_schema', 'no hub has worked with this database yet', {
      cause: error,
      hint: 'start one with `swarmplane hub --database URL`',
    });
  }
  return explainFailure(error, url);
}
