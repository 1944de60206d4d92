/**
 * How long the queries of each asker held a process lately. Who has used its time up waits until some
 * of it is made good, however many processes are idle: a host works for one member only so much. Pure:
 * `mono` milliseconds are an argument.
 */

/** Beyond what comes each minute an asker may use so many minutes' worth at once. */
const BURST_MINUTES = 3;

interface Used {
  ms: number;
  readonly perMinute: number;
  at: number;
}

export class AskerTime {
  readonly #used = new Map<string, Used>();

  /** Askers that have used some lately. */
  get size(): number {
    return this.#used.size;
  }

  /** `perMinute`: milliseconds that are made good each minute; without it the asker is not counted. */
  charge(asker: string, ms: number, perMinute: number | undefined, mono: number): void {
    this.#sweep(mono);
    if (perMinute === undefined) return;
    this.#used.set(asker, { ms: this.#of(asker, mono) + ms, perMinute, at: mono });
  }

  /** Milliseconds until the asker has time again. */
  waitMs(asker: string, mono: number): number {
    const used = this.#used.get(asker);
    if (used === undefined) return 0;
    const beyond = this.#of(asker, mono) - used.perMinute * BURST_MINUTES;
    return Math.max(0, Math.ceil((beyond / used.perMinute) * 60_000));
  }

  #of(asker: string, mono: number): number {
    const used = this.#used.get(asker);
    if (used === undefined) return 0;
    return Math.max(0, used.ms - ((mono - used.at) / 60_000) * used.perMinute);
  }

  #sweep(mono: number): void {
    for (const asker of this.#used.keys())
      if (this.#of(asker, mono) === 0) this.#used.delete(asker);
  }
}
