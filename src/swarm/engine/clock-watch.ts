import type { Now } from '../types.ts';

/** Wall time running ahead of monotonic time by more than this is a host that was suspended. */
const SUSPENDED_MS = 10_000;

/** Sees a laptop that slept: what is open then is dead, whatever its sockets say. */
export class ClockWatch {
  #gap: number | undefined;

  /** True once after each sleep. */
  slept(now: Now): boolean {
    const gap = now.wall - now.mono;
    const slept = this.#gap !== undefined && gap - this.#gap > SUSPENDED_MS;
    this.#gap = gap;
    return slept;
  }
}
