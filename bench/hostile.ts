/**
 * A query of five hosts while one hostile member attacks all of them, beside the same query when all is
 * quiet, in the same run, turn about. All in this process, the attacker too: what it takes of the two
 * cores to attack counts against the hosts.
 */
import { performance } from 'node:perf_hooks';
import { ATTACKS } from '../test/hostile/attacks.ts';
import { Fleet } from '../test/hostile/fleet.ts';
import { stopAll } from '../test/net/swarm-nodes.ts';
import { percentile, printFigures, printMachine, type Figure } from './lib/report.ts';

const QUERIES = 60;

printMachine();
const figures: Figure[] = [];
for (const [name, attack] of Object.entries(ATTACKS)) {
  const fleet = await Fleet.start(5, () => undefined);
  const quiet = await p95(fleet);
  const under = p95(fleet);
  await fleet.attack(attack, under);
  const floor = { what: 'quiet', value: quiet };
  figures.push({ what: `p95 while a member ${name}`, value: await under, unit: 'ms', floor });
  fleet.stop();
  await stopAll();
}
printFigures(figures);
process.exit(0);

/** Milliseconds until the account, of the slowest twentieth. @throws Error where a host did not answer */
async function p95(fleet: Fleet): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < QUERIES; n++) {
    const startedAt = performance.now();
    const states = await fleet.ask(fleet.nodes[n % fleet.nodes.length]!);
    times.push(performance.now() - startedAt);
    const wrong = states.find((state) => state !== 'ok');
    if (wrong !== undefined) throw new Error(`a host ended as ${wrong}`);
  }
  return percentile(times, 0.95);
}
