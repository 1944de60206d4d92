// Brings a bare clone to where its commands run: packages as the lock file says, dist as src says.
// Plain JavaScript without packages, since there may be none yet.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const NODE_MAJOR_MIN = 20;

/** Ends the process with a sentence when something is missing that it cannot get. */
export function setUp() {
  const [major] = process.versions.node.split('.').map(Number);
  if (major < NODE_MAJOR_MIN) {
    fail(`node ${process.versions.node} is too old`, `install Node.js ${NODE_MAJOR_MIN} or newer`);
  }
  installPackages();
  if (!existsSync(`${root}dist/cli/main.js`)) {
    console.error('swarmplane: compiling (usually 10 s, 1 s from the second time on)');
  }
  run('node', [`${root}scripts/build.mjs`], 'the build failed');
}

function installPackages() {
  const wanted = createHash('sha256')
    .update(readFileSync(`${root}package-lock.json`))
    .digest('hex');
  const mark = `${root}node_modules/.swarmplane-lock`;
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return;
  console.error('swarmplane: installing packages (once, usually half a minute)');
  run(
    'npm',
    ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'],
    'npm ci failed: is the npm registry reachable?',
  );
  writeFileSync(mark, wanted);
}

function run(program, args, problem) {
  // Standard output belongs to the command that follows.
  const result = spawnSync(program === 'node' ? process.execPath : program, args, {
    cwd: root,
    stdio: ['ignore', process.stderr, 'inherit'],
    env: ownEnvironment(),
  });
  if (result.error) fail(`cannot run ${program}: ${result.error.message}`, `install ${program}`);
  if (result.status !== 0) fail(problem, 'the lines above say why');
}

// An npm that runs us (`npm pack --dry-run`, `npm install -g`) hands its own options to an npm below.
function ownEnvironment() {
  const foreign =
    /^npm_config_(dry_run|global|prefix|omit|include|production|pack_destination|json)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

function fail(problem, hint) {
  console.error(`swarmplane: error: ${problem}\nhint: ${hint}`);
  process.exit(1);
}
