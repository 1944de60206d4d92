/** A swarm of real processes asked from the shell, hub or no hub. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, freeAddress, swarmplane, TestSwarm } from '../helpers/swarm.ts';

describe('a swarm of four', () => {
  let swarm: TestSwarm;
  beforeAll(async () => void (swarm = await TestSwarm.start(['h1', 'h2', 'h3', 'h4'])));
  afterAll(() => swarm?.stop());

  it('answers from every host, with host in front and the account behind', async () => {
    const { stdout, stderr, code } = await swarm.host('h2').cli('query', 'select 1 + 1 as two');
    expect(stderr).toBe('');
    const lines = stdout.split('\n');
    // Hosts come in the order in which they answer, where one takes long.
    expect(lines.slice(2, 6).sort()).toEqual([' h1   | 2', ' h2   | 2', ' h3   | 2', ' h4   | 2']);
    expect([...lines.slice(0, 2), ...lines.slice(6)].join('\n')).toBe(
      ' host | two\n------+-----\n(4 rows)\n4 hosts: 4 ok\n',
    );
    expect(code).toBe(0);
  });

  it('gives JSON and CSV on standard output, the account on standard error', async () => {
    const [inJson, inCsv] = await Promise.all([
      swarm.host('h1').cli('query', '--json', 'select pid from processes where pid = 1'),
      swarm
        .host('h1')
        .cli('query', '--csv', 'select name from users where uid = 0'.replace('name', 'username')),
    ]);
    expect((JSON.parse(inJson.stdout) as { host: string }[]).map((row) => row.host).sort()).toEqual(
      ['h1', 'h2', 'h3', 'h4'],
    );
    expect(inJson.stderr).toBe('4 hosts: 4 ok\n');
    expect(inCsv.stdout.split('\n').slice(1, 5).sort()).toEqual([
      'h1,root',
      'h2,root',
      'h3,root',
      'h4,root',
    ]);
    expect(inCsv.stdout.split('\n')[0]).toBe('host,username');
  });

  it('asks only the hosts that are named', async () => {
    const { stdout, code } = await swarm
      .host('h1')
      .cli('query', '--hosts', 'h3,h2', 'select 1 as one');
    expect(stdout).toContain('2 hosts: 2 ok');
    expect(stdout).not.toContain(' h1 ');
    expect(code).toBe(0);
    const wrong = await swarm.host('h1').cli('query', '--hosts', 'h3,nobody', 'select 1');
    expect(wrong).toEqual({
      stdout: '',
      stderr:
        'swarmplane: error: no host is called "nobody"\nhint: see `swarmplane nodes` for the names\n',
      code: 1,
    });
  });

  it('reduces over all answers', async () => {
    const { stdout, code } = await swarm
      .host('h4')
      .cli(
        'query',
        'select version from os_version',
        '--reduce',
        'select count(*) as hosts from answers',
      );
    expect(stdout).toContain(' 4\n');
    expect(stdout).toContain('4 hosts: 4 ok');
    expect(code).toBe(0);
  });

  it('refuses what is not a read of known tables before anything is sent', async () => {
    for (const [sql, words] of [
      ['selct 1', 'syntax'],
      ['select * from nonesuch', 'nonesuch'],
      ['delete from users', 'may not be modified'],
      ["attach 'x' as y", 'attach'],
      ['pragma table_info(users)', 'pragma'],
    ] as const) {
      const { stdout, stderr, code } = await swarm.host('h1').cli('query', sql);
      expect(stdout).toBe('');
      expect(stderr.toLowerCase()).toContain(words);
      expect(code).toBe(1);
    }
    // No host saw any of it.
    for (const host of swarm.hosts) expect(host.log()).not.toContain('nonesuch');
  });

  it('lists its hosts', async () => {
    const { stdout } = await swarm.host('h3').cli('nodes', '--json');
    const nodes = JSON.parse(stdout) as { name: string; state: string; self: boolean }[];
    expect(nodes.map((node) => [node.name, node.state, node.self])).toEqual([
      ['h1', 'alive', false],
      ['h2', 'alive', false],
      ['h3', 'alive', true],
      ['h4', 'alive', false],
    ]);
  });

  it('keeps its secrets in files that only the owner reads', () => {
    for (const { state } of swarm.hosts) {
      expect(statSync(state).mode & 0o777).toBe(0o700);
      for (const name of readdirSync(state)) {
        const file = statSync(join(state, name));
        if (file.isFile() || file.isSocket())
          expect([name, file.mode & 0o777]).toEqual([name, 0o600]);
      }
    }
  });

  it('names a host that died, answers without it, and takes it back', async () => {
    const h3 = swarm.host('h3');
    await h3.end('SIGKILL');
    const { stdout, code } = await swarm.host('h1').cli('query', 'select 1 as one');
    expect(stdout).toMatch(/4 hosts: 3 ok, 1 (unreachable|partial|timeout) \(h3\)\n$/);
    expect(code).toBe(3);
    h3.start();
    await swarm.whole();
    const again = await swarm.host('h1').cli('query', 'select 1 as one');
    expect(again.stdout).toContain('4 hosts: 4 ok');
    expect(again.code).toBe(0);
  });

  it('forgets a host that is gone for good', async () => {
    const extra = await swarm.add('h5');
    await swarm.whole();
    const there = await swarm.host('h2').cli('forget', 'h5', '--yes');
    expect(there.stderr).toContain('"h5" is alive: it would take part again at once\nhint: run');
    expect(there.code).toBe(1);
    await extra.end('SIGKILL');
    await eventually(async () => {
      const gone = await swarm.host('h2').cli('forget', 'h5', '--yes');
      return gone.stdout.startsWith('forgot h5 ') || undefined;
    }, 'h5 is dead and then forgotten');
    const { stdout } = await swarm.host('h2').cli('query', 'select 1 as one');
    expect(stdout).toContain('4 hosts: 4 ok');
    // The others have seen it dead for some seconds only: nobody's word takes it out of their accounts.
    for (const name of ['h1', 'h4']) {
      const answer = await swarm.host(name).cli('query', 'select 1 as one');
      expect(answer.stdout).toContain('1 unreachable (h5)');
    }
    for (const name of ['h1', 'h3', 'h4']) await swarm.host(name).cli('forget', 'h5', '--yes');
    // Its name is known still, and every command says what became of it.
    const asked = await swarm.host('h2').cli('query', '--hosts', 'h5', 'select 1');
    expect(asked.stderr).toBe(
      'swarmplane: error: "h5" was forgotten\nhint: it takes part again when it is started\n',
    );
    expect((await swarm.host('h2').cli('nodes')).stdout).not.toContain('h5');
    expect((await swarm.host('h2').cli('nodes', '--all')).stdout).toMatch(/h5 +\| forgotten/);
    expect((await swarm.host('h4').cli('key', 'list', 'h5')).stdout).toContain('0');
    expect((await swarm.host('h4').cli('forget', 'h5', '--yes')).stdout).toMatch(/^forgot h5 /);
    swarm.hosts.pop();
  });

  it('refuses a host whose join token nobody made, on both sides, without a row', async () => {
    const other = mkdtempSync(join(tmpdir(), 'other-'));
    try {
      // A token of the same swarm whose secret differs: of a tag that no member knows.
      const token = readFileSync(swarm.tokenFile, 'utf8').trim();
      const forged = join(other, 'token');
      writeFileSync(forged, await anotherSecret(token));
      const host = ['--name', 'intruder', '--listen', await freeAddress()];
      const through = ['--join', swarm.host('h1').address, '--token-file', forged];
      // A refusal is believed after a minute of them.
      const result = await swarmplane(
        ['--state', join(other, 'state'), 'up', ...host, ...through],
        { timeoutMs: 150_000 },
      );
      expect(result.code).toBe(1);
      expect(result.stderr).toContain('knows no such join token');
      const { stdout } = await swarm
        .host('h1')
        .cli('query', '--hosts', 'h1', '--json', 'select kind from swarm_alarms');
      expect(JSON.parse(stdout)).toEqual([{ host: 'h1', kind: 'wrong_secret' }]);
      expect((await swarm.host('h1').status()).members).toBe(4);
      // A failed try leaves nothing that would count as membership.
      const retry = await swarmplane(['--state', join(other, 'state'), 'up']);
      expect(retry.stderr).toContain('belongs to no swarm yet');
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
  }, 180_000);

  it('lets a host leave: nobody expects it any more', async () => {
    const extra = await swarm.add('h6');
    await swarm.whole();
    expect((await extra.cli('leave')).stdout).toBe('this host left the swarm\n');
    await eventually(() => (extra.running ? undefined : true), 'h6 ends');
    swarm.hosts.pop();
    await eventually(async () => {
      const { stdout } = await swarm.host('h1').cli('query', 'select 1 as one');
      return stdout.includes('4 hosts: 4 ok') ? true : undefined;
    }, 'h1 no longer expects h6');
  });
});

describe('a start that cannot work says what to do', () => {
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'start-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const state = (name: string) => ['--state', join(folder, name)];

  it('before init', async () => {
    const { stderr, code } = await swarmplane([...state('none'), 'up']);
    expect(stderr).toContain('belongs to no swarm yet');
    expect(stderr).toContain('hint: run `swarmplane init`');
    expect(code).toBe(1);
  });

  it('when the port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const address = `127.0.0.1:${port}`;
    await swarmplane([...state('port'), 'init', '--name', 'a', '--listen', address]);
    const { stderr, code } = await swarmplane([...state('port'), 'up']);
    server.close();
    expect(stderr).toContain(String(port));
    expect(stderr).toMatch(/in use/);
    expect(stderr).toMatch(/hint: /);
    expect(code).toBe(1);
  });

  it('when the folder cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '');
    const { stderr, code } = await swarmplane([...state('file/x'), 'init']);
    expect(stderr).toContain('cannot write the state folder');
    expect(code).toBe(1);
  });

  it('when an agent runs there already', async () => {
    const swarm = await TestSwarm.start(['one']);
    try {
      const { stderr, code } = await swarm.host('one').cli('up');
      expect(stderr).toContain('an agent is running already');
      expect(code).toBe(1);
      expect((await swarm.host('one').cli('query', 'select 1 as one')).code).toBe(0);
    } finally {
      await swarm.stop();
    }
  });

  it('when a swarm is there already', async () => {
    await swarmplane([...state('twice'), 'init', '--name', 'a']);
    const before = readFileSync(join(folder, 'twice/swarm.json'), 'utf8');
    const { stderr, code } = await swarmplane([...state('twice'), 'init', '--name', 'a']);
    expect(stderr).toContain('belongs to a swarm already');
    expect(code).toBe(1);
    expect(readFileSync(join(folder, 'twice/swarm.json'), 'utf8')).toBe(before);
  });

  it('when the configuration is wrong', async () => {
    await swarmplane([...state('config'), 'init', '--name', 'a']);
    writeFileSync(join(folder, 'config/config.yaml'), 'name: a\nlisten: nowhere\n');
    const { stderr, code } = await swarmplane([...state('config'), 'up']);
    expect(stderr).toContain('listen: "nowhere" is not valid');
    expect(stderr).toContain('hint: listen must be host:port');
    expect(code).toBe(1);
  });

  it('when the token is none', async () => {
    const up = (stdin: string) =>
      swarmplane(
        [...state('join'), 'up', '--name', 'a', '--listen', '127.0.0.1:0', '--join', '127.0.0.1:1'],
        { stdin },
      );
    expect((await up('hello')).stderr).toMatch(/token/);
    expect((await up('')).stderr).toContain('no join token on standard input');
  });

  it('when there is no agent to talk to, or the command is none', async () => {
    const query = await swarmplane([...state('none'), 'query', 'select 1']);
    expect(query.stderr).toContain('no agent answers');
    expect(query.code).toBe(1);
    expect((await swarmplane(['frobnicate'])).code).toBe(64);
    expect(
      (await swarmplane([...state('none'), 'query', '--timeout', 'soon', 'select 1'])).code,
    ).toBe(64);
    expect((await swarmplane(['query'])).code).toBe(64);
  });
});

/** A well-formed token for the same swarm and epoch, with another secret. */
async function anotherSecret(token: string): Promise<string> {
  const { createJoinToken, parseJoinToken } = await import('../../src/secure/index.ts');
  const { swarmId } = parseJoinToken(token);
  return createJoinToken({ swarmId, random: (n) => new Uint8Array(n).fill(7) }).text;
}
