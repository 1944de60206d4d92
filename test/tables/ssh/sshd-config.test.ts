/** What the ssh server and client are configured to do, against sshd -T and ssh -G. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lchownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { authorizedKeys } from '../../../src/tables/ssh/authorized-keys.ts';
import { splitWords } from '../../../src/tables/ssh/config-lines.ts';
import { sshConfigs } from '../../../src/tables/ssh/ssh-configs.ts';
import { sshdConfig } from '../../../src/tables/ssh/sshd-config.ts';
import type { Row } from '../../../src/tables/types.ts';
import { has, isRoot, needs, only } from '../../helpers/needs.ts';
import { contextFor, fakeRoot, rowsOf } from '../lib/context.ts';
import { randomOf, type Random } from '../lib/random.ts';
import { expectShape } from '../lib/shape.ts';

const SSHD = '/usr/sbin/sshd';
const hasSshd = isRoot && has(SSHD);
const USERS = ['root', 'daemon', 'bin', 'www-data'] as const;

describe('sshd_config', () => {
  needs(SSHD, hasSshd)('is what sshd finds for each user in odd files', async () => {
    mkdirSync('/run/sshd', { recursive: true });
    for (let seed = 0; seed < 25; seed++) {
      const files = oddSshd(randomOf(seed));
      const root = fakeRoot(files);
      chmodSync(join(root, 'etc/ssh/ssh_host_ed25519_key'), 0o600);
      const config = join(root, 'etc/ssh/sshd_config');
      // sshd takes includes from /etc/ssh itself: there they stand by their whole path.
      const rows = await rowsOf(sshdConfig, { root });
      for (const user of USERS) {
        const where = `user=${user},host=h,addr=192.0.2.1,laddr=192.0.2.2,lport=22`;
        const inPlace = [
          '-m',
          'sh',
          '-c',
          'mount --bind "$1" /etc/ssh; exec "$2" -T -f "$3" -C "$4"',
        ];
        const { stdout, stderr, status } = spawnSync(
          'unshare',
          [...inPlace, 'sh', join(root, 'etc/ssh'), SSHD, '/etc/ssh/sshd_config', where],
          { encoding: 'utf8' },
        );
        expect(status, `seed ${seed} ${config}: ${stderr}`).toBe(0);
        for (const option of ['maxsessions', 'banner', 'x11displayoffset', 'forcecommand'])
          expect(
            effective(rows, user, option),
            `seed ${seed} ${user} ${option}\n${files['etc/ssh/sshd_config']}`,
          ).toEqual(valuesOf(stdout, option));
        expect(effective(rows, user, 'allowusers').flatMap(splitWords)).toEqual(
          valuesOf(stdout, 'allowusers'),
        );
      }
    }
  });

  needs(SSHD, hasSshd)(
    'has the defaults of sshd on this machine, and where the others stand',
    async () => {
      mkdirSync('/run/sshd', { recursive: true });
      const rows = await rowsOf(sshdConfig);
      expectShape(sshdConfig, rows);
      const printed = execFileSync(SSHD, ['-T'], { encoding: 'utf8' });
      const theirs = new Set(
        printed
          .trimEnd()
          .split('\n')
          .map((line) => line.split(' ')[0]!),
      );
      const ours = new Set(rows.filter(({ match }) => match === '').map(({ option }) => option));
      for (const option of theirs) expect(ours.has(option), option).toBe(true);
      for (const { value, option, source } of rows)
        if (source === null) expect(printed).toContain(`${option} ${value}`.trimEnd());
    },
  );

  test('names file and line, and leaves out what never counts', async () => {
    const root = fakeRoot({
      'etc/ssh/sshd_config':
        'Include /etc/ssh/sshd_config.d/*.conf\n# c\nPermitRootLogin no\nPort 22\nPort=2222\n' +
        'Match User "ann, x" Address 10.0.0.0/8\n  X11Forwarding yes # c\n X11Forwarding no\n',
      'etc/ssh/sshd_config.d/b.conf': 'PermitRootLogin yes\n',
      'etc/ssh/sshd_config.d/a.conf': 'Match all\nPermitRootLogin prohibit-password\n',
      'etc/ssh/sshd_config.d/.c.conf': 'PermitRootLogin yes\n',
    });
    const rows = await rowsOf(sshdConfig, { root });
    const d = '/etc/ssh/sshd_config.d';
    expect(rows.map((row) => Object.values(row))).toEqual([
      ['all', 'permitrootlogin', 'prohibit-password', `${d}/a.conf`, 2],
      ['', 'permitrootlogin', 'yes', `${d}/b.conf`, 1],
      ['', 'port', '22', '/etc/ssh/sshd_config', 4],
      ['', 'port', '2222', '/etc/ssh/sshd_config', 5],
      ['User "ann, x" Address 10.0.0.0/8', 'x11forwarding', 'yes', '/etc/ssh/sshd_config', 7],
    ]);
  });
});

/** The values that hold for a user, as sshd_config(5) says: the first of a Match that holds, else of all. */
function effective(rows: readonly Row[], user: string, option: string): string[] {
  const of = rows.filter((row) => row.option === option && row.source !== null);
  const held = of.filter((row) => row.match !== '' && matchHolds(String(row.match), user));
  const counts = held.length > 0 ? held : of.filter((row) => row.match === '');
  const all = option === 'allowusers' ? counts : counts.slice(0, 1);
  return all.map((row) => String(row.value));
}

/** Of the few conditions that the odd files have. */
function matchHolds(match: string, user: string): boolean {
  const words = match.split(' ');
  return words.every((word, at) => {
    if (word === 'all' || word === 'User' || word === 'Address') return true;
    if (words[at - 1] === 'Address') return word === '192.0.2.0/24';
    return word.split(',').includes(user) && !word.split(',').includes(`!${user}`);
  });
}

function valuesOf(printed: string, option: string): string[] {
  return [...printed.matchAll(new RegExp(`^${option} (.*)$`, 'gm'))].map((it) => it[1]!);
}

function oddSshd(random: Random): Record<string, string> {
  let count = 0;
  const line = (): string => {
    count++;
    const blank = random.pick([' ', '\t ', '=', ' = ']);
    const tail = random.pick(['', '', ' ', ' # c']);
    const kind = random.below(6);
    if (kind === 0) return `MaxSessions${blank}${count}${tail}`;
    if (kind === 1) return `  banner${blank}/b${count}${tail}`;
    if (kind === 2) return `X11DisplayOffset${blank}"${count}"${tail}`;
    if (kind === 3) return `AllowUsers${blank}u${count} v${count}${tail}`;
    if (kind === 4) return `# MaxSessions ${count}`;
    return `ForceCommand${blank}/c${count}`;
  };
  const match = (): string => {
    const users = random.pick(['root', 'daemon,bin', '*,!root'.replace('*', USERS.join(','))]);
    const address = random.pick([' Address 192.0.2.0/24', ' Address 10.0.0.0/8']);
    return `Match ${random.pick(['all', `User ${users}`, `User ${users}${address}`])}`;
  };
  const body = (include: string): string =>
    Array.from({ length: 12 }, () => {
      const kind = random.below(8);
      if (kind === 0) return match();
      return kind === 1 && include !== '' ? include : line();
    }).join('\n') + '\n';
  // Global defaults first, so that each option has a value everywhere.
  return {
    'etc/ssh/sshd_config':
      body('Include d/*.conf /etc/ssh/none').replace(
        /^(?=.)/,
        random.pick(['', 'Include d/1.conf\n']),
      ) +
      'Match all\nMaxSessions 99\nBanner /end\nX11DisplayOffset 98\nForceCommand /end\nAllowUsers end\n',
    'etc/ssh/d/1.conf': body('Include d/deep/?'),
    'etc/ssh/d/2.conf': body(''),
    'etc/ssh/d/deep/x': body(''),
    'etc/ssh/d/deep/.y': 'MaxSessions 77\n',
    'etc/ssh/ssh_host_ed25519_key': HOST_KEY,
  };
}

/** sshd -T wants one that it can load. */
const HOST_KEY = hasSshd
  ? execFileSync('sh', [
      '-c',
      'd=$(mktemp -d) && ssh-keygen -q -t ed25519 -N "" -f $d/k && cat $d/k && rm -r $d',
    ]).toString()
  : '';

describe('authorized_keys', () => {
  const key = (name: string): string => `ssh-ed25519 AAAA${name} c\n`;
  const PASSWD = 'ann:x:4001:4001::/home/ann:/bin/sh\nbob:x:4002:4002::/home/bob:/bin/sh\n';

  // Made-up files are the tester's, and sshd takes keys from root's and the account's own only.
  only(isRoot, 'as root')('stand where AuthorizedKeysFile says for each user', async () => {
    const root = fakeRoot({
      'etc/passwd': PASSWD,
      'etc/group': 'ann:x:4001:\nops:x:50:bob\n',
      'etc/ssh/sshd_config':
        'AuthorizedKeysFile .ssh/k /etc/keys/%u %h/u%U "%h/with blank"\nAuthorizedKeysCommand /bin/keys\n' +
        'Match User nobody\nAuthorizedKeysFile none\nMatch Address 10.0.0.0/8 User ann\nAuthorizedKeysFile /etc/keys/far\n' +
        'Match Group ops\nAuthorizedKeysFile /etc/keys/ops\n',
      'home/ann/.ssh/k': key('k'),
      'home/ann/.ssh/authorized_keys': key('unused'),
      'home/ann/u4001': key('uid'),
      'home/ann/with blank': key('blank'),
      'home/bob/.ssh/k': key('unused'),
      'etc/keys/ann': key('ann'),
      'etc/keys/bob': key('unused'),
      'etc/keys/far': key('far'),
      'etc/keys/ops': key('ops'),
    });
    chmodSync(root, 0o755);
    const context = contextFor(authorizedKeys, { root });
    const rows = [...authorizedKeys.lookup(context)];
    expectShape(authorizedKeys, rows);
    expect(rows.map((row) => [row.uid, row.key, row.key_file])).toEqual([
      [4001, 'AAAAfar', '/etc/keys/far'],
      [4001, 'AAAAk', '/home/ann/.ssh/k'],
      [4001, 'AAAAann', '/etc/keys/ann'],
      [4001, 'AAAAuid', '/home/ann/u4001'],
      [4001, 'AAAAblank', '/home/ann/with blank'],
      [4002, 'AAAAops', '/etc/keys/ops'],
    ]);
    expect(context.warnings).toEqual([
      'keys that /bin/keys tells sshd (AuthorizedKeysCommand) are not shown',
    ]);
  });

  only(isRoot, 'as root')(
    'are read through links of root, not through those of the user',
    async () => {
      const root = fakeRoot({
        'etc/passwd': PASSWD,
        'etc/keys/ann': key('ann'),
        'etc/secret': key('secret'),
        'etc/closed': key('closed'),
        'home/ann/.ssh/authorized_keys': { link: '../../../etc/keys/ann' },
        'home/ann/.ssh/authorized_keys2': { link: '../../../etc/closed' },
        'home/bob/.ssh/authorized_keys': { link: '../../../etc/secret' },
        // Root's link leads to one of the user's.
        'home/bob/.ssh/authorized_keys2': { link: 'own' },
        'home/bob/.ssh/own': { link: '../../../etc/secret' },
      });
      chmodSync(root, 0o755);
      chmodSync(join(root, 'etc/closed'), 0o600);
      for (const path of ['home/bob/.ssh/authorized_keys', 'home/bob/.ssh/own'])
        lchownSync(join(root, path), 4002, 4002);
      chownSync(join(root, 'home/ann/.ssh'), 4001, 4001);
      const context = contextFor(authorizedKeys, { root });
      const rows = [...authorizedKeys.lookup(context)];
      expect(rows.map((row) => [row.uid, row.key])).toEqual([[4001, 'AAAAann']]);
      expect(context.warnings).toHaveLength(1);
      expect(context.warnings[0]).toMatch(
        /authorized_keys2 and 2 more: not read: it is another user/,
      );
    },
  );
});

describe('ssh_configs', () => {
  needs('ssh')('follow Include as ssh does', async () => {
    const user = process.getuid!();
    const files = {
      'etc/passwd': `ann:x:${user}:0::/home/ann:/bin/sh\n`,
      'home/ann/.ssh/config':
        'Include ~/.ssh/c.d/* other\nSendEnv top\nHost h1\n  Include=in-h1\n  SendEnv after\nHost h2\n include in-h2\n',
      'home/ann/.ssh/c.d/b': 'SendEnv B\nHost h1\nSendEnv BH1\nHost h2\nSendEnv BH2\n',
      'home/ann/.ssh/c.d/a': 'SendEnv A\n',
      'home/ann/.ssh/c.d/.hidden': 'SendEnv HIDDEN\n',
      'home/ann/.ssh/other': 'Host *\nSendEnv OTHER\n',
      'home/ann/.ssh/in-h1': 'SendEnv IN1\nHost h2\nSendEnv NEVER\nHost *\nSendEnv IN1ALL\n',
      'home/ann/.ssh/in-h2': 'SendEnv IN2\n',
    };
    const root = fakeRoot(files);
    const rows = await rowsOf(sshConfigs, { root });
    expectShape(sshConfigs, rows);
    for (const host of ['h1', 'h2']) {
      const held = rows.filter(({ block }) =>
        String(block)
          .split(/ ?host /)
          .slice(1)
          .every((name) => name === '*' || name === host),
      );
      const ours = held.flatMap(({ option }) => /^sendenv (.*)$/.exec(String(option))?.[1] ?? []);
      expect(ours).toEqual(sshOf(root, host));
      expect(ours.length).toBeGreaterThan(5);
    }
    expect(rows.find(({ option }) => option === 'sendenv in1')).toMatchObject({
      block: 'host h1',
      ssh_config_file: '/home/ann/.ssh/in-h1',
    });
    expect(rows.filter(({ option }) => option === 'sendenv never')).toMatchObject([
      { block: 'host h1 host h2' },
    ]);
  });
});

/** ssh takes ~ from the password file, so the copy has whole paths. */
function sshOf(root: string, host: string): string[] {
  const folder = `${root}/home/ann/.ssh`;
  const script = `sed 's#~/.ssh/c.d#${folder}/c.d#; s# other# ${folder}/other#; s#in-h#${folder}/in-h#' "$1/config" > "$1/whole"; ssh -G -F "$1/whole" ${host}`;
  const copy = spawnSync('sh', ['-c', script, 'sh', folder], { encoding: 'utf8' });
  expect(copy.status, copy.stderr).toBe(0);
  return valuesOf(copy.stdout, 'sendenv').map((value) => value.toLowerCase());
}
