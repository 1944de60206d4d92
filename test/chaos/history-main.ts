/** `npm run history-chaos -- --agents 20 --hubs 2 --minutes 5 --seed 1` */
import { conclude, numbers } from './command.ts';
import { AGENTS, DATABASE, HUBS } from './faults.ts';
import { ABSENCE, HANDOVER, JOURNAL } from './handover-faults.ts';
import { historyChaos } from './history-run.ts';

const defaults = { agents: 20, hubs: 2, minutes: 5, seed: 1 };
const { minutes, ...options } = numbers('history-chaos', defaults);

conclude(
  await historyChaos({
    ...options,
    ms: minutes * 60_000,
    say: (line: string) => console.log(line),
    plan: {
      lanes: [
        { ...AGENTS, ...JOURNAL },
        { ...HUBS, ...DATABASE, ...HANDOVER, ...ABSENCE },
      ],
      rounds: Infinity,
    },
  }),
);
