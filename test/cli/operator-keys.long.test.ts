/** The operator's first key is lost, a second one goes on, a third is stolen: on real processes. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, swarmplane, TestSwarm, type TestHost } from '../helpers/swarm.ts';

const SENSITIVE = 'select count(*) as n from process_envs where pid = 1';

interface Listed {
  readonly id: string;
  readonly name: string;
  readonly revokedBy: string | null;
  readonly isFinal: boolean;
}

describe('several keys of the operator', () => {
  let swarm: TestSwarm;
  let h1: TestHost;
  let second: string;
  let third: string;
  const host = (name: string): TestHost => swarm.host(name);
  beforeAll(async () => {
    swarm = await TestSwarm.start(['h1', 'h2', 'out', 'away']);
    h1 = host('h1');
    [second, third] = ['second.key', 'third.key'].map((name) => join(swarm.folder, name)) as [
      ...[string, string],
    ];
  });
  afterAll(() => swarm?.stop());

  const key = (...args: string[]) => h1.cli('operator', 'key', ...args);
  const listed = async (name: string): Promise<Listed[]> =>
    JSON.parse((await host(name).cli('operator', 'key', 'list', '--json')).stdout) as Listed[];
  const counting = (name: string, ...names: string[]): Promise<true> =>
    eventually(
      async () => {
        const all = await listed(name);
        const counts = all.filter(({ revokedBy }) => revokedBy === null);
        return counts.map((one) => one.name).join() === names.join() || undefined;
      },
      () => `${name} has the keys of ${names.join()}\n${host(name).log().slice(-2000)}`,
    );
  const inEpoch = (name: string, epoch: number): Promise<true> =>
    eventually(
      () => {
        const kept = readFileSync(join(host(name).state, 'swarm.json'), 'utf8');
        return (JSON.parse(kept) as { epoch: number }).epoch === epoch || undefined;
      },
      () => `${name} goes over\n${host(name).log().slice(-2000)}`,
    );

  it('adds a second key, which is a file of its own', async () => {
    const { stdout, stderr, code } = await key('add', second, '--name', 'second');
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    expect(stdout).toMatch(/^added second, [0-9a-f]{64}, in .*second\.key\n$/);
    await counting('h2', '', 'second');
    const twice = await key('add', second, '--name', 'other');
    expect(twice.stderr).toContain('EEXIST');
    const named = await key('add', third, '--name', 'No Name');
    expect(named.stderr).toContain('the name "No Name" is not of up to 32 of a-z');
    expect(existsSync(third)).toBe(false);
    expect((await h1.cli('status')).stdout).toMatch(/operatorKeys +\| 2\n/);
    // Its words make the same key again, and need the swarm's id.
    const words = await h1.cli('operator', 'words', '--key', second);
    const [paper, again] = [join(swarm.folder, 'paper'), join(swarm.folder, 'again.key')];
    writeFileSync(paper, words.stdout);
    const { swarmId } = JSON.parse(readFileSync(second, 'utf8')) as { swarmId: string };
    const recover = ['operator', 'recover', again, '--words-file', paper];
    expect((await swarmplane([...recover, '--swarm', 'x'])).code).toBe(64);
    expect((await swarmplane([...recover, '--swarm', swarmId])).stdout).toContain(
      `of swarm ${swarmId}`,
    );
    expect(readFileSync(again, 'utf8')).toBe(readFileSync(second, 'utf8'));
  });

  it('goes on with the second one when the first is lost: it rotates, and expels', async () => {
    await host('away').end();
    renameSync(join(h1.state, 'operator.key'), join(swarm.folder, 'lost.key'));
    const rotate = ['secret', 'rotate', '--expel', 'out', '--token-file', swarm.tokenFile];
    const { stderr, code } = await h1.cli(...rotate, '--yes', '--key', second);
    expect(stderr).toContain('epoch 2 for 3 members; expelled: out');
    expect(code).toBe(0);
    await inEpoch('h2', 2);
    const grant = ['operator', 'grant', 'h2', '--role', 'reader-of-sensitive', '--yes'];
    const granted = await h1.cli(...grant, '--tables', 'process_envs', '--key', second);
    expect(granted.stdout).toContain('granted reader-of-sensitive to h2');
    expect((await host('h2').cli('query', SENSITIVE)).stdout).toContain(
      '3 hosts: 2 ok, 1 unreachable',
    );
    await eventually(
      () => host('out').log().includes('has expelled this host') || undefined,
      () => `the expelled host learns of it\n${host('out').log().slice(-2000)}`,
    );
  });

  it('revokes the first one, shows what goes with it, and asks', async () => {
    const [first] = await listed('h1');
    const revoke = ['revoke', first!.id, '--key', second];
    const asked = await key(...revoke);
    expect(asked.code).toBe(1);
    expect(asked.stderr).toContain(
      `${first!.id} (the first key) is revoked: nothing that it signed counts any more\n` +
        '  it is senior to the key that signs this: whoever has it can come back by it\n',
    );
    expect(asked.stderr).toContain('look at that, then add --yes');
    const { stdout, code } = await key(...revoke, '--yes');
    expect(stdout).toBe(`revoked ${first!.id}\n`);
    expect(code).toBe(0);
    for (const name of ['h1', 'h2']) await counting(name, 'second');
    expect((await listed('h2'))[0]).toMatchObject({ name: '', isFinal: false });
    // The certificate as a hub that init gave goes on by the second key; h1 asks as before.
    expect((await h1.cli('query', 'select 1')).stdout).toContain('2 ok');
    // The lost key turns up, and is no key any more.
    const found = await h1.cli('token', 'new', '--key', join(swarm.folder, 'lost.key'));
    expect(found.code).toBe(1);
    expect(found.stderr).toContain(`(${first!.id}) was revoked by `);
    const { stdout: shown } = await key('list');
    expect(shown).toContain('revoked by ');
  });

  it('takes along a host that was away since before all that, and one that joins', async () => {
    host('away').start();
    await inEpoch('away', 2);
    await counting('away', 'second');
    const fresh = await swarm.add('fresh');
    await fresh.until((status) => status.alive === 4, 'sees the others');
    await counting('fresh', 'second');
  });

  it('replaces a key by its own word, for good, and ends a stolen one', async () => {
    const named = ['--name', 'third', '--key', second, '--yes'];
    const { stdout, stderr, code } = await key('replace', 'second', third, ...named);
    expect(stdout).toMatch(/^replaced [0-9a-f]{64} by third, [0-9a-f]{64}, in .*third\.key\n$/);
    expect(stderr).toContain('now run `swarmplane secret rotate`');
    expect(code).toBe(0);
    await counting('h2', 'third');
    const status = (await host('h2').cli('status')).stdout;
    expect(status).toContain('1, 2 revoked; one of those made the present epoch: run `swarmplane');
    // What is not signed again is said where it ended.
    expect((await host('h2').cli('query', SENSITIVE)).stdout).toContain('refused');
    const doctor = await host('h2').cli('doctor');
    expect(doctor.stdout).toMatch(/certificate.*is none of the operator, or none any more/);
    expect(doctor.stdout).toContain('epoch 2 was made by a key of the operator that was revoked');
    const rotated = await h1.cli('secret', 'rotate', '--yes', '--key', third);
    expect(rotated.stderr).toContain('of the roll that a revoked key made, look at each: ');
    expect(rotated.code).toBe(0);
    for (const name of ['h1', 'h2', 'away', 'fresh']) await inEpoch(name, 3);
    const daily = join(swarm.folder, 'daily.key');
    await key('add', daily, '--name', 'daily', '--key', third);
    // A thief has the daily key, and says that no other one counts.
    const all = await listed('h1');
    const id = all.find(({ name }) => name === 'third')!.id;
    expect((await key('revoke', id, '--key', daily, '--yes')).code).toBe(0);
    await counting('h2', 'daily');
    const ended = await key('revoke', 'daily', '--stolen', '--key', third, '--yes');
    // This host knows the thief's word, and that a senior key may answer it.
    expect(ended.stderr).not.toContain('counts nowhere');
    expect(ended.code).toBe(0);
    await counting('h2', 'third');
    expect(existsSync(daily)).toBe(true);
  });

  it('keeps all that over a restart', async () => {
    const before = await listed('h2');
    await host('h2').end();
    host('h2').start();
    await host('h2').until((status) => status.alive === 4, 'is back');
    expect(await listed('h2')).toEqual(before);
  });
});
