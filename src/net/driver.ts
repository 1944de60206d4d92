/**
 * Drives the sans-IO core: after each call everything it wants is drained, and one timer follows
 * its next timeout.
 */
import type { Core, CoreEvent, Effect, LinkId, Now } from '../swarm/types.ts';
import type { Clock } from './clock.ts';

export interface DriverHandlers {
  send(link: LinkId, message: Uint8Array): void;
  effect(effect: Effect): void;
  event(event: CoreEvent): void;
}

export class Driver {
  readonly #core: Core;
  readonly #clock: Clock;
  readonly #handlers: DriverHandlers;
  #draining = false;
  #timer: NodeJS.Timeout | undefined;
  #afterReads: NodeJS.Immediate | undefined;
  #later: NodeJS.Immediate | undefined;
  #stopped = false;

  constructor(core: Core, clock: Clock, handlers: DriverHandlers) {
    this.#core = core;
    this.#clock = clock;
    this.#handlers = handlers;
  }

  /** Calls the core, then does what it wants. May be called from inside a handler. */
  step<T>(call: (core: Core, now: Now) => T): T {
    const result = call(this.#core, this.#clock.now());
    if (!this.#stopped) this.#drain();
    return result;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#afterReads);
    clearImmediate(this.#later);
  }

  /** A handler that calls `step` again finds the outer loop going on, so nothing nests deeply. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      let bytes = 0;
      for (;;) {
        const sent = this.#drainOnce(TURN_BYTES - bytes);
        if (sent === undefined) break;
        bytes += sent;
        if (bytes >= TURN_BYTES) {
          this.#continueLater();
          break;
        }
      }
    } finally {
      this.#draining = false;
    }
    this.#schedule();
  }

  /** Megabytes of answers are sealed over several turns, so that heartbeats get theirs. */
  #continueLater(): void {
    this.#later ??= setImmediate(() => {
      this.#later = undefined;
      if (!this.#stopped) this.#drain();
    });
  }

  /**
   * Sends first: an effect may close the link that a last message is for.
   * @returns bytes sent, at about `bytesMax` with the rest left; undefined when there was nothing
   */
  #drainOnce(bytesMax: number): number | undefined {
    let any = false;
    let bytes = 0;
    for (let one = this.#core.pollSend(); one; one = this.#core.pollSend()) {
      this.#handlers.send(one.link, one.message);
      any = true;
      bytes += one.message.length;
      if (bytes >= bytesMax) return bytes;
    }
    for (let one = this.#core.pollEffect(); one; one = this.#core.pollEffect()) {
      this.#handlers.effect(one);
      any = true;
    }
    for (let one = this.#core.pollEvent(); one; one = this.#core.pollEvent()) {
      this.#handlers.event(one);
      any = true;
    }
    return any ? bytes : undefined;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const next = this.#core.nextTimeout();
    if (next === undefined || this.#stopped) return;
    const waitMs = Math.min(Math.max(0, next - this.#clock.now().mono), TIMER_MAX_MS);
    this.#timer = setTimeout(() => this.#handleTimer(), Math.ceil(waitMs));
  }

  /**
   * Reads what already arrived before time is judged: after the process stood still, frames wait
   * in the sockets of peers that are quite alive.
   */
  #handleTimer(): void {
    clearImmediate(this.#afterReads);
    this.#afterReads = setImmediate(() => this.step((core, now) => core.handleTimeout(now)));
  }
}

/** Sealed in one turn of the event loop: some 10 ms of work. */
const TURN_BYTES = 512 * 1024;
/** Longer waits would overflow setTimeout; waking once more does no harm. */
const TIMER_MAX_MS = 3_600_000;
