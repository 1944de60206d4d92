/** Programs of actions, for real: who they are, what they see, and what ends them. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ActionProcess } from '../../../src/agent/actions/process.ts';
import type { ActionConfig, ActionOutcome } from '../../../src/agent/actions/types.ts';
import { runAs } from '../../../src/agent/actions/user.ts';
import { isAlive } from './is-alive.ts';
import { eventually } from '../../helpers/swarm.ts';
import { isRoot, only } from '../../helpers/needs.ts';

const action = (change: Partial<ActionConfig>): ActionConfig => ({
  name: 'test',
  enabled: true,
  program: '/bin/sh',
  args: [],
  patterns: new Map(),
  timeLimitMs: 60_000,
  outputLimit: 1000,
  env: {},
  ...change,
});

function run(args: readonly string[], change: Partial<ActionConfig> = {}): Promise<ActionOutcome> {
  return new ActionProcess(action(change), args, runAs(change.user), 'id-of-the-command').done;
}

const sh = (script: string, change: Partial<ActionConfig> = {}) => run(['-c', script], change);

describe('a program', () => {
  it('gives its exit code and both outputs', async () => {
    expect(await sh('echo out; echo err >&2; exit 5')).toMatchObject({
      ended: 'exit',
      exitCode: 5,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
      stdoutBytes: 4,
      stderrBytes: 4,
      truncated: false,
      error: null,
    });
    expect(await sh('kill -TERM $$')).toMatchObject({
      ended: 'signal',
      exitCode: null,
      signal: 'SIGTERM',
    });
  });

  it('gets its arguments as they are, nothing on standard input and a plain environment', async () => {
    const { stdout } = await run(['%s|', 'a b', '$(id)', '*'], { program: '/usr/bin/printf' });
    expect(stdout).toBe('a b|$(id)|*|');
    const seen = await sh('cat; pwd; env', { env: { LEVEL: '3' } });
    expect(seen.stdout).toMatch(/^\/\n/);
    const names = seen.stdout.split('\n').flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? []);
    expect(new Set(names)).toEqual(
      new Set(
        ['PATH', 'LANG', 'HOME', 'USER', 'LOGNAME', 'LEVEL', 'SWARMPLANE_COMMAND', 'PWD'].filter(
          (name) => names.includes(name),
        ),
      ),
    );
    expect(seen.stdout).toContain('SWARMPLANE_COMMAND=id-of-the-command');
  });

  it('that is not there, or no program, is not started', async () => {
    expect(await run([], { program: '/no/such/program' })).toMatchObject({
      ended: 'not_started',
      exitCode: null,
      error: 'spawn /no/such/program ENOENT',
    });
    expect(await run([], { program: '/etc/passwd' })).toMatchObject({
      ended: 'not_started',
      error: 'spawn /etc/passwd EACCES',
    });
  });

  it('is cut off at its output limit, and what came after is counted', async () => {
    const outcome = await sh('head -c 1500 /dev/zero | tr "\\0" x; head -c 999 /dev/zero >&2');
    expect(outcome).toMatchObject({
      ended: 'exit',
      exitCode: 0,
      stdout: 'x'.repeat(1000),
      stdoutBytes: 1500,
      stderrBytes: 999,
      truncated: true,
    });
    expect(await sh('echo x', { outputLimit: 0 })).toMatchObject({
      stdout: '',
      stdoutBytes: 2,
      truncated: true,
    });
    const cut = await sh("printf 'a\\303\\244'", { outputLimit: 2 });
    expect(cut.stdout).toBe('a\ufffd');
  });

  it('that outlives its time limit is ended with all that it started, asked first', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'action-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const started = join(folder, 'started');
    const asked = join(folder, 'asked');
    const script = `trap 'echo > ${asked}' TERM; sleep 1000 & echo $! > ${started}; wait; sleep 1000`;
    const program = new ActionProcess(action({}), ['-c', script], runAs(undefined), 'x');
    await eventually(() => existsSync(started) || undefined, 'it started');
    program.stop('time_limit');
    expect(await program.done).toMatchObject({
      ended: 'time_limit',
      exitCode: null,
      signal: 'SIGKILL',
    });
    expect(existsSync(asked)).toBe(true);
    const pid = Number(readFileSync(started, 'utf8'));
    await eventually(
      () => (isAlive(pid) ? undefined : true),
      'the process in the background ended',
    );
    expect(await sh('sleep 1000', { timeLimitMs: 1 })).toMatchObject({ ended: 'time_limit' });
  });

  it('is not waited for because of what it left in the background', async () => {
    const { stdout, ended } = await sh('sleep 1000 & echo $!');
    expect(ended).toBe('exit');
    process.kill(Number(stdout), 'SIGKILL');
  });
});

only(
  isRoot,
  'as root',
  describe,
)('started by root', () => {
  it('it runs as the user of its configuration, without the groups of root', async () => {
    const { stdout } = await sh('id -u; id -g; id -G; echo $HOME $USER', { user: 'nobody' });
    const nobody = runAs('nobody');
    const { uid, gid } = nobody.ids!;
    expect(stdout).toBe(`${uid}\n${gid}\n${gid}\n${nobody.home} nobody\n`);
  });

  it('an unknown user is refused', () => {
    expect(() => runAs('no-such-user')).toThrow(
      expect.objectContaining({
        code: 'user',
        message: 'there is no user "no-such-user" in /etc/passwd here',
      }),
    );
  });
});
