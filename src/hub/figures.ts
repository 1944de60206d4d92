/** The hub in numbers, for metrics. */
import type { WakeReason } from './database/listener.ts';
import type { QueueFacts } from './queue/facts.ts';

/** Counters only grow; they start at zero with the process. */
export interface HubFigures {
  readonly connected: boolean;
  /** Requests that are being asked right now. */
  readonly atWork: number;
  readonly claims: number;
  readonly claimedDeliveries: number;
  /** Of those, the ones that had been tried before. */
  readonly retriedDeliveries: number;
  /** What deliveries became, in the words of docs/backplane.md; `pending` is tried again. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** Leases that another hub took over while this one was at work on them. */
  readonly leasesLost: number;
  readonly wakeups: ReadonlyMap<WakeReason, number>;
  /** Parts that have begun. */
  readonly parts: readonly {
    readonly part: string;
    /** Since it last went well. */
    readonly ageSeconds: number;
    readonly stalled: boolean;
  }[];
  /** Undefined while the database does not answer. */
  readonly queue: QueueFacts | undefined;
}
