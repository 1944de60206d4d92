/**
 * `npm run sim -- --seed 7 --nodes 50 --faults churn,partition,loss`: replays one seed.
 * `npm run sim -- hostile --nodes 1000`: one member attacks all others.
 * `npm run sim -- probe`: how often the decoy probe finds a swapped key, beside theory.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { drawKnobs, FAULTS, parseFaults } from './knobs.ts';
import type { SimOptions } from './knobs.ts';
import { probeShare } from './probe.ts';
import { attackedSwarm } from './hostile.ts';
import { simulate } from './simulate.ts';

const USAGE = `usage: npm run sim -- [--seed N] [--nodes N] [--faults ${FAULTS.join(',')}]\n       npm run sim -- probe [--seed N] [--runs N]\n       npm run sim -- hostile [--seed N] [--nodes N]`;

function main(): number {
  try {
    if (process.argv[2] === 'probe') return probe();
    if (process.argv[2] === 'hostile') return hostile();
    return replay(readOptions());
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    console.error(`sim: ${error.message}\nhint: ${USAGE}`);
    return 2;
  }
}

function replay(options: SimOptions): number {
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

/** Fails where anybody but the hostile member was hurt, or something of it stayed. */
function hostile(): number {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: { seed: { type: 'string' }, nodes: { type: 'string' } },
  });
  const seed = natural('seed', values.seed ?? '1', 0, 0xffff_ffff);
  const nodes = natural('nodes', values.nodes ?? '1000', 3, 2_000);
  console.log(`seed ${seed} nodes ${nodes} commit ${commit()}`);
  const started = process.hrtime.bigint();
  const say = (step: string, messages: number): void => {
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    console.log(`${seconds.toFixed(1).padStart(7)} s, ${messages} messages: ${step}`);
  };
  const { wrong, warned, left, messages } = attackedSwarm({ seed, nodes, say });
  say('end', messages);
  console.log(`named at ${warned} of ${nodes - 1} hosts, ${messages} messages`);
  for (const one of wrong.slice(0, 10)) console.log(`BROKEN not answered: ${one}`);
  for (const one of left.slice(0, 10)) console.log(`BROKEN left behind: ${one}`);
  return wrong.length + left.length === 0 && warned === nodes - 1 ? 0 : 1;
}

/** One line per share of hostile paths and number of witnesses; fails where one is off by 4 sigma. */
function probe(): number {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: { seed: { type: 'string' }, runs: { type: 'string' } },
  });
  const seed = natural('seed', values.seed ?? '1', 0, 0xffff_ffff);
  const runs = natural('runs', values.runs ?? '1000', 10, 1_000_000);
  console.log(`seed ${seed} runs ${runs} commit ${commit()}`);
  let off = 0;
  for (const witnesses of [1, 3, 5, 8]) {
    for (const share of [0, 0.2, 0.4, 0.6, 0.8, 0.9, 1]) {
      const { found, theory, bound } = probeShare({ seed, runs, witnesses, share });
      const verdict = Math.abs(found - theory) <= bound ? 'within' : 'OFF   ';
      if (verdict !== 'within') off++;
      console.log(
        `${verdict} k ${witnesses} f ${share.toFixed(1)}  found ${found.toFixed(3)}  1 - f^k ${theory.toFixed(3)}  4 sigma ${bound.toFixed(3)}`,
      );
    }
  }
  return off === 0 ? 0 : 1;
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
