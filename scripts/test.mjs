// `npm test` and `npm run test:long`: sets up what is missing, then runs the test suite, all but the
// files that are named `*.long.test.ts`, or only those with --long as the first argument. Files and
// folders that are named on the command line run in either. The last line is `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { root, setUp } from './setup.mjs';

const LONG = '.long.test.ts';
const long = process.argv[2] === '--long';
const rest = process.argv.slice(long ? 3 : 2);
const named = rest.some((word) => existsSync(word));
const which = named ? [] : long ? [LONG] : [`--exclude=**/*${LONG}`];

setUp();
const folder = mkdtempSync(`${tmpdir()}/swarmplane-test-`);
const report = `${folder}/report.json`;
const vitest = spawnSync(
  process.execPath,
  [
    `${root}node_modules/vitest/vitest.mjs`,
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...which,
    ...rest,
  ],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, SWARMPLANE_BUILT: '1' },
  },
);
process.exitCode = vitest.status ?? 1;
try {
  const result = JSON.parse(readFileSync(report, 'utf8'));
  // A file that does not load has no tests to count: it is one failure.
  const unloaded = result.testResults.filter(
    (file) =>
      file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  ).length;
  const unmet = tellSkipped(result.testResults);
  const failed = result.numFailedTests + unloaded + unmet;
  const skipped = result.numPendingTests > 0 ? `, ${result.numPendingTests} skipped` : '';
  if (failed > 0) process.exitCode ||= 1;
  console.log(`${result.numPassedTests} passed, ${failed} failed${skipped}`);
} catch (error) {
  console.error(`swarmplane: error: the test run left no report: ${error.message}`);
  process.exitCode ||= 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * Lists what was skipped by the reason in the titles (test/helpers/needs.ts). With SWARMPLANE_NO_SKIPS=1,
 * as in CI, each test that went without what it needs, or does not say why, counts as one failure.
 */
function tellSkipped(files) {
  const reasons = new Map();
  for (const { assertionResults } of files) {
    for (const { status, fullName } of assertionResults) {
      if (status !== 'pending' && status !== 'skipped') continue;
      const reason = /\[((?:needs|only) [^\]]+)\]/.exec(fullName)?.[1] ?? `no reason: ${fullName}`;
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
  }
  let unmet = 0;
  for (const [reason, count] of [...reasons].sort()) {
    console.log(`skipped ${count}: ${reason}`);
    if (!reason.startsWith('only ')) unmet += count;
  }
  if (process.env.SWARMPLANE_NO_SKIPS !== '1' || unmet === 0) return 0;
  console.log(`swarmplane: error: ${unmet} tests were skipped that may not be skipped here`);
  return unmet;
}
