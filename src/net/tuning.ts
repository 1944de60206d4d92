/** The driver's own figures, beside the core's Tuning. Milliseconds and bytes. */
import { ADMISSION_LIMITS, type AdmissionLimits } from './admission-budget.ts';
import { FAILURE_LIMITS, type FailureLimits } from './admission-failures.ts';

export interface NetTuning {
  /** From accept to the first whole frame. */
  readonly firstMessageMs: number;
  /** From a challenge to its answer. */
  readonly challengeMs: number;
  /** From accept, or from TCP connect, to an open session; includes waiting for admission. */
  readonly handshakeMs: number;
  readonly connectMs: number;
  /** Connections that have proved nothing; as many again that have shown a key, but not who they are. */
  readonly unauthenticatedMax: number;
  /** Bytes that wait for one peer to read them; beyond it the peer is closed. */
  readonly writeBufferMax: number;
  /** A peer that takes no byte for so long, while some wait, is closed. */
  readonly writeStallMs: number;
  /** Bytes one authenticated peer may send per second before its socket is left unread for a while. */
  readonly linkBytesPerSecond: number;
  /** How often clocks, stalled peers and rekeying are looked at. */
  readonly tickMs: number;
  /** Wall time running ahead of monotonic time by more closes all links. */
  readonly wallJumpMs: number;
  /** The J-PAKE worker ends after so long without a handshake. */
  readonly pakeIdleMs: number;
  /** A J-PAKE step that takes longer means that the worker is stuck. */
  readonly pakeStepMs: number;
  /** How long a peer that broke the protocol after authentication is not let in again. */
  readonly banMs: number;
  /** Time for last messages to leave at `leave`. */
  readonly flushMs: number;
  readonly admission: AdmissionLimits;
  readonly failures: FailureLimits;
}

export const DEFAULT_NET_TUNING: NetTuning = {
  firstMessageMs: 1_000,
  challengeMs: 3_000,
  handshakeMs: 10_000,
  connectMs: 5_000,
  unauthenticatedMax: 256,
  writeBufferMax: 16 * 1024 * 1024,
  writeStallMs: 15_000,
  linkBytesPerSecond: 64 * 1024 * 1024,
  tickMs: 1_000,
  wallJumpMs: 10_000,
  pakeIdleMs: 30_000,
  pakeStepMs: 10_000,
  banMs: 60_000,
  flushMs: 1_000,
  admission: ADMISSION_LIMITS,
  failures: FAILURE_LIMITS,
};
