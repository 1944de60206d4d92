/** The real clocks, behind an interface so that tests can let wall time jump. */
import { performance } from 'node:perf_hooks';
import type { Now } from '../swarm/types.ts';

export interface Clock {
  now(): Now;
}

export const systemClock: Clock = {
  now: () => ({ mono: performance.now(), wall: Date.now() }),
};

/**
 * Tells when wall time ran ahead of monotonic time: the machine was suspended, and every peer
 * may have given this node up without its sockets knowing (docs/protocol.md section 4).
 */
export class WallJumpDetector {
  #offset: number;
  readonly #limitMs: number;

  constructor(now: Now, limitMs: number) {
    this.#offset = now.wall - now.mono;
    this.#limitMs = limitMs;
  }

  /** True once per jump. Wall time set back, or slewed slowly, is no jump. */
  check(now: Now): boolean {
    const offset = now.wall - now.mono;
    const jumped = offset - this.#offset > this.#limitMs;
    this.#offset = offset;
    return jumped;
  }
}
