/** `swarmplane demo` in a folder of before: what has ended meanwhile is made anew. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { PROGRAM, swarmplane } from '../helpers/swarm.ts';

/** Resolves when all hosts are up. */
async function startDemo(folder: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [PROGRAM, 'demo', '--folder', folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [printed, said] = ['', ''];
  await new Promise<void>((up, ended) => {
    child.once('exit', () => ended(new Error(said)));
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    child.stdout.on('data', (text: Buffer) => {
      printed += text.toString();
      if (printed.includes('4 hosts are up')) up();
    });
  });
  return child;
}

async function stopDemo(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGINT');
  await exited;
}

it('certifies its hub anew', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'swarmplane-demo-'));
  onTestFinished(() => rmSync(parent, { recursive: true }));
  const folder = join(parent, 'demo');
  const onHub = (...args: string[]) => swarmplane(['--state', join(folder, 'demo1'), ...args]);
  const certificate = async (): Promise<string> => {
    const { stdout } = await onHub('status', '--json');
    return (JSON.parse(stdout) as { hub: { certificate: string } }).hub.certificate;
  };
  const before = await startDemo(folder);
  expect(await certificate()).toBe('good');
  const revoked = await onHub('operator', 'revoke', 'demo1', '--yes');
  expect(revoked.stderr + revoked.stdout).toMatch(/^demo1 is .*\nrevoked /);
  expect(await certificate()).toMatch(/has no certificate of the operator/);
  await stopDemo(before);
  const after = await startDemo(folder);
  expect(await certificate()).toBe('good');
  expect((await onHub('actions')).stdout).toMatch(/say-hello +\| yes/);
  await stopDemo(after);
}, 180_000);
