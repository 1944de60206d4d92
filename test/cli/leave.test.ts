/** A host that left stays out, whoever starts its agent again, until a person takes it back. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, PROGRAM, TestHost, TestSwarm } from '../helpers/swarm.ts';

describe('a host that left', () => {
  let swarm: TestSwarm;
  let host: TestHost;
  beforeAll(async () => {
    swarm = await TestSwarm.start(['h1', 'h2']);
    host = swarm.host('h2');
  });
  afterAll(() => swarm?.stop());

  async function stateOf(name: string): Promise<string | undefined> {
    const { stdout } = await swarm.host('h1').cli('nodes', '--json');
    const nodes = JSON.parse(stdout) as { name: string; state: string }[];
    return nodes.find((node) => node.name === name)?.state;
  }

  async function leave(): Promise<void> {
    expect((await host.cli('leave')).stdout).toBe('this host left the swarm\n');
    await eventually(() => (host.running ? undefined : true), 'its agent ends');
    await eventually(async () => (await stateOf('h2')) === 'left' || undefined, 'h1 sees it left');
  }

  /** Starts it as a supervisor does, until it says that it does nothing. */
  async function startAgain(): Promise<void> {
    const before = host.log().length;
    host.start();
    await eventually(
      () => host.log().slice(before).includes('hint: to take it back') || undefined,
      'it says why it does nothing',
    );
  }

  it('that cannot note it stays a member', async () => {
    mkdirSync(join(host.state, 'left.json'));
    const { stderr, code } = await host.cli('leave');
    expect(stderr).toContain('this host has not left');
    expect(code).toBe(1);
    rmdirSync(join(host.state, 'left.json'));
    expect(host.running).toBe(true);
    expect(await stateOf('h2')).toBe('alive');
  });

  it('is not brought back by a supervisor, which sees neither an end nor a fault', async () => {
    await leave();
    await startAgain();
    expect(host.log()).toContain('this host has left the swarm');
    const status = await host.cli('status');
    expect(status.stderr).toContain('this host has left the swarm');
    expect(status.stderr).toContain('swarmplane rejoin');
    expect(status.code).toBe(1);
    expect(await stateOf('h2')).toBe('left');
    expect(host.running).toBe(true);
    await host.end();
    expect(host.exitCode).toBe(0);
  });

  it('is not brought back by a hub in the place of its agent, or by --join', async () => {
    const address = swarm.host('h1').address;
    for (const args of [['hub'], ['up', '--join', address, '--token-file', swarm.tokenFile]]) {
      const again = new TestHost('h2', swarm.folder, host.address, args);
      const before = host.log().length;
      again.start();
      await eventually(
        () => host.log().slice(before).includes('hint: to take it back') || undefined,
        'it says why it does nothing',
      );
      await again.end();
      expect(again.exitCode).toBe(0);
    }
  });

  it('says so to a person at a terminal, and ends', async () => {
    const command = `${process.execPath} ${PROGRAM} --state ${host.state} up`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    expect(said).toContain('this host has left the swarm');
    expect(code).toBe(1);
  });

  it('goes on with the agent that waits once a person says so', async () => {
    await startAgain();
    expect((await host.cli('rejoin')).stdout).toContain('takes part again');
    await swarm.whole();
    expect(await stateOf('h2')).toBe('alive');
    const { stderr, code } = await host.cli('rejoin');
    expect(stderr).toContain('is not that of a host that has left');
    expect(code).toBe(1);
  });

  it('comes back by --rejoin, and stays a member at later starts', async () => {
    await leave();
    const again = new TestHost('h2', swarm.folder, host.address, ['up', '--rejoin']);
    again.start();
    await eventually(async () => (await stateOf('h2')) === 'alive' || undefined, 'h1 sees it');
    await again.end();
    host.start();
    await swarm.whole();
  });

  it('whose agent was killed before anybody heard of it stays out all the same', async () => {
    writeFileSync(join(host.state, 'left.json'), '{"at": 1');
    await host.end('SIGKILL');
    await startAgain();
    await eventually(async () => (await stateOf('h2')) === 'dead' || undefined, 'h1 misses it');
    await host.end();
  });
});
