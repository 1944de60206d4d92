/** How long things took, in few enough numbers to keep for ever. */

/** Seconds. Each bucket counts what took at most that long; the last one, everything. */
export const SECONDS_BOUNDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

export interface HistogramFigures {
  /** Upper bounds in seconds, each with how many took at most that long. */
  readonly buckets: readonly (readonly [bound: number, count: number])[];
  readonly count: number;
  readonly sum: number;
}

export class Histogram {
  readonly #counts: number[] = SECONDS_BOUNDS.map(() => 0);
  #count = 0;
  #sum = 0;

  observe(seconds: number): void {
    this.#count++;
    this.#sum += seconds;
    const at = SECONDS_BOUNDS.findIndex((bound) => seconds <= bound);
    if (at >= 0) this.#counts[at]!++;
  }

  figures(): HistogramFigures {
    let sum = 0;
    const buckets = SECONDS_BOUNDS.map((bound, i) => [bound, (sum += this.#counts[i]!)] as const);
    return { buckets, count: this.#count, sum: this.#sum };
  }
}
