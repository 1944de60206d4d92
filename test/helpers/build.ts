import { execFileSync } from 'node:child_process';

/** Brings dist up to date once before the tests: workers and children start from there. */
export default function build(): void {
  if (process.env['SWARMPLANE_BUILT'] === '1') return;
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
}
