/** What a run is made of, all derived from its seed and printed before it starts. */
import type { NetworkKnobs } from './network.ts';
import { Random } from './random.ts';

export const FAULTS = ['churn', 'partition', 'loss', 'duplicates', 'lag'] as const;
export type Fault = (typeof FAULTS)[number];

export interface SimOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly faults: ReadonlySet<Fault>;
}

export interface Knobs {
  readonly network: NetworkKnobs;
  /** Milliseconds of the phase with faults. */
  readonly faultyMs: number;
  /** Pauses between requests, crashes, partitions and stand-stills, milliseconds. */
  readonly askEveryMs: number;
  readonly crashEveryMs: number;
  readonly partitionEveryMs: number;
  readonly partitionMs: number;
  readonly lagEveryMs: number;
  /** A prekey's day: short, so that keys change and go while requests are on their way. */
  readonly prekeyMs: number;
  /** Share of connections that are reset each second, with what is in flight. */
  readonly resetShare: number;
  /** Share of hosts that may be down at once. */
  readonly downMost: number;
  /** Hosts that go down for good before the quiet phase. */
  readonly deadForGood: number;
}

export function drawKnobs(options: SimOptions): Knobs {
  const random = new Random(options.seed ^ 0x5eed);
  const has = (fault: Fault): boolean => options.faults.has(fault);
  const delayMaxMs = random.pick([5, 20, 80, 200]);
  return {
    network: {
      delayMinMs: 1,
      delayMaxMs,
      reset: 0,
      dialLoss: has('loss') ? random.pick([0.05, 0.2]) : 0,
      duplicate: has('duplicates') ? 0.02 : 0,
    },
    // A full mesh costs by the square of its size.
    faultyMs: options.nodes >= 40 ? 25_000 : 60_000,
    askEveryMs: 2_500,
    crashEveryMs: has('churn') ? random.between(1_500, 6_000) : Infinity,
    partitionEveryMs: has('partition') ? random.between(8_000, 20_000) : Infinity,
    partitionMs: random.between(3_000, 30_000),
    lagEveryMs: has('lag') ? 4_000 : Infinity,
    prekeyMs: random.pick([10_000, 30_000, 24 * 3_600_000]),
    resetShare: has('loss') ? random.pick([0.001, 0.005, 0.02]) : 0,
    downMost: 0.3,
    deadForGood: has('churn') ? Math.max(1, Math.floor(options.nodes / 16)) : 0,
  };
}

/** @throws RangeError that names the fault */
export function parseFaults(text: string): Set<Fault> {
  const names = text === '' ? [] : text.split(',');
  for (const name of names) {
    if (!FAULTS.includes(name as Fault)) {
      throw new RangeError(`unknown fault "${name}"; known are ${FAULTS.join(', ')}`);
    }
  }
  return new Set(names as Fault[]);
}
