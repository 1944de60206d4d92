import type { WakeReason } from '../database/listener.ts';

/** What went through the queue since this process started, for metrics. */
export class QueueCounters {
  claims = 0;
  claimedDeliveries = 0;
  retriedDeliveries = 0;
  leasesLost = 0;
  readonly outcomes = new Map<string, number>();
  readonly wakeups = new Map<WakeReason, number>();

  claimed(deliveries: readonly { readonly attempt: number }[]): void {
    this.claims++;
    this.claimedDeliveries += deliveries.length;
    this.retriedDeliveries += deliveries.filter(({ attempt }) => attempt > 1).length;
  }

  became(verdict: string): void {
    this.outcomes.set(verdict, (this.outcomes.get(verdict) ?? 0) + 1);
  }

  woken(reason: WakeReason): void {
    this.wakeups.set(reason, (this.wakeups.get(reason) ?? 0) + 1);
  }
}
