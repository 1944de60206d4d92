/**
 * The Node.js majors that swarmplane runs on, each by one release of the npm package node-PLATFORM-ARCH,
 * which is the binary of nodejs.org. `npm run nodes` gets those that are not here.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const MAJORS = [20, 22, 24, 26] as const;

/** Debian 12's and Raspberry Pi OS 12's: what has to be told that it is too old. */
export const TOO_OLD = 18;

export type Major = (typeof MAJORS)[number] | typeof TOO_OLD;

const RELEASES: Readonly<Record<Major, string>> = {
  18: '18.20.8',
  20: '20.20.2',
  22: '22.23.3',
  24: '24.22.3',
  26: '26.10.0',
};

const CACHE = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
const FOLDER = process.env['SWARMPLANE_NODES'] ?? join(CACHE, 'swarmplane', 'nodes');

/** The program `node` of a major: this process's own, else the one that `npm run nodes` got. */
export function findNode(major: Major): string | undefined {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const path = programOf(major);
  return existsSync(path) ? path : undefined;
}

function programOf(major: Major): string {
  return join(FOLDER, RELEASES[major], 'bin', 'node');
}

function getNode(major: Major): void {
  mkdirSync(FOLDER, { recursive: true });
  const partial = mkdtempSync(join(FOLDER, '.partial-'));
  try {
    const name = `node-${process.platform}-${process.arch}@${RELEASES[major]}`;
    // npm checks the archive against the registry's hash.
    execFileSync('npm', ['pack', '--silent', '--pack-destination', partial, name]);
    const archive = readdirSync(partial).find((file) => file.endsWith('.tgz'))!;
    const unpack = ['-xzf', archive, '--strip-components=1', 'package/bin/node'];
    execFileSync('tar', unpack, { cwd: partial });
    rmSync(join(partial, archive));
    renameSync(partial, join(FOLDER, RELEASES[major]));
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const major of [TOO_OLD, ...MAJORS] satisfies Major[]) {
    if (findNode(major) === undefined) getNode(major);
    const version = execFileSync(findNode(major)!, ['--version'], { encoding: 'utf8' });
    console.log(`${version.trim()} ${findNode(major)}`);
  }
}
