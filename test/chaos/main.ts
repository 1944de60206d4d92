/** `npm run chaos -- --requests 10000 --agents 20 --hubs 3 --minutes 10 --seed 1` */
import { conclude, numbers } from './command.ts';
import { chaos } from './run.ts';

const defaults = { requests: 10_000, agents: 20, hubs: 3, minutes: 10, seed: 1 };
const { minutes, ...options } = numbers('chaos', defaults);

conclude(await chaos({ ...options, ms: minutes * 60_000, say: (line) => console.log(line) }));
