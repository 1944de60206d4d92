/** The parts of a hub that must not stand still in silence, with how often each is to go well. */
import { Pulse } from './pulse.ts';

/** How often each kind of work is done, milliseconds. */
export interface Intervals {
  readonly pollMs: number;
  readonly heartbeatMs: number;
  readonly nodesMs: number;
  readonly sealMs: number;
  readonly retentionMs: number;
  readonly partitionsMs: number;
  readonly alertsMs: number;
  readonly driftMs: number;
  readonly watchdogMs: number;
}

export type Parts = ReturnType<typeof partsOf>;

/** A part that failed and has a long interval tries again after this long at most, milliseconds. */
export const RETRY_MS_MAX = 60_000;

/** A third of what a backup with its restore into another server may take, milliseconds. */
const BACKUP_MS = 2 * 3_600_000;

/** Whom people took out is looked for at most this often. */
export const DEPARTED_MS = 500;

export function partsOf(every: Intervals) {
  const { pollMs, heartbeatMs, nodesMs, sealMs, retentionMs, partitionsMs, alertsMs, driftMs } =
    every;
  const polled = (part: string): Pulse => new Pulse({ part, everyMs: pollMs });
  const rare = (part: string, everyMs: number): Pulse =>
    new Pulse({ part, everyMs, retryMs: Math.min(everyMs, RETRY_MS_MAX) });
  return {
    start: new Pulse({ part: 'start', retryMs: pollMs }),
    heartbeat: new Pulse({ part: 'heartbeat', everyMs: heartbeatMs }),
    claims: polled('claims'),
    /** Cancels, leases that ran out, requests past their time. */
    tending: polled('tending'),
    outcomes: new Pulse({ part: 'outcomes', retryMs: pollMs }),
    schedules: polled('schedules'),
    desired: polled('desired state'),
    nodes: new Pulse({ part: 'nodes', everyMs: nodesMs }),
    departures: new Pulse({ part: 'departures', everyMs: Math.max(pollMs, DEPARTED_MS) }),
    history: polled('history'),
    historyRetention: rare('history retention', retentionMs),
    sealing: new Pulse({ part: 'sealing', everyMs: sealMs }),
    retention: rare('retention', retentionMs),
    partitions: rare('partitions', partitionsMs),
    alerts: new Pulse({ part: 'alerts', everyMs: alertsMs }),
    drift: rare('drift', driftMs),
    /** What agents warn of, written as alerts. */
    alarms: new Pulse({ part: 'alarms', retryMs: heartbeatMs }),
    listener: new Pulse({ part: 'listener', everyMs: every.watchdogMs }),
    webhook: polled('webhook'),
    /** That none is made, or that one failed, is an alert of the database. */
    backups: new Pulse({
      part: 'backups',
      retryMs: Math.min(alertsMs, RETRY_MS_MAX),
      runMs: BACKUP_MS,
    }),
  };
}
