/** `npm run chaos -- --requests 10000 --agents 20 --hubs 3 --minutes 10 --seed 1` */
import { parseArgs } from 'node:util';
import { chaos } from './run.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '10000' },
    agents: { type: 'string', default: '20' },
    hubs: { type: 'string', default: '3' },
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
  },
});

function natural(name: keyof typeof values): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  console.error(`npm run chaos: --${name} ${values[name]} is no whole number from 1 on`);
  process.exit(64);
}

const { faults, found } = await chaos({
  ...{ requests: natural('requests'), agents: natural('agents'), hubs: natural('hubs') },
  ...{ ms: natural('minutes') * 60_000, seed: natural('seed'), say: (line) => console.log(line) },
});
const total = Object.values(faults).reduce((sum, count) => sum + count, 0);
for (const line of found) console.log(line);
console.log(`${total} faults, ${found.length} promises broken`);
process.exitCode = found.length === 0 ? 0 : 1;
