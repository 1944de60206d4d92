import type { HubTuning } from '../../src/hub/hub.ts';

/** Quick for tests: what is tested is never how long these are. */
export const QUICK: Partial<HubTuning> = {
  heartbeatMs: 100,
  pollMs: 200,
  settleMs: 0,
  graceMs: 300,
  nodesMs: 500,
  sealMs: 100,
  retentionMs: 500,
  partitionsMs: 2_000,
  alertsMs: 500,
  driftMs: 2_000,
  watchdogMs: 2_000,
  stopMs: 2_000,
};
