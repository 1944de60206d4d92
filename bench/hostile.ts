/**
 * A query of five hosts while one hostile member attacks all of them, beside the same query when all is
 * quiet, in the same run, turn about. Each host is a process of its own, as agents are, and so is the
 * attacker, which gives way to them (nicer by 10). A query begins every 50 ms: one after the other would
 * keep both cores busy without any attack, and measure how many processes share them.
 */
import { ATTACKS } from '../test/hostile/attacks.ts';
import { Fleet } from '../test/hostile/fleet.ts';
import { percentile, printFigures, printMachine, type Figure } from './lib/report.ts';

const HOSTS = 5;
const ROUNDS = 3;
const QUERIES = 60;
const PACE_MS = 50;

const wanted = process.argv.slice(2);
const attacks = Object.keys(ATTACKS).filter(
  (name) => wanted.length === 0 || wanted.some((word) => name.includes(word)),
);
printMachine();
const figures: Figure[] = [];
for (const attack of attacks) {
  const fleet = await Fleet.start(HOSTS);
  await fleet.turnHostile();
  await queries(fleet);
  const [quiet, under]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    quiet.push(...(await queries(fleet)));
    under.push(...(await fleet.during(attack, () => queries(fleet))));
  }
  const floor = { what: 'quiet', value: percentile(quiet, 0.95) };
  const value = percentile(under, 0.95);
  figures.push({ what: `p95 while a member ${attack}`, value, unit: 'ms', floor });
  console.error(`${attack}: ${(value / floor.value).toFixed(2)}`);
  fleet.stop();
}
printFigures(figures);
process.exit(0);

/** Milliseconds until each account. @throws Error where a host did not answer */
async function queries(fleet: Fleet): Promise<number[]> {
  const times: number[] = [];
  const began = performance.now();
  for (let n = 0; n < QUERIES; n++) {
    const early = began + n * PACE_MS - performance.now();
    if (early > 0) await new Promise((due) => setTimeout(due, early));
    const { ms, states } = await fleet.hosts[n % HOSTS]!.ask(fleet.hosts);
    times.push(ms);
    const wrong = states.find((state) => state !== 'ok');
    if (wrong !== undefined) throw new Error(`a host ended as ${wrong}`);
  }
  return times;
}
