// `npm start`: sets up what is missing, then runs the demo swarm.
import { root, setUp } from './setup.mjs';

setUp();
process.argv = [process.argv[0], `${root}dist/cli/main.js`, 'demo', ...process.argv.slice(2)];
await import(`${root}dist/cli/main.js`);
