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
    demo = spawn('npm', ['start'], { cwd: clone.folder, stdio: ['ignore', 'pipe', 'pipe'] });
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
      demo.kill('SIGINT');
      await ended;
    }
    clone?.remove();
  }, 120_000);

  it('begins as shown, and says what it is doing meanwhile', () => {
    const lines = printed.trim().split('\n');
    for (const [i, shown] of start!.output.entries())
      expect(lines[i]).toContain(shown.replace(/\.\.\.$/, ''));
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
          expect(shapeOf(stderr + stdout)).toEqual(shapeOf(shown.output.join('\n')));
          return true;
        },
        () => shown.command,
      );
    }
  });
});

/** All but what another machine would tell otherwise: the width of columns, and versions. */
function shapeOf(text: Shown['output'][number]): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) =>
      line
        .replace(/-+/g, '-')
        .replace(/\d+[-+.:~\w]*(?: \(\w+\))?(?=$|"| *\|)/g, 'N')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .sort();
}
