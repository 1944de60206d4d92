/**
 * `npm run fuzz -- --minutes 60`: the targets of fuzz.test.ts with new seeds until the time is over.
 * Prints cases and memory each minute. Ends with 1 at the first case that fails, with what makes it
 * again, and when memory that is in use after a collection grows.
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { FUZZ_TARGETS } from './fuzz-targets.ts';

/** Cases between two looks at memory. */
const BATCH = 20_000;
/** Caches of keys and parsed entries fill up meanwhile. */
const GROWTH_MAX_MIB = 48;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const minutes = readMinutes();
const startedAt = performance.now();
const elapsed = (): number => (performance.now() - startedAt) / 60_000;
let cases = 0;
let told = 0;
let base: number | undefined;
do {
  const seed = Date.now() % 2 ** 31;
  for (const { share, property } of FUZZ_TARGETS) {
    const numRuns = Math.ceil(BATCH * share);
    fc.assert(property, { numRuns, seed });
    cases += numRuns;
  }
  const used = usedMiB();
  base ??= used;
  if (used > base + GROWTH_MAX_MIB) {
    console.error(`memory grew from ${base.toFixed(1)} to ${used.toFixed(1)} MiB; seed ${seed}`);
    process.exit(1);
  }
  if (elapsed() < told && elapsed() < minutes) continue;
  told = Math.floor(elapsed()) + 1;
  console.log(`${elapsed().toFixed(1)} min, ${cases} cases, ${used.toFixed(1)} MiB in use`);
} while (elapsed() < minutes);

function usedMiB(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

function readMinutes(): number {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } });
  const value = Number(values.minutes);
  if (value > 0 && value < 1e6) return value;
  console.error(`--minutes "${values.minutes}" is no time; give a number above 0`);
  process.exit(64);
}
