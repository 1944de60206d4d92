/** `npm run history-chaos -- --agents 20 --hubs 2 --minutes 5 --seed 1` */
import { parseArgs } from 'node:util';
import { AGENTS, DATABASE, HUBS } from './faults.ts';
import { ABSENCE, HANDOVER, JOURNAL } from './handover-faults.ts';
import { historyChaos } from './history-run.ts';

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '20' },
    hubs: { type: 'string', default: '2' },
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
  },
});

function natural(name: keyof typeof values): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  console.error(`npm run history-chaos: --${name} ${values[name]} is no whole number from 1 on`);
  process.exit(64);
}

const { faults, found } = await historyChaos({
  ...{ agents: natural('agents'), hubs: natural('hubs'), ms: natural('minutes') * 60_000 },
  ...{ seed: natural('seed'), say: (line: string) => console.log(line) },
  plan: {
    lanes: [
      { ...AGENTS, ...JOURNAL },
      { ...HUBS, ...DATABASE, ...HANDOVER, ...ABSENCE },
    ],
    rounds: Infinity,
  },
});
const total = Object.values(faults).reduce((sum, count) => sum + count, 0);
for (const line of found) console.log(line);
console.log(`${total} faults, ${found.length} promises broken`);
process.exitCode = found.length === 0 ? 0 : 1;
