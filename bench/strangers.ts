/**
 * What a flood of strangers costs honest hosts: joins, and handshakes of members over a way of 240 ms,
 * quiet and under 800 bogus connections a second from 50 networks (test/net/strangers.ts).
 */
import { floodOf, type FloodFigures } from '../test/net/strangers.ts';
import { stopAll } from '../test/net/swarm-nodes.ts';
import { percentile, printFigures, printMachine, type Figure } from './lib/report.ts';

const SECONDS = 60;
const MEMBERS = 300;

const quiet = await floodOf({ seconds: SECONDS, perSecond: 0, members: MEMBERS });
await stopAll();
const flooded = await floodOf({ seconds: SECONDS, perSecond: 800, members: MEMBERS });
await stopAll();

printMachine();
printFigures([
  ...compared('a newcomer joins', ({ joins }) => joins),
  ...compared('a member connects over 240 ms each way', ({ members }) => members),
]);
console.log(`\n${flooded.opened} bogus connections; failed: ${flooded.failed.length}`);
for (const why of flooded.failed) console.log(why);

function compared(what: string, of: (figures: FloodFigures) => readonly number[]): Figure[] {
  const at = (share: number, name: string): Figure => {
    const floor = { what: 'quiet', value: percentile(of(quiet), share) };
    return {
      what: `${what}, flooded, ${name}`,
      value: percentile(of(flooded), share),
      unit: 'ms',
      floor,
    };
  };
  return [at(0.5, 'p50'), at(0.95, 'p95'), at(1, 'longest')];
}
