/** `npm run sim -- --seed 7 --nodes 50 --faults churn,partition,loss`: replays one seed. */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { drawKnobs, FAULTS, parseFaults } from './knobs.ts';
import type { SimOptions } from './knobs.ts';
import { simulate } from './simulate.ts';

const USAGE = `usage: npm run sim -- [--seed N] [--nodes N] [--faults ${FAULTS.join(',')}]`;

function main(): number {
  let options: SimOptions;
  try {
    options = readOptions();
  } catch (error) {
    console.error(`sim: ${(error as Error).message}\nhint: ${USAGE}`);
    return 2;
  }
  const { seed, nodes, faults } = options;
  console.log(
    `seed ${seed} nodes ${nodes} faults ${[...faults].join(',') || 'none'} commit ${commit()}`,
  );
  console.log(`knobs ${JSON.stringify(drawKnobs(options))}`);
  const started = process.hrtime.bigint();
  const report = simulate(options, true);
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  for (const { name, promise, violations } of report.verdicts) {
    console.log(`${violations.length === 0 ? 'holds ' : 'BROKEN'} ${name.padEnd(3)} ${promise}`);
    for (const violation of violations.slice(0, 10)) console.log(`         ${violation}`);
    if (violations.length > 10) console.log(`         and ${violations.length - 10} more`);
  }
  console.log(
    `trace ${report.traceHash.slice(0, 16)} requests ${report.requests} messages ${report.messages} in ${seconds.toFixed(1)} s`,
  );
  return report.verdicts.some((verdict) => verdict.violations.length > 0) ? 1 : 0;
}

/** @throws RangeError or TypeError that quotes the value */
function readOptions(): SimOptions {
  const { values } = parseArgs({
    options: { seed: { type: 'string' }, nodes: { type: 'string' }, faults: { type: 'string' } },
  });
  return {
    seed: natural('seed', values.seed ?? String(Date.now() % 1_000_000), 0, 0xffff_ffff),
    nodes: natural('nodes', values.nodes ?? '50', 2, 2_000),
    faults: parseFaults(values.faults ?? 'churn,partition,loss,duplicates'),
  };
}

function natural(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`--${name} "${text}" is not a whole number from ${least} to ${most}`);
  }
  return value;
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

process.exitCode = main();
