/** The life of join tokens on real processes: made, seen, ended, revoked; a host that was left out. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, swarmplane, TestSwarm, type TestHost } from '../helpers/swarm.ts';

interface TokenView {
  readonly tag: string;
  readonly state: string;
  readonly uses: number;
  readonly seen: number;
  readonly note: string;
  readonly host: string;
}

describe('join tokens', () => {
  let swarm: TestSwarm;
  let h1: TestHost;
  let racked: TestHost;
  let tag: string;
  beforeAll(async () => {
    swarm = await TestSwarm.start(['h1', 'h2']);
    h1 = swarm.host('h1');
  });
  afterAll(() => swarm?.stop());

  const list = async (): Promise<TokenView[]> =>
    JSON.parse((await h1.cli('token', 'list', '--json')).stdout) as TokenView[];

  it('are made for so many hosts, and stand in no state folder', async () => {
    expect(existsSync(join(h1.state, 'join.token'))).toBe(false);
    const made = await h1.cli(
      ...['token', 'new', '--uses', '2', '--note', 'rack7', '--token-file', swarm.tokenFile],
    );
    expect(made.code).toBe(0);
    expect(made.stdout).toBe(readFileSync(swarm.tokenFile, 'utf8'));
    const kept = readFileSync(join(h1.state, 'records.bin')).toString('latin1');
    expect(kept).toContain('rack7');
    for (const word of made.stdout.trim().split('-').slice(2)) expect(kept).not.toContain(word);
    racked = await swarm.add('racked', swarm.host('h2'));
    await racked.until(({ alive }) => alive === 3, 'is in');
    const token = (await list()).find(({ note }) => note === 'rack7')!;
    expect(token).toMatchObject({ uses: 2, state: 'open', seen: 1 });
    tag = token.tag;
    expect((await h1.cli('token', 'list')).stdout).toMatch(/rack7/);
  });

  it('are refused with the value that is wrong', async () => {
    for (const [args, said] of [
      [['--uses', '0'], '--uses "0"'],
      [['--uses', '5000'], '--uses "5000"'],
      [['--uses', '200'], 'add --yes'],
      [['--hours', 'x'], '--hours "x"'],
    ] as const) {
      const refused = await h1.cli('token', 'new', ...args);
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toContain(said);
    }
    const unknown = await h1.cli('token', 'end', 'ff'.repeat(8));
    expect(unknown.stderr).toContain(`there is no token "${'ff'.repeat(8)}"`);
  });

  it('are not signed under a clock that cannot be right', async () => {
    const env = { NODE_OPTIONS: '--import=data:text/javascript,Date.now=()=>0' };
    const folder = join(swarm.folder, 'no-battery');
    for (const [state, ...args] of [
      [h1.state, 'token', 'new'],
      [h1.state, 'secret', 'rotate', '--yes'],
      [folder, 'init'],
    ] as const) {
      const refused = await swarmplane(['--state', state, ...args], { env });
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('the clock of this host shows 1970-01-01');
      expect(refused.stderr).toContain('--clock-is-right');
    }
    expect(existsSync(folder)).toBe(false);
    const init = ['--state', folder, 'init', '--listen', '127.0.0.1:0', '--clock-is-right'];
    expect((await swarmplane(init, { env })).code).toBe(0);
  });

  it('show by what each host came in', async () => {
    const { stdout } = await h1.cli('nodes', '--tree');
    expect(stdout).toMatch(/^epoch 1\n {2}roll: 1 hosts.*\n {4}h1 /);
    expect(stdout).toMatch(new RegExp(`token ${tag}: 1 of 2 hosts, open.*rack7\\n {4}racked `));
    const status = await h1.cli('status');
    expect(status.stdout).toMatch(/admission +\| open for 32 hosts by 2 tokens/);
  });

  it('end: nobody comes in by one any more, who came stays', async () => {
    expect((await h1.cli('token', 'end', tag)).code).toBe(0);
    await eventually(
      async () =>
        (await list()).some((one) => one.tag === tag && one.state === 'ended') || undefined,
      'it has ended',
    );
    const late = await swarm.add('late');
    await eventually(() => !late.running || undefined, 'late is refused', 90_000);
    expect(late.log()).toContain('token has ended');
    await racked.until(({ alive }) => alive === 3, 'stays');
    // `up --join` believes a refusal after a minute.
  }, 150_000);

  it('are revoked: what came by one is left out, and comes back by a new one as itself', async () => {
    const { nodeId } = await racked.status();
    const asked = await h1.cli('token', 'revoke', tag);
    expect(asked.stderr).toContain('token dropped: racked');
    const fresh = ['--token-file', swarm.tokenFile, '--yes'];
    const revoked = await h1.cli('token', 'revoke', tag, ...fresh);
    expect(revoked.code).toBe(0);
    await h1.until(({ alive }) => alive === 2, 'is without it');
    const said = () => racked.log().includes('was not opened to this host') || undefined;
    await eventually(said, () => `it learns of it\n${racked.log().slice(-2000)}`);
    expect((await h1.cli('query', 'select 1 as one')).stdout).toContain('2 hosts: 2 ok');
    await racked.end();
    racked.start();
    await racked.until(({ alive }) => alive === 3, 'is in again');
    expect((await racked.status()).nodeId).toBe(nodeId);
    await h1.until(({ alive }) => alive === 3, 'sees it again');
    const alarms = await racked.cli('query', '--hosts', 'racked', 'select kind from swarm_alarms');
    expect(alarms.code).toBe(0);
    expect(alarms.stdout).not.toContain('epoch_closed');
    // What was done is in the log of the others, with the whole id.
    expect(h1.log()).toMatch(new RegExp(`${nodeId}.*1 of 32.*joined`));
  });

  it('of a folder from before there were admissions: refused with what to do, then taken over', async () => {
    const { nodeId } = await h1.status();
    await Promise.all(swarm.hosts.map((host) => host.end()));
    const before = (host: TestHost): void => {
      const file = join(host.state, 'swarm.json');
      const { swarmId, operatorKey, epochKey } = JSON.parse(readFileSync(file, 'utf8')) as Record<
        string,
        string
      >;
      const old = { swarmId, epoch: 1, joinKey: epochKey, epochKey, operatorKey };
      writeFileSync(file, JSON.stringify(old), { mode: 0o600 });
    };
    for (const host of swarm.hosts.slice(0, 2)) before(host);
    const refused = await h1.cli('up');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('from before join tokens of version 2');
    const made = await h1.cli('init', '--token-file', swarm.tokenFile);
    expect(made.code).toBe(0);
    expect(made.stderr).toContain('the swarm of before goes on');
    expect(made.stderr).toContain('operator revoke HOST');
    h1.start();
    const h2 = swarm.host('h2');
    h2.start();
    await h1.until(({ alive }) => alive === 2, 'both are back');
    expect((await h1.status()).nodeId).toBe(nodeId);
  });
});
