/** A run and its verdicts. */
import { INVARIANTS } from './invariants/index.ts';
import type { SimOptions } from './knobs.ts';
import { record } from './run.ts';

export interface Verdict {
  readonly name: string;
  readonly promise: string;
  /** Empty when it holds. */
  readonly violations: readonly string[];
}

export interface Report {
  readonly verdicts: readonly Verdict[];
  readonly traceHash: string;
  readonly messages: number;
  readonly requests: number;
}

/** `twice` runs the seed again and adds S1: both must have done the same. */
export function simulate(options: SimOptions, twice: boolean): Report {
  const recording = record(options);
  const traceHash = recording.world.traceHash();
  const verdicts: Verdict[] = INVARIANTS.map(({ name, promise, check }) => ({
    name,
    promise,
    violations: check(recording),
  }));
  if (twice) {
    const again = record(options).world.traceHash();
    const violations = again === traceHash ? [] : [`${traceHash} and ${again}`];
    verdicts.unshift({ name: 'S1', promise: 'same seed, same trace hash', violations });
  }
  return {
    verdicts,
    traceHash,
    messages: recording.world.network.messages,
    requests: recording.asked.length,
  };
}
