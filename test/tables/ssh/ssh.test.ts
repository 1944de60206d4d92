import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { authorizedKeys } from '../../../src/tables/ssh/authorized-keys.ts';
import { privateKeyFacts } from '../../../src/tables/ssh/private-key.ts';
import { sshConfigs } from '../../../src/tables/ssh/ssh-configs.ts';
import { userSshKeys } from '../../../src/tables/ssh/user-ssh-keys.ts';
import { eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';
import { needs } from '../../helpers/needs.ts';

const uid = process.getuid!();
const passwd = `ann:x:${uid + 1}:0::/home/ann:/bin/sh\n`;
const hasKeygen = ['/usr/bin/ssh-keygen', '/bin/ssh-keygen'].some((path) => existsSync(path));

test('authorized_keys: options, type, key and comment of each line', async () => {
  const root = fakeRoot({
    'etc/passwd': passwd,
    'home/ann/.ssh/authorized_keys':
      '# me\n\nssh-ed25519 AAAAC3Nz ann@home\n' +
      'command="echo \\"a b\\"",no-pty ssh-rsa AAAAB3Nz= two words\n' +
      'sk-ssh-ed25519@openssh.com AAAAGnNr\nnonsense\n',
  });
  const rows = await rowsOf(authorizedKeys, { root });
  expectShape(authorizedKeys, rows);
  const key_file = '/home/ann/.ssh/authorized_keys';
  expect(rows).toEqual([
    {
      uid: uid + 1,
      algorithm: 'ssh-ed25519',
      key: 'AAAAC3Nz',
      options: '',
      comment: 'ann@home',
      key_file,
    },
    {
      uid: uid + 1,
      algorithm: 'ssh-rsa',
      key: 'AAAAB3Nz=',
      options: 'command="echo \\"a b\\"",no-pty',
      comment: 'two words',
      key_file,
    },
    {
      uid: uid + 1,
      algorithm: 'sk-ssh-ed25519@openssh.com',
      key: 'AAAAGnNr',
      options: '',
      comment: '',
      key_file,
    },
  ]);
});

test('ssh_configs: options under their block, of users and of the system', async () => {
  const root = fakeRoot({
    'etc/passwd': passwd,
    'home/ann/.ssh/config':
      'ForwardAgent yes\nHost *.example\n  User Root\n#x\nMatch all\nPort 2\n',
    'etc/ssh/ssh_config': 'Host *\n    HashKnownHosts yes\n',
  });
  const rows = await rowsOf(sshConfigs, { root });
  expectShape(sshConfigs, rows);
  expect(rows.map((row) => [row.uid, row.block, row.option])).toEqual([
    [uid + 1, '', 'forwardagent yes'],
    [uid + 1, 'host *.example', 'user root'],
    [uid + 1, 'match all', 'port 2'],
    [0, 'host *', 'hashknownhosts yes'],
  ]);
  const own = await rowsOf(sshConfigs, { root, constraints: [eq('uid', uid + 1)] });
  expect(own).toHaveLength(3);
});

describe('user_ssh_keys', () => {
  test('tells keys from other files, and guarded ones from open ones', async () => {
    const rsa = {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    } as const;
    const open = generateKeyPairSync('rsa', {
      ...rsa,
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    });
    const guarded = generateKeyPairSync('ec', {
      namedCurve: 'prime256v1',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
    });
    const root = fakeRoot({
      'etc/passwd': passwd,
      'home/ann/.ssh/id_rsa': open.privateKey,
      'home/ann/.ssh/id_rsa.pub': open.publicKey,
      'home/ann/.ssh/guarded': guarded.privateKey,
      'home/ann/.ssh/config': 'Host *\n',
    });
    const rows = await rowsOf(userSshKeys, { root });
    expectShape(userSshKeys, rows);
    expect(rows).toEqual([
      {
        uid: uid + 1,
        path: '/home/ann/.ssh/guarded',
        encrypted: 1,
        key_type: '',
        key_group_name: '',
        key_length: -1,
        key_security_bits: -1,
      },
      {
        uid: uid + 1,
        path: '/home/ann/.ssh/id_rsa',
        encrypted: 0,
        key_type: 'rsa',
        key_group_name: '',
        key_length: 2048,
        key_security_bits: 112,
      },
    ]);
  });

  test('broken keys tell what they can', () => {
    const wrap = (label: string, body: string): string =>
      `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
    expect(privateKeyFacts(wrap('EC PRIVATE KEY', 'AAAA'))).toMatchObject({
      type: 'ec',
      length: -1,
    });
    expect(privateKeyFacts(wrap('OPENSSH PRIVATE KEY', 'AAAA'))).toBeUndefined();
    const cut = Buffer.from('openssh-key-v1\0\0\0\0\xff', 'latin1').toString('base64');
    expect(privateKeyFacts(wrap('OPENSSH PRIVATE KEY', cut))).toBeUndefined();
    expect(privateKeyFacts('ssh-rsa AAAA')).toBeUndefined();
  });

  needs('ssh-keygen', hasKeygen)('agrees with ssh-keygen on keys in its own format', () => {
    const folder = join(fakeRoot({}), 'keys');
    mkdirSync(folder);
    for (const [type, bits, name] of [
      ['rsa', 1024, 'rsa'],
      ['ecdsa', 384, 'ec'],
      ['ed25519', 256, ''],
    ] as const) {
      for (const passphrase of ['', 'secret']) {
        const path = join(folder, `${type}${passphrase}`);
        execFileSync('ssh-keygen', [
          '-q',
          '-t',
          type,
          '-b',
          `${bits}`,
          '-N',
          passphrase,
          '-f',
          path,
        ]);
        expect(privateKeyFacts(readFileSync(path, 'utf8'))).toMatchObject({
          type: name,
          length: bits,
          encrypted: passphrase !== '',
        });
      }
    }
  });
});
