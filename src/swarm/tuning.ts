import type { Tuning } from './types.ts';

/** docs/protocol.md sections 4, 7 and 8; those not named there are our own choice. */
export const DEFAULT_TUNING: Tuning = {
  heartbeatMs: 5_000,
  linkDeadMs: 15_000,
  redialMinMs: 500,
  redialMaxMs: 30_000,
  seedRedialMs: 60_000,
  acceptedAfterMs: 2_000,
  clockSkewMaxMs: 5 * 60_000,
  newsDelayMs: 20,
  lostGraceMs: 2_000,
  suspectMs: 5_000,
  digestMs: 60_000,
  unreachableGraceMs: 1_000,
  relinkGraceMs: 3_000,
  deadExpectedMs: 30 * 24 * 3_600_000,
  forgetAfterMs: 10 * 60_000,
  prekeyMs: 24 * 3_600_000,
  probeMeanMs: 10 * 60_000,
  probeAnswerMs: 10_000,
  probeWitnesses: 5,
};
