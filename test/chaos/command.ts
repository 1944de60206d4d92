/** What the two commands of chaos have in common: their numbers, and how they end. */

/** The named value as a whole number; the process ends with 64 where it is none. */
export function natural<Name extends string>(
  script: string,
  values: Readonly<Record<Name, string>>,
  name: Name,
): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  console.error(`npm run ${script}: --${name} ${values[name]} is no whole number from 1 on`);
  process.exit(64);
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
