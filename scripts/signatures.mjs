// `npm run signatures`: has npm check the registry's signatures of every package in the lock file.
// A registry that publishes no keys (a mirror, often) leaves nothing to check, and that is said.
// The integrity hashes of the lock file are checked by every `npm ci`, with or without keys.
import { execFileSync, spawnSync } from 'node:child_process';
import { root } from './setup.mjs';

const ANSWER_MS = 20_000;

const registry = execFileSync('npm', ['config', 'get', 'registry'], {
  cwd: root,
  encoding: 'utf8',
}).trim();
const missing = await whyNoKeys(new URL('-/npm/v1/keys', registry));
if (missing === undefined) {
  process.exitCode =
    spawnSync('npm', ['audit', 'signatures'], { cwd: root, stdio: 'inherit' }).status ?? 1;
} else {
  console.log(`swarmplane: signatures were not checked: ${registry} gives no keys (${missing})`);
}

/** undefined where the registry answers with at least one key. */
async function whyNoKeys(address) {
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(ANSWER_MS) });
    if (!response.ok) return `HTTP ${response.status}`;
    const { keys } = await response.json();
    return Array.isArray(keys) && keys.length > 0 ? undefined : 'an empty answer';
  } catch (error) {
    return error.cause?.code ?? error.message;
  }
}
