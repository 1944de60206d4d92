import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { shellHistory } from '../../../src/tables/accounts/shell-history.ts';
import { knownHosts } from '../../../src/tables/ssh/known-hosts.ts';
import { contextFor, eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';
import { isRoot, needs, only } from '../../helpers/needs.ts';

const uid = process.getuid!();
/** The second user cannot own files here, as an ordinary user cannot give files away. */
const PASSWD = `ann:x:${uid}:0::/home/ann:/bin/sh\nbob:x:4242:0::/home/bob:/bin/sh\ndaemon:x:1:1::/:/bin/false\n`;

describe('shell_history', () => {
  test('lines of bash and zsh, with their times where they are kept', async () => {
    const root = fakeRoot({
      'etc/passwd': PASSWD,
      'home/ann/.bash_history': 'ls\n#1700000000\nid\nwho # I am\n',
      'home/ann/.zsh_history': ': 1700000001:0;echo a;b\nplain\n',
    });
    const rows = await rowsOf(shellHistory, { root });
    expectShape(shellHistory, rows);
    expect(rows.map(({ time, command, history_file }) => [time, command, history_file])).toEqual([
      [0, 'ls', '/home/ann/.bash_history'],
      [1700000000, 'id', '/home/ann/.bash_history'],
      [0, 'who # I am', '/home/ann/.bash_history'],
      [1700000001, 'echo a;b', '/home/ann/.zsh_history'],
      [0, 'plain', '/home/ann/.zsh_history'],
    ]);
  });

  const zshOdd = [
    ': 1700000001:0;echo a;b\nplain\n\\: colon\n',
    ': 1700000002:3;for x in 1\\\ndo echo $x\\\ndone\n: 1700000003:0;echo back\\\\ \n',
    ': 1700000004:0;echo \\\\\\\nover\n',
  ].join('');

  needs('zsh')('is what zsh makes of its file, over several lines', async () => {
    const letters = Buffer.from(': 1700000005:0;echo \xc3\x83\xb2 \xc3\x83\x83\n', 'latin1');
    // The last line is the one zsh is at, and not yet in $history.
    const root = fakeRoot({
      'etc/passwd': PASSWD,
      'home/ann/.zsh_history': Buffer.concat([Buffer.from(zshOdd), letters, Buffer.from('last\n')]),
    });
    const file = join(root, 'home/ann/.zsh_history');
    const script =
      'HISTSIZE=1000; zmodload zsh/parameter; fc -R $1; for k in ${(nk)history}; do print -rN -- "${history[$k]}"; done';
    const theirs = execFileSync('zsh', ['-fc', script, 'zsh', file], { encoding: 'utf8' });
    const rows = await rowsOf(shellHistory, { root });
    expect(rows.slice(0, -1).map(({ command }) => command)).toEqual(
      theirs.split('\0').slice(0, -1),
    );
    expect(rows.slice(0, -1).map(({ time }) => time)).toEqual(
      [1, 0, 0, 2, 3, 4, 5].map((n) => n && 1.7e9 + n),
    );
  });

  needs('bash')('is what bash makes of its file', async () => {
    const stamped = '#1700000000\nfor x in 1\ndo echo\ndone\n#1700000001\nid # x\n';
    for (const file of [stamped, `ls\n${stamped}`, 'a\n\nb\n']) {
      const root = fakeRoot({ 'etc/passwd': PASSWD, 'home/ann/.bash_history': file });
      const script =
        'HISTTIMEFORMAT=\'\x01\'; set -o history; history -c; history -r "$1"; history';
      const args = ['--norc', '-c', script, 'bash', join(root, 'home/ann/.bash_history')];
      const theirs = execFileSync('bash', args, { encoding: 'utf8' });
      const commands = theirs.split(/(?:^|\n) *\d+\*? +\x01/).slice(1);
      const rows = await rowsOf(shellHistory, { root });
      expect(rows.map(({ command }) => command)).toEqual(commands.map((it) => it.trimEnd()));
    }
  });

  needs('fish')('is what fish makes of its file', async () => {
    const file =
      '- cmd: echo a\\nb\\\\nc\n  when: 1700000000\n  paths:\n    - x\n- cmd: ls: - cmd\n  when: 1700000005\n';
    const path = 'home/ann/.local/share/fish/fish_history';
    const root = fakeRoot({ 'etc/passwd': PASSWD, [path]: file });
    const env = { ...process.env, HOME: join(root, 'home/ann'), XDG_DATA_HOME: '' };
    const args = ['-c', 'history search --null --reverse --show-time="%s "'];
    const theirs = execFileSync('fish', args, { encoding: 'utf8', env });
    const rows = await rowsOf(shellHistory, { root });
    expect(rows.map(({ time, command }) => `${time} ${command}`)).toEqual(
      theirs.split('\0').slice(0, -1),
    );
    expect(rows).toHaveLength(2);
  });

  test('a history of this machine has a row a command', async () => {
    const root = fakeRoot({ 'etc/passwd': PASSWD, 'home/ann/.bash_history': 'x\n'.repeat(5000) });
    expect(await rowsOf(shellHistory, { root })).toHaveLength(5000);
  });
});

describe("files in users' homes", () => {
  const tree = {
    'etc/passwd': PASSWD,
    'home/ann/.ssh/known_hosts': 'a ssh-ed25519 AAAA\n# comment\n',
    'home/bob/.ssh/known_hosts': 'b ssh-ed25519 AAAA\n',
  };

  test('are read of all users, or of the one the query names', async () => {
    const root = fakeRoot(tree);
    expect((await rowsOf(knownHosts, { root })).map((row) => row.uid)).toEqual([uid, 4242]);
    expect(await rowsOf(knownHosts, { root, constraints: [eq('uid', 4242)] })).toEqual([
      { uid: 4242, key: 'b ssh-ed25519 AAAA', key_file: '/home/bob/.ssh/known_hosts' },
    ]);
    expect(await rowsOf(knownHosts, { root, constraints: [eq('uid', 7)] })).toEqual([]);
  });

  test("do not show another user's file through a link out of the home", () => {
    const root = fakeRoot({
      'etc/passwd': PASSWD,
      'etc/secret': 'root:$6$abc\n',
      'home/bob/.ssh/known_hosts': { link: '../../../etc/secret' },
      'home/bob/inside': 'c ssh-ed25519 AAAA\n',
      'home/bob/.bash_history': { link: 'inside' },
    });
    const context = contextFor(knownHosts, { root });
    expect([...knownHosts.lookup(context)]).toEqual([]);
    expect(context.warnings.join()).toContain(
      "/home/bob/.ssh/known_hosts: not read: it leads out of the home to another user's file",
    );
  });

  test('follow a link that stays in the home', async () => {
    const root = fakeRoot({
      'etc/passwd': PASSWD,
      'home/bob/dotfiles/known': 'c ssh-ed25519 AAAA\n',
      'home/bob/.ssh/known_hosts': { link: '../dotfiles/known' },
    });
    expect(await rowsOf(knownHosts, { root })).toMatchObject([{ uid: 4242 }]);
  });

  test('that are pipes or folders are passed over', async () => {
    const root = fakeRoot({ ...tree, 'home/ann/.bash_history/x': '' });
    expect(await rowsOf(shellHistory, { root })).toEqual([]);
  });

  only(isRoot, 'as root')('that an ordinary user may not read are named in a warning', () => {
    const root = fakeRoot(tree);
    fs.chmodSync(root, 0o755);
    fs.chmodSync(join(root, 'home/ann/.ssh'), 0o700);
    fs.chmodSync(join(root, 'home/bob/.ssh'), 0o700);
    process.seteuid!(65534);
    try {
      const context = contextFor(knownHosts, { root });
      expect([...knownHosts.lookup(context)]).toEqual([]);
      expect(context.warnings).toHaveLength(1);
      expect(context.warnings[0]).toMatch(/known_hosts and 1 more: not read: permission denied/);
    } finally {
      process.seteuid!(0);
    }
  });
});
