// Runs a TypeScript program of this repository through tsx, with dist built: `run.mjs FILE ARG...`.
import { spawnSync } from 'node:child_process';
import { root, setUp } from './setup.mjs';

setUp();
const [file, ...args] = process.argv.slice(2);
const result = spawnSync(process.execPath, ['--import', 'tsx', `${root}${file}`, ...args], {
  stdio: 'inherit',
});
process.exitCode = result.status ?? 1;
