// `npm run bench -- NAME`: runs bench/NAME.ts, or says which there are.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { root, setUp } from './setup.mjs';

const names = readdirSync(`${root}bench`)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));
const [name, ...args] = process.argv.slice(2);
if (!name || !existsSync(`${root}bench/${name}.ts`)) {
  console.error(`usage: npm run bench -- NAME\nnames: ${names.join(', ')}`);
  process.exit(64);
}
setUp();
const result = spawnSync(
  process.execPath,
  ['--import', 'tsx', `${root}bench/${name}.ts`, ...args],
  { stdio: 'inherit' },
);
process.exitCode = result.status ?? 1;
