import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestSwarm } from '../helpers/swarm.ts';

const SCRIPT = fileURLToPath(new URL('../../examples/ask.mjs', import.meta.url));
let swarm: TestSwarm;
beforeAll(async () => void (swarm = await TestSwarm.start(['web1', 'web2'])));
afterAll(() => swarm.stop());

function ask(sql: string, folder: string): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, sql, folder]);
  return { status, out: stdout.toString(), err: stderr.toString() };
}

it('a program asks all hosts and gets their rows and the account', () => {
  const { status, out, err } = ask('select 6 * 7 as n', swarm.host('web1').state);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  expect(out.split('\n').sort()).toEqual(['', 'web1  42', 'web1 ok ', 'web2  42', 'web2 ok ']);
});

it('a program is told what is wrong with its SQL, and where no agent runs', () => {
  const wrong = ask('selec 1', swarm.host('web1').state);
  expect(wrong).toMatchObject({ status: 1, out: '' });
  expect(wrong.err).toMatch(/^syntax: .*selec/);
  const nowhere = ask('select 1', '/nonexistent');
  expect(nowhere.err).toContain('not_running: no agent answers at "/nonexistent/control.sock"');
});
