/** A rotation of the secret with hosts away, killed half-way and expelled: on real processes. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestSwarm, type TestHost } from '../helpers/swarm.ts';

const KILLER = fileURLToPath(new URL('../helpers/kill-at-rename.mjs', import.meta.url));

interface Kept {
  readonly epoch: number;
  readonly epochKey: string;
  readonly previous?: readonly { epoch: number; epochKey?: string; replacedAt: number }[];
}

function kept(host: TestHost): Kept {
  return JSON.parse(readFileSync(join(host.state, 'swarm.json'), 'utf8')) as Kept;
}

describe('a rotation of the secret', () => {
  let swarm: TestSwarm;
  let h1: TestHost;
  const host = (name: string): TestHost => swarm.host(name);
  beforeAll(async () => {
    swarm = await TestSwarm.start(['h1', 'away', 'out', 'before', 'after']);
    h1 = host('h1');
  });
  afterAll(() => swarm?.stop());

  const entered = (name: string): Promise<true> =>
    eventually(
      () => kept(host(name)).epoch === 2 || undefined,
      () => `${name} goes over\n${host(name).log().slice(-2000)}`,
    );

  it('is followed by members, and puts the expelled one out at once', async () => {
    copyFileSync(swarm.tokenFile, join(swarm.folder, 'old.token'));
    await host('away').end();
    for (const when of ['before', 'after']) {
      await host(when).end();
      host(when).start({ NODE_OPTIONS: `--import=${KILLER}`, KILL_AT: when });
    }
    await h1.until((status) => status.alive === 4, 'sees the four that run');
    const rotate = ['secret', 'rotate', '--expel', 'out', '--token-file', swarm.tokenFile];
    const asked = await h1.cli(...rotate);
    expect(asked.code).toBe(1);
    expect(asked.stderr).toContain('the key of epoch 2 goes to 4 hosts');
    expect(asked.stderr).toContain('expelled: out');
    expect(asked.stderr).toContain('add --yes');
    expect(kept(h1).epoch).toBe(1);
    const { stdout, stderr, code } = await h1.cli(...rotate, '--yes');
    expect(stderr).toContain('epoch 2 for 4 members; expelled: out');
    expect(code).toBe(0);
    expect(stdout).toBe(readFileSync(swarm.tokenFile, 'utf8'));
    await entered('h1');
    expect(kept(h1).previous?.map(({ epoch }) => epoch)).toEqual([1]);
    const nodes = JSON.parse((await h1.cli('nodes', '--json')).stdout) as { name: string }[];
    expect(nodes.map(({ name }) => name)).not.toContain('out');
    await eventually(
      () => host('out').log().includes('has expelled this host') || undefined,
      () => `the expelled host learns of it\n${host('out').log().slice(-2000)}`,
    );
    expect(kept(host('out')).epoch).toBe(1);
  });

  it('is taken up by hosts that were killed half-way or away', async () => {
    for (const [when, epoch] of [
      ['before', 1],
      ['after', 2],
    ] as const) {
      await eventually(() => !host(when).running || undefined, `${when} was killed`);
      expect(kept(host(when)).epoch).toBe(epoch);
      host(when).start();
    }
    host('away').start();
    for (const name of ['away', 'before', 'after']) await entered(name);
    for (const name of ['h1', 'away', 'before', 'after']) {
      await host(name).until((status) => status.alive === 4, 'sees the four that stay');
      expect(kept(host(name)).epochKey).toBe(kept(h1).epochKey);
    }
    const answer = await host('away').cli('query', 'select 1 as one');
    expect(answer.stdout).toContain('4 hosts: 4 ok');
  });

  it('keeps the expelled one out, over restarts of everybody, and the old token with it', async () => {
    await h1.end();
    h1.start();
    await host('out').end();
    host('out').start();
    await h1.until((status) => status.alive === 4, 'sees the four that stay');
    await eventually(
      () => host('out').log().includes('was not opened to this host') || undefined,
      () => `it can open nothing\n${host('out').log().slice(-2000)}`,
    );
    const asked = await host('out').cli('query', '--timeout', '3s', 'select 1 as one');
    expect(asked.stdout).not.toMatch(/ (?:h1|away|before|after) +\|/);
    const token = readFileSync(swarm.tokenFile, 'utf8');
    copyFileSync(join(swarm.folder, 'old.token'), swarm.tokenFile);
    const late = await swarm.add('late');
    await eventually(() => !late.running || undefined, 'the old token lets nobody in', 150_000);
    expect(late.log()).toContain('knows no such join token');
    writeFileSync(swarm.tokenFile, token);
    late.start();
    await late.until((status) => status.alive === 5, 'the new token does');
  }, 240_000);

  it('deletes an epoch key that was replaced 30 days ago', async () => {
    await h1.end();
    const file = join(h1.state, 'swarm.json');
    const value = JSON.parse(readFileSync(file, 'utf8')) as Kept;
    const long = Math.floor(Date.now() / 1000) - 31 * 86_400;
    const previous = value.previous!.map((old) => ({ ...old, replacedAt: long }));
    expect(previous[0]!.epochKey).toMatch(/^[0-9a-f]{64}$/);
    writeFileSync(file, JSON.stringify({ ...value, previous }), { mode: 0o600 });
    h1.start();
    const gone = () => kept(h1).previous?.[0]?.epochKey === undefined || undefined;
    await eventually(gone, 'the old key is gone');
    // What a host that was away is recognised by stays for longer.
    expect(kept(h1)).toMatchObject({ epoch: 2, previous: [{ epoch: 1 }] });
  });
});
