/** `npm run chaos -- --requests 10000 --agents 20 --hubs 3 --minutes 10 --seed 1` */
import { parseArgs } from 'node:util';
import { conclude, natural } from './command.ts';
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

const number = (name: keyof typeof values): number => natural('chaos', values, name);

conclude(
  await chaos({
    ...{ requests: number('requests'), agents: number('agents'), hubs: number('hubs') },
    ...{ ms: number('minutes') * 60_000, seed: number('seed'), say: (line) => console.log(line) },
  }),
);
