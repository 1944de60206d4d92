/** What the operator grants and takes back, on real processes. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, swarmplane, TestSwarm, type TestHost } from '../helpers/swarm.ts';

const SENSITIVE = 'select count(*) as n from process_envs where pid = 1';
const SHADOW = 'select count(*) as n from shadow';
/** Sensitive as well, and there for an ordinary user. */
const TYPED = 'select count(*) as n from shell_history';

describe('role certificates in a swarm of three', () => {
  let swarm: TestSwarm;
  let h2: TestHost;
  beforeAll(async () => {
    swarm = await TestSwarm.start(['h1', 'h2', 'h3']);
    h2 = swarm.host('h2');
  });
  afterAll(() => swarm?.stop());

  const grant = (...args: string[]) =>
    swarm
      .host('h1')
      .cli('operator', 'grant', 'h2', '--role', 'reader-of-sensitive', '--yes', ...args);

  it('shows which host a name means and asks; takes a whole id, and no beginning of one', async () => {
    const args = ['operator', 'grant', 'h2', '--role', 'reader-of-sensitive'];
    const { nodeId } = await h2.status();
    const asked = await swarm.host('h1').cli(...args);
    expect(asked.code).toBe(1);
    expect(asked.stderr).toContain(`h2 is ${nodeId} (alive, `);
    expect(asked.stderr).toContain('nothing was changed: nobody is there to ask\nhint: ');
    const short = await swarm.host('h1').cli(...args.with(2, nodeId.slice(0, 12)));
    expect(short.code).toBe(64);
    expect(short.stderr).toContain('is the beginning of a node id, which others may share');
  });

  it('gives the operator key as words, and the same key back of them', async () => {
    const h1 = swarm.host('h1');
    expect((await h1.cli('status')).stdout).toContain('no copy is known, print it with');
    const { stdout: words } = await h1.cli('operator', 'words');
    expect((await h1.cli('status')).stdout).toContain('its words were printed on 20');
    const [paper, again] = [join(swarm.folder, 'paper'), join(swarm.folder, 'again.key')];
    writeFileSync(paper, words.toUpperCase());
    const made = await swarmplane(['operator', 'recover', again, '--words-file', paper]);
    expect(made).toMatchObject({ stderr: '', code: 0 });
    const before = readFileSync(join(h1.state, 'operator.key'), 'utf8');
    expect(readFileSync(again, 'utf8')).toBe(before);
    // Nothing that is there is written over.
    const twice = await swarmplane(['operator', 'recover', again, '--words-file', paper]);
    expect(twice.code).toBe(1);
    expect(twice.stderr).toContain('EEXIST');
    // A folder in the mark's place fails for root, too, as a key on a read-only medium does.
    mkdirSync(`${again}.printed`);
    const asRead = await h1.cli('operator', 'words', '--key', again);
    expect(asRead).toMatchObject({ stdout: words, code: 0 });
    expect(asRead.stderr).toContain(
      'the words were printed, but that cannot be noted beside the key (',
    );
  });

  it('refuses sensitive tables to whoever shows no certificate', async () => {
    const { stdout, stderr, code } = await h2.cli('query', SENSITIVE);
    expect(stdout).toContain('3 refused');
    // Once for all three, and no wider grant than what was asked for.
    expect(stderr).toBe(
      '3 hosts (h1, h2, h3): refused: "process_envs" may only be read with a role certificate, and ' +
        'h2 showed none: `swarmplane operator grant h2 --role reader-of-sensitive --tables process_envs`\n',
    );
    expect(code).toBe(3);
  });

  it('lets a host read the tables that its certificate names, and no others', async () => {
    const { stdout, stderr, code } = await grant('--tables', 'process_envs', '--days', '30');
    expect(stderr).toMatch(/^h2 is [0-9a-f]{64} /);
    expect(stdout).toMatch(
      /^granted reader-of-sensitive to h2 \([0-9a-f]{64}\) until .* UTC, serial [0-9a-f]{32}\n$/,
    );
    expect(code).toBe(0);
    expect((await h2.cli('query', SENSITIVE)).stdout).toContain('3 hosts: 3 ok');
    const other = await h2.cli('query', SHADOW);
    expect(other.stdout).toContain('3 refused');
    expect(other.stderr).toMatch(
      /^3 hosts \(h1, h2, h3\): refused: certificate [0-9a-f]{32} of h2 does not name the table "shadow": `swarmplane operator grant h2 --role reader-of-sensitive --tables shadow`\n$/,
    );
    const both = await h2.cli('query', `${SENSITIVE} union all ${SHADOW}`);
    expect(both.stderr).toMatch(/--tables (process_envs,shadow|shadow,process_envs)`\n$/);
    // It is h2's: the others gain nothing by it.
    expect((await swarm.host('h3').cli('query', SENSITIVE)).stdout).toContain('3 refused');
  });

  it('keeps certificate and revocations over a restart, and refuses what was revoked', async () => {
    await h2.end();
    h2.start();
    await swarm.whole();
    expect((await h2.cli('query', SENSITIVE)).stdout).toContain('3 hosts: 3 ok');
    const h3 = swarm.host('h3');
    await h3.end('SIGKILL');
    const { stdout, stderr } = await swarm.host('h1').cli('operator', 'revoke', 'h2', '--yes');
    expect(stderr).toMatch(/^h2 is [0-9a-f]{64} \(\w+, [^)]+\)\n$/);
    expect(stdout).toMatch(/^revoked [0-9a-f]{32} \(list 1\)\n$/);
    const away = await eventually(async () => {
      const answer = await h2.cli('query', '--hosts', 'h1,h2', SENSITIVE);
      return answer.stdout.includes('2 refused') ? answer : undefined;
    }, 'the revocation holds');
    expect(away.stdout).toContain('refused');
    // Who was away hears of it from its neighbours when it is back, and keeps it.
    h3.start();
    await swarm.whole();
    await eventually(() => existsSync(join(h3.state, 'records.bin')) || undefined, 'h3 keeps it');
    await h3.end();
    h3.start();
    await swarm.whole();
    expect((await h2.cli('query', SENSITIVE)).stdout).toContain('3 refused');
  });

  it('signs offline with a key file that was carried over, under its passphrase', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'operator-'));
    try {
      const key = join(folder, 'key');
      renameSync(join(swarm.hosts[0]!.state, 'operator.key'), key);
      const { nodeId } = await h2.status();
      const file = join(folder, 'h2.cert');
      const args = ['operator', 'grant', nodeId, '--role', 'reader-of-sensitive'];
      const nowhere = ['--state', join(folder, 'nothing')];
      const signed = await swarmplane([...nowhere, ...args, '--key', key, '--out', file]);
      expect(signed.stderr).toBe('');
      expect(existsSync(join(folder, 'nothing'))).toBe(false);
      const wrong = await swarm.host('h3').cli('operator', 'install', key);
      expect(wrong.stderr).toContain('its kind is "swarmplane operator key"');
      const installed = await h2.cli('operator', 'install', file);
      expect(installed.stdout).toMatch(/^installed certificate [0-9a-f]{32} at h2\n$/);
      expect((await h2.cli('query', TYPED)).stdout).toContain('3 hosts: 3 ok');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('takes nothing that another operator signed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'operator-'));
    try {
      const other = ['--state', join(folder, 'other')];
      const secret = join(folder, 'passphrase');
      writeFileSync(secret, 'correct horse\n');
      await swarmplane([...other, 'init', '--name', 'x', '--passphrase-file', secret]);
      const { nodeId } = await h2.status();
      const file = join(folder, 'h2.cert');
      const args = [...other, 'operator', 'grant', nodeId, '--role', 'commander', '--out', file];
      const locked = await swarmplane(args);
      expect(locked.stderr).toContain('give its passphrase');
      const signed = await swarmplane([...args, '--passphrase-file', secret]);
      expect(signed.stderr).toBe('');
      const refused = await h2.cli('operator', 'install', file);
      expect(refused.stderr).toContain("no record that this swarm's operator signed");
      const text = readFileSync(file, 'utf8');
      expect(text).toContain('swarmplane operator record');
      const key = join(folder, 'other', 'operator.key');
      const stranger = ['--key', key, '--passphrase-file', secret];
      const revoked = await h2.cli('operator', 'revoke', '00'.repeat(16), ...stranger);
      expect(revoked.stderr).toContain('is of swarm');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('says what is wrong with a command line', async () => {
    for (const [args, words] of [
      [['grant', 'h2', '--role', 'king'], 'there is no role "king"'],
      [['grant', 'h2', '--role', 'commander', '--days', '91'], '--days "91" is not from 1 to 90'],
      [['grant', 'nobody', '--role', 'commander'], 'cannot read the operator key'],
    ] as const) {
      const { stderr, code } = await h2.cli('operator', ...args);
      expect(stderr).toContain(words);
      expect(code).not.toBe(0);
    }
  });
});
