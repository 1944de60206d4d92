// The program as it is, but that its tables look below STATE.root: rooted-agent.mjs --state STATE ...
import { Agent } from '../../dist/agent/index.js';

const start = Agent.start.bind(Agent);
Agent.start = (options) => start({ ...options, root: `${process.argv[3]}.root` });
await import('../../dist/cli/main.js');
