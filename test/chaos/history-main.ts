/** `npm run history-chaos -- --agents 20 --hubs 2 --minutes 5 --seed 1` */
import { parseArgs } from 'node:util';
import { conclude, natural } from './command.ts';
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

const number = (name: keyof typeof values): number => natural('history-chaos', values, name);

conclude(
  await historyChaos({
    ...{ agents: number('agents'), hubs: number('hubs'), ms: number('minutes') * 60_000 },
    ...{ seed: number('seed'), say: (line: string) => console.log(line) },
    plan: {
      lanes: [
        { ...AGENTS, ...JOURNAL },
        { ...HUBS, ...DATABASE, ...HANDOVER, ...ABSENCE },
      ],
      rounds: Infinity,
    },
  }),
);
