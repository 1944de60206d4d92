import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findNode, MAJORS } from './nodes.ts';
import { SYSTEM_15 } from './postgres-server.ts';

/** Says once, before the tests, what they run with: what is missing here is skipped below. */
export default function versions(): void {
  const server = `${SYSTEM_15}/postgres`;
  const postgres = existsSync(server)
    ? execFileSync(server, ['--version'], { encoding: 'utf8' }).trim().split(' ')[2]!
    : 'none of 15';
  const others = MAJORS.filter((major) => findNode(major) !== undefined);
  console.log(
    `swarmplane: testing on Node.js ${process.versions.node} (here: ${others.join(', ')}), ` +
      `PostgreSQL 18 of the package and ${postgres} of the system`,
  );
}
