/** Hosts that join while nobody is there, or many at once: real processes. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { eventually, freeAddress, swarmplane, TestHost, TestSwarm } from '../helpers/swarm.ts';

let swarm: TestSwarm | undefined;
afterEach(async () => {
  await swarm?.stop();
  swarm = undefined;
});

const JOINERS = 20;

it(`lets ${JOINERS} hosts in that were started at once, none of which gives up`, async () => {
  swarm = await TestSwarm.start(['first']);
  const names = Array.from({ length: JOINERS }, (_, i) => `h${i}`);
  for (const name of names) await swarm.add(name);
  for (const host of swarm.hosts)
    await host.until((one) => one.alive === JOINERS + 1, 'sees all alive', 400_000);
  expect(swarm.hosts.filter((host) => !host.running)).toEqual([]);
}, 600_000);

it('waits for a member that is not there yet, says so, and joins when it comes', async () => {
  swarm = await TestSwarm.start(['first']);
  const [first] = swarm.hosts as [TestHost];
  await first.end();
  const late = await swarm.add('late');
  await eventually(
    () => late.log().split('not let in yet, trying again').length > 2 || undefined,
    () => `it says twice that it waits\n${late.log()}`,
  );
  expect(late.log()).toContain('"waits_for":"somebody to listen there"');
  expect(late.log()).toMatch(/"next_try_s":\d/);
  first.start();
  await late.until((one) => one.alive === 2, 'is in');
  expect(late.log()).toContain('joined the swarm');
}, 180_000);

it('ends at a signal while it waits, and leaves nothing that would count as membership', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'join-'));
  try {
    swarm = await TestSwarm.start(['first']);
    const nobody = ['--join', await freeAddress(), '--token-file', swarm.tokenFile];
    const args = ['up', '--name', 'lonely', '--listen', await freeAddress(), ...nobody];
    const lonely = new TestHost('lonely', folder, '', args);
    lonely.start();
    await eventually(() => lonely.log().includes('not let in yet') || undefined, 'it waits');
    await lonely.end('SIGTERM');
    expect(lonely.log()).toContain('error: gave up joining through');
    expect((await lonely.cli('up')).stderr).toContain('belongs to no swarm yet');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 180_000);

it('repeats no token that was given in the place of an address or a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'join-'));
  try {
    const file = join(folder, 'join.token');
    const init = ['init', '--name', 'a', '--token-file', file];
    const { code, stderr } = await swarmplane(['--state', join(folder, 'a'), ...init]);
    expect(code).toBe(0);
    expect(stderr).toContain(`next: \`swarmplane --state ${folder}/a up\` here`);
    const token = readFileSync(file, 'utf8').trim();
    for (const args of [
      ['--join', token],
      ['--join', token, '--token-file', file],
      ['--join', '127.0.0.1:1', '--token-file', token],
    ]) {
      const said = await swarmplane(['--state', join(folder, 'b'), 'up', ...args], { stdin: '' });
      expect(said.stderr).toMatch(/^swarmplane: error: what --\S+ was given is a join token, /);
      expect(said.stderr).not.toContain(token.slice(6));
      expect(said.code).toBe(64);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
