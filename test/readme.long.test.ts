/** README.md's session, command by command, in a folder like the one its reader has. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeClone, readPage, sessionOf, type Shown } from './helpers/clone.ts';
import { eventually, Stop } from './helpers/swarm.ts';

const [start, ...others] = sessionOf(readPage('README.md'));

describe('the session of README.md', { timeout: 300_000 }, () => {
  let clone: ReturnType<typeof makeClone>;
  let demo: ChildProcess;
  let printed = '';
  let progress = '';

  beforeAll(async () => {
    clone = makeClone(true);
    expect(start!.command).toBe('npm start');
    demo = spawn('npm', ['start'], {
      cwd: clone.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a group of its own, as a terminal gives it
    });
    demo.stdout!.on('data', (text: Buffer) => (printed += text.toString()));
    demo.stderr!.on('data', (text: Buffer) => (progress += text.toString()));
    await eventually(
      () => {
        if (demo.exitCode !== null) throw new Stop(`npm start ended:\n${printed}${progress}`);
        return printed.includes('Ctrl-C') ? true : undefined;
      },
      () => `npm start is up:\n${printed}${progress}`,
      400_000,
    );
  }, 420_000);

  afterAll(async () => {
    if (demo?.exitCode === null) {
      const ended = once(demo, 'exit');
      process.kill(-demo.pid!, 'SIGINT'); // Ctrl-C
      await ended;
    }
    clone?.remove();
  }, 120_000);

  it('begins as shown, and says what it is doing meanwhile', () => {
    // npm says first what it runs.
    const lines = printed.split('\n').filter((line) => line !== '' && !line.startsWith('> '));
    for (const [i, shown] of start!.output.entries()) {
      const known = shown.replace(/\.\.\.$/, '').replace('4 of 4', '');
      expect(lines[i]!.replace(/\d of 4/, '')).toContain(known);
    }
    expect(printed).not.toMatch(/:\/\/[^@/ ]+:[^@/ ]+@/);
    for (const step of [1, 2, 3, 4])
      expect(progress).toMatch(
        new RegExp(`^swarmplane: step ${step} of 4: .+ \\(about \\d+ s left\\)$`, 'm'),
      );
  });

  it('goes on as shown', async () => {
    expect(others.length).toBeGreaterThan(5);
    for (const shown of others) {
      await eventually(
        async () => {
          const { stdout, stderr } = await promisify(execFile)('bash', ['-c', shown.command], {
            cwd: clone.folder,
          });
          const expected = shown.output.join('\n');
          const late = isHistory(shown) ? lateHosts(printed) : [];
          expect(shapeOf(stderr + stdout, late)).toEqual(shapeOf(expected, late));
          return true;
        },
        () => shown.command,
      );
    }
  });
});

function isHistory({ command }: Shown): boolean {
  return /swarmplane\.tracked|_as_of/.test(command);
}

/** A loaded machine may keep a host from looking in time: `npm start` says so, and has no rows of it. */
function lateHosts(printed: string): string[] {
  const [line] = /^history: .*$/m.exec(printed)!;
  const late = [...line.matchAll(/; (demo\d): /g)].map(([, host]) => host!);
  expect(line).toContain(`${4 - late.length} of 4 hosts have handed over deb_packages`);
  return late;
}

/** All but what another machine would tell otherwise: the width of columns, and versions. */
function shapeOf(text: string, late: readonly string[]): string[] {
  return text
    .trim()
    .split('\n')
    .filter((line) => late.length === 0 || !/^\(\d rows?\)$/.test(line))
    .filter((line) => !late.some((host) => line.startsWith(` ${host} `)))
    .map((line) =>
      line
        .replace(/-+/g, '-')
        .replace(/\d+[-+.:~\w]*(?: \(\w+\))?(?=$|"| *\|)/g, 'N')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .sort();
}
