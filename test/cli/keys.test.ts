/** Identity keys that change, hosts restored from old states, and what that raises: on real processes. */
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Identity } from '../../src/secure/index.ts';
import { eventually, swarmplane, TestSwarm, type TestHost } from '../helpers/swarm.ts';

const ALARMS = 'select kind, message from swarm_alarms';

/** Identities of two hours ago: a key may be rotated once an hour only. */
function giveOldIdentity(state: string): void {
  const now = Math.floor(Date.now() / 1000) - 7_200;
  const identity = Identity.create((n) => new Uint8Array(randomBytes(n)), now);
  mkdirSync(state, { recursive: true, mode: 0o700 });
  writeFileSync(join(state, 'identity.key'), identity.toBytes(), { mode: 0o600 });
}

describe('identity keys in a swarm of three', () => {
  let swarm: TestSwarm;
  let h1: TestHost;
  let h2: TestHost;
  beforeAll(async () => {
    swarm = await TestSwarm.start(['h1']);
    h1 = swarm.host('h1');
    giveOldIdentity(join(swarm.folder, 'h2'));
    h2 = await swarm.add('h2');
    await swarm.add('h3');
    await swarm.whole();
  });
  afterAll(() => swarm?.stop());

  const versions = async (at: TestHost, of: string): Promise<number> =>
    (await at.cli('key', 'list', of)).stdout.split('\n').length - 2;
  const alarm = (at: TestHost, kind: string): Promise<string> =>
    eventually(
      async () => {
        const { stdout } = await at.cli('query', '--hosts', at.name, '--csv', ALARMS);
        return stdout.split('\n').find((line) => line.includes(`,${kind},`));
      },
      () => `alarm ${kind} at ${at.name}\n${at.log().slice(-2000)}`,
      20_000,
    );

  it('rotates a key under links that stay, and every member pins the new one', async () => {
    const { pid } = await h2.status();
    copyFileSync(join(h2.state, 'identity.key'), join(swarm.folder, 'old.key'));
    // One member is away meanwhile, and must fetch what it missed.
    const h3 = swarm.host('h3');
    await h3.end();
    const { stdout, stderr } = await h2.cli('key', 'rotate');
    expect(stderr).toBe('');
    expect(stdout).toBe('this host signs with version 1 of its keys now\n');
    await eventually(async () => (await versions(h1, 'h2')) === 2 || undefined, 'h1 pins it');
    expect((await h2.status()).pid).toBe(pid);
    h3.start();
    await swarm.whole();
    await eventually(async () => (await versions(h3, 'h2')) === 2 || undefined, 'h3 pins it');
    const answer = await h2.cli('query', 'select 1 as one');
    expect(answer.stdout).toContain('3 hosts: 3 ok');
    const again = await h2.cli('key', 'rotate');
    expect(again.stderr).toContain('one rotation an hour');
  });

  it('lets a new host in that has never seen the first key', async () => {
    await h1.end();
    // Through h2, which shows its newest key only.
    const h4 = await swarm.add('h4', h2);
    await h4.until((status) => status.members >= 3, 'is let in');
    h1.start();
    await swarm.whole();
    await eventually(async () => (await versions(h4, 'h2')) === 2 || undefined, 'h4 pins both');
    expect((await h4.cli('query', 'select 1 as one')).stdout).toContain('4 hosts: 4 ok');
  });

  it('keeps its pins over a restart, and tells a host that was restored from an old state', async () => {
    await h1.end();
    h1.start();
    await swarm.whole();
    expect(await versions(h1, 'h2')).toBe(2);
    await h2.end();
    copyFileSync(join(swarm.folder, 'old.key'), join(h2.state, 'identity.key'));
    h2.start();
    expect(await alarm(h2, 'rollback')).toContain('restored from an old state');
    expect(await alarm(h1, 'old_key')).toContain('which it has rotated away');
  });

  it('freezes an identity that signs two lists', async () => {
    const { stderr } = await h2.cli('key', 'rotate');
    expect(stderr).toBe('');
    expect(await alarm(h1, 'fork')).toContain('signed two different key entries of version 1');
    const { stdout } = await h1.cli('key', 'list', 'h2');
    expect(stdout).toContain('FROZEN');
    const answer = await h1.cli('query', '--timeout', '4s', 'select 1 as one');
    expect(answer.stdout).toContain('h2');
    expect(answer.code).toBe(3);
  });

  it('frees it everywhere when the operator names the good list, signed offline', async () => {
    const listed = (await h1.cli('key', 'list', 'h2')).stdout;
    const heads = [...listed.matchAll(/--head (\S+)/g)].map(([, head]) => head!);
    expect(heads).toHaveLength(2);
    // The one that h2 holds, which is not the one that the others have pinned. It may have heard of both by now.
    const [held] = (await h2.cli('key', 'list', 'h2')).stdout.split('FROZEN');
    const own = held!.trim().slice(-16);
    const good = heads.find((head) => head.startsWith(`1:${own}`))!;
    const pinned = await h1.cli(
      'operator',
      'unfreeze',
      'h2',
      '--yes',
      '--head',
      `1:${'0'.repeat(64)}`,
    );
    expect(pinned.stderr).toContain('is none of the two entries that "h2" signed');
    const { nodeId } = await h2.status();
    const file = join(swarm.folder, 'h2.head');
    const key = ['--key', join(h1.state, 'operator.key'), '--out', file];
    const args = ['operator', 'unfreeze', nodeId, '--head', good, ...key];
    const signed = await swarmplane(['--state', join(swarm.folder, 'nowhere'), ...args]);
    expect(signed.stderr).toBe('');
    const told = await swarm.host('h3').cli('operator', 'install', file);
    expect(told.stdout).toBe(
      `the word on the keys of ${nodeId.slice(0, 12)} spreads to every member\n`,
    );
    await eventually(async () => {
      const { stdout } = await h1.cli('query', '--hosts', 'h1', '--csv', ALARMS);
      return !stdout.includes(',fork,') || undefined;
    }, 'the alarm is resolved');
    // Dialled at once, where its own next try may be half a minute away.
    await h2.end();
    h2.start();
    await swarm.whole();
    expect((await h1.cli('key', 'list', 'h2')).stdout).toContain(own);
    expect((await h1.cli('query', 'select 1 as one')).stdout).toContain('4 hosts: 4 ok');
  }, 120_000);
});
