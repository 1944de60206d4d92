// Compiles src to dist. Incremental: nothing to do takes about a second.
// A lock folder keeps two builds from writing dist at once.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync, chmodSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const lock = `${root}node_modules/.build-lock`;
const STALE_LOCK_MS = 120_000;

for (;;) {
  try {
    mkdirSync(lock);
    break;
  } catch {
    const age = existsSync(lock) ? Date.now() - statSync(lock).mtimeMs : 0;
    if (age > STALE_LOCK_MS) rmSync(lock, { recursive: true, force: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
}
try {
  if (!existsSync(`${root}dist/cli/main.js`))
    rmSync(`${root}dist`, { recursive: true, force: true });
  const result = spawnSync(
    process.execPath,
    [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.build.json`],
    { stdio: 'inherit' },
  );
  removeStale();
  if (existsSync(`${root}dist/cli/main.js`)) chmodSync(`${root}dist/cli/main.js`, 0o755);
  process.exitCode = result.status ?? 1;
} finally {
  rmSync(lock, { recursive: true, force: true });
}

// What a source left behind that is gone would still run, and go into the package.
function removeStale() {
  if (!existsSync(`${root}dist`)) return;
  for (const file of readdirSync(`${root}dist`, { recursive: true })) {
    const source = file.replace(/\.(js|d\.ts)(\.map)?$/, '.ts');
    if (source !== file && !existsSync(`${root}src/${source}`)) rmSync(`${root}dist/${file}`);
  }
}
