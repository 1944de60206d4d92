/** A machine that was copied, state folder and all: real processes. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, freeAddress, TestHost, TestSwarm } from '../helpers/swarm.ts';

let swarm: TestSwarm;
beforeAll(async () => void (swarm = await TestSwarm.start(['h1', 'h2', 'h3'])));
afterAll(() => swarm?.stop());

it('is frozen beside its original without a storm, until `identity reset` makes it a new host', async () => {
  const [h1, , h3] = swarm.hosts as [TestHost, TestHost, TestHost];
  const { nodeId } = await h3.status();
  await h3.end();
  const address = await freeAddress();
  const copy = new TestHost('copy', swarm.folder, address, ['up']);
  cpSync(h3.state, copy.state, { recursive: true });
  rmSync(join(copy.state, 'control.sock'), { force: true });
  const file = join(copy.state, 'config.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(h3.address, address));
  h3.start();
  copy.start();
  swarm.hosts.push(copy);
  await eventually(
    () => h1.log().includes('both are frozen') || undefined,
    () => `the copies are found\n${h1.log().slice(-3000)}`,
    180_000,
  );
  expect(h1.log()).toContain('run `swarmplane identity reset` on one of the two hosts');
  // A turn is two lines at most; the storm had 150 a second.
  const links = h1
    .log()
    .split('\n')
    .filter((line) => /"link (up|down)/.test(line));
  expect(links.length).toBeLessThan(200);

  const busy = await copy.cli('identity', 'reset');
  expect(busy.code).toBe(1);
  expect(busy.stderr).toContain('an agent is running already');
  expect((await copy.status()).nodeId).toBe(nodeId);

  await copy.end();
  const reset = await copy.cli('identity', 'reset', '--name', 'h4');
  expect(reset.stderr).toBe('');
  expect(reset.stdout).toContain(`this host was ${nodeId.slice(0, 12)} and is `);
  expect(reset.stdout).toMatch(
    /^ {2}swarmplane --state \S+ up --join 127\.0\.0\.1:\d+ --token-file FILE$/m,
  );
  expect(readFileSync(file, 'utf8')).toContain('name: "h4"');
  for (const gone of ['swarm.json', 'incarnation.bin', 'prekeys.bin', 'alarms.json'])
    expect([gone, existsSync(join(copy.state, gone))]).toEqual([gone, false]);

  const joining = ['up', '--join', h1.address, '--token-file', swarm.tokenFile];
  const anew = new TestHost('copy', swarm.folder, address, joining);
  swarm.hosts.push(anew);
  anew.start();
  const status = await anew.until((one) => one.alive >= 3, 'is in, with h1 and h2');
  expect(status.name).toBe('h4');
  expect(status.nodeId).not.toBe(nodeId);
}, 600_000);

it('refuses a folder without an identity, or with the database of a hub', async () => {
  const nothing = new TestHost('nothing', swarm.folder, '', []);
  const none = await nothing.cli('identity', 'reset');
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('holds no identity')]);
  expect(existsSync(nothing.state)).toBe(false);
  const hub = new TestHost('hub', swarm.folder, '', []);
  await hub.cli('init', '--name', 'hub');
  writeFileSync(join(hub.state, 'psql-url'), 'postgres://\n');
  writeFileSync(
    join(hub.state, 'identity.key'),
    readFileSync(join(swarm.host('h1').state, 'identity.key')),
  );
  const held = await hub.cli('identity', 'reset');
  expect([held.code, held.stderr]).toEqual([1, expect.stringContaining('database of a hub')]);
  expect(existsSync(join(hub.state, 'swarm.json'))).toBe(true);
  rmSync(join(hub.state, 'psql-url'));
  const wrong = await hub.cli('identity', 'reset', '--name', 'not a name');
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain('"not a name"');
  expect(existsSync(join(hub.state, 'swarm.json'))).toBe(true);
  const done = await hub.cli('identity', 'reset', '--name', 'other');
  expect(done.code).toBe(0);
  // the operator's key is the swarm: it stays whatever happens
  for (const kept of ['operator.key', 'config.yaml'])
    expect([kept, existsSync(join(hub.state, kept))]).toEqual([kept, true]);
}, 120_000);
