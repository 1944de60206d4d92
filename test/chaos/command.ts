/** What the two commands of chaos have in common: their numbers, and how they end. */
import { parseArgs } from 'node:util';

/**
 * Whole numbers from 1 on, as given on the command line or by default; the process ends with 64 and
 * says how it is called where they are not.
 */
export function numbers<Name extends string>(
  script: string,
  defaults: Readonly<Record<Name, number>>,
): Record<Name, number> {
  const names = Object.keys(defaults) as Name[];
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
    const values = parseArgs({ options }).values as Partial<Record<Name, string>>;
    const read = names.map((name) => [name, natural(name, values[name] ?? defaults[name])]);
    return Object.fromEntries(read) as Record<Name, number>;
  } catch (error) {
    const usage = names.map((name) => `[--${name} ${defaults[name]}]`).join(' ');
    console.error(`${script}: ${(error as Error).message}`);
    console.error(`usage: npm run ${script} -- ${usage}`);
    process.exit(64);
  }
}

function natural(name: string, given: string | number): number {
  const value = Number(given);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new RangeError(`--${name} ${given} is no whole number from 1 on`);
}

export interface ChaosResult {
  /** How often each fault was done. */
  readonly faults: Record<string, number>;
  /** Promises that did not hold. */
  readonly found: readonly string[];
}

export function conclude({ faults, found }: ChaosResult): void {
  const total = Object.values(faults).reduce((sum, count) => sum + count, 0);
  for (const line of found) console.log(line);
  console.log(`${total} faults, ${found.length} promises broken`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
