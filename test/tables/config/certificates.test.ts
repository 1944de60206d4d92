/** Certificates beside what openssl says of the same ones: the host's own store, and made ones. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { certificates } from '../../../src/tables/config/certificates.ts';
import { pemBlocks } from '../../../src/tables/lib/x509.ts';
import { securebootCertificates } from '../../../src/tables/system/secureboot-certificates.ts';
import type { Row } from '../../../src/tables/types.ts';
import { has, needs } from '../../helpers/needs.ts';
import { contextFor, eq, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

const STORE = '/etc/ssl/certs/ca-certificates.crt';

describe('certificates', () => {
  needs('openssl', has('openssl') && existsSync(STORE))(
    'of this host’s store are what openssl x509 says',
    async () => {
      const rows = await rowsOf(certificates, { constraints: [eq('path', STORE)] });
      expectShape(certificates, rows);
      const pems = pemBlocks(readFileSync(STORE, 'latin1'));
      expect(rows).toHaveLength(pems.length);
      // Each takes openssl a process, so one in five is compared.
      for (const [at, der] of pems.entries()) if (at % 5 === 0) expectAsOpenssl(rows[at]!, der);
    },
  );

  needs('openssl')('made ones of every kind of key, name and extension are, too', async () => {
    const root = fakeRoot({ 'made/x': '' });
    const folder = join(root, 'made');
    for (const [at, [key, subject, ...more]] of MADE.entries()) {
      execFileSync(
        'openssl',
        [
          ...[
            'req',
            '-x509',
            '-utf8',
            '-newkey',
            ...key!.split(' '),
            '-nodes',
            '-keyout',
            join(folder, `${at}.key`),
          ],
          ...['-out', join(folder, `${at}.crt`), '-subj', subject!, '-days', '30000', ...more],
        ],
        { stdio: 'pipe' },
      );
    }
    copyFileSync(join(folder, '0.crt'), join(folder, 'again.pem'));
    const rows = await rowsOf(certificates, { root, constraints: [eq('path', '/made')] });
    expect(rows).toHaveLength(MADE.length);
    for (const [at, row] of rows.entries())
      expectAsOpenssl(row, pemBlocks(readFileSync(join(folder, `${at}.crt`), 'latin1'))[0]!);
    expect(rows[0]).toMatchObject({ common_name: 'grüße', subject: '/CN=gr\\xC3\\xBC\\xC3\\x9Fe' });
    expect(rows[0]).toMatchObject({ subject2: '/CN=grüße', path: '/made' });
  });

  needs('openssl')(
    'DER, PKCS#12 without a password and with one, keys and rubbish beside',
    async () => {
      const folder = fakeRoot({
        'bad.pem': '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
        'half.der': '0',
      });
      const at = (name: string) => join(folder, name);
      const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
      openssl(
        'req',
        '-x509',
        '-newkey',
        'ed25519',
        '-nodes',
        '-keyout',
        at('a.pem'),
        '-out',
        at('a.crt'),
        '-subj',
        '/CN=a',
      );
      writeFileSync(
        at('both.pem'),
        readFileSync(at('a.pem'), 'utf8') + readFileSync(at('a.crt'), 'utf8'),
      );
      openssl('x509', '-in', at('a.crt'), '-outform', 'der', '-out', at('b.der'));
      const pkcs12 = (name: string, password: string) =>
        openssl(
          'pkcs12',
          '-export',
          '-inkey',
          at('a.pem'),
          '-in',
          at('a.crt'),
          '-out',
          at(name),
          '-passout',
          `pass:${password}`,
        );
      pkcs12('open.p12', '');
      pkcs12('shut.pfx', 'secret');
      execFileSync('mkfifo', [at('pipe.pem')]);
      const context = contextFor(certificates, {
        constraints: [
          'a.crt',
          'a.pem',
          'both.pem',
          'b.der',
          'open.p12',
          'shut.pfx',
          'pipe.pem',
          'bad.pem',
          'half.der',
        ].map((name) => eq('path', at(name))),
      });
      const rows = certificates.kind === 'snapshot' ? await certificates.collect(context) : [];
      expect(
        rows.map(({ path, common_name: name }) => [String(path).slice(folder.length + 1), name]),
      ).toEqual([
        ['a.crt', 'a'],
        ['both.pem', 'a'],
        ['b.der', 'a'],
        ['open.p12', 'a'],
      ]);
      expect(context.warnings.sort()).toEqual([
        expect.stringContaining('bad.pem: a certificate in it cannot be read'),
        expect.stringContaining('shut.pfx: not read: it has a password'),
      ]);
    },
  );

  test('stores and services are looked at once each, links of the store are not', async () => {
    const [pem] = readFileSync(
      existsSync(STORE) ? STORE : join(import.meta.dirname, 'none'),
      'utf8',
    ).match(/-----BEGIN[\s\S]*?END CERTIFICATE-----\n/) ?? [''];
    const root = fakeRoot({
      'etc/ssl/certs/ca-certificates.crt': pem,
      'etc/ssl/certs/one.pem': { link: 'ca-certificates.crt' },
      'etc/ssl/certs/own.pem': pem,
      'etc/letsencrypt/live/a.example/fullchain.pem': {
        link: '../../archive/a.example/fullchain1.pem',
      },
      'etc/letsencrypt/archive/a.example/fullchain1.pem': pem,
      'etc/nginx/nginx.conf': pem,
    });
    const rows = await rowsOf(certificates, { root });
    expect(rows.map(({ path }) => path)).toEqual([
      '/etc/ssl/certs/ca-certificates.crt',
      '/etc/ssl/certs/own.pem',
      '/etc/letsencrypt/live/a.example/fullchain.pem',
    ]);
  });
});

describe('secureboot_certificates', () => {
  needs('openssl')('are those of db and dbx, hashes passed over', async () => {
    const der = (name: string) =>
      execFileSync(
        'openssl',
        [
          'req',
          '-x509',
          '-newkey',
          'rsa:2048',
          '-nodes',
          '-keyout',
          '/dev/null',
          '-outform',
          'der',
          '-subj',
          `/CN=${name}`,
        ],
        { stdio: 'pipe' },
      );
    const [good, bad] = [der('good'), der('bad')];
    const hashes = signatureList('2616c4c14c509240aca941f936934328', [
      Buffer.alloc(32, 1),
      Buffer.alloc(32, 2),
    ]);
    const list = (cert: Buffer) => signatureList('a159c0a5e494a74a87b5ab155c2bf072', [cert]);
    const guid = 'd719b2cb-3d3a-4596-a3bc-dad00e67656f';
    const attributes = Buffer.from([0x27, 0, 0, 0]);
    const root = fakeRoot({
      [`sys/firmware/efi/efivars/db-${guid}`]: Buffer.concat([attributes, hashes, list(good)]),
      [`sys/firmware/efi/efivars/dbx-${guid}`]: Buffer.concat([
        attributes,
        list(bad),
        Buffer.from('torn'),
      ]),
    });
    const context = contextFor(securebootCertificates, { root });
    const rows =
      securebootCertificates.kind === 'snapshot'
        ? await securebootCertificates.collect(context)
        : [];
    expectShape(securebootCertificates, rows);
    expect(rows.map(({ common_name: name, revoked }) => [name, revoked])).toEqual([
      ['good', 0],
      ['bad', 1],
    ]);
    expect(rows[0]).toMatchObject({ is_ca: 1, self_signed: 1, key_strength: '2048' });
    expect(context.warnings).toEqual([expect.stringContaining('cannot be read')]);
  });

  test('a machine without UEFI says so', async () => {
    await expect(rowsOf(securebootCertificates, { root: fakeRoot({}) })).rejects.toThrow(
      'not started by UEFI',
    );
  });
});

/** EFI_SIGNATURE_LIST of the UEFI specification, its kind as hexadecimal. */
function signatureList(kind: string, signatures: readonly Buffer[]): Buffer {
  const each = 16 + signatures[0]!.length;
  const sizes = Buffer.alloc(12);
  sizes.writeUInt32LE(28 + each * signatures.length, 0);
  sizes.writeUInt32LE(each, 8);
  return Buffer.concat([
    Buffer.from(kind, 'hex'),
    sizes,
    ...signatures.flatMap((signature) => [Buffer.alloc(16, 7), signature]),
  ]);
}

/** Compares with the text of `openssl x509`. */
function expectAsOpenssl(row: Row, der: Buffer): void {
  const args = [
    'x509',
    '-inform',
    'der',
    '-noout',
    '-text',
    '-serial',
    '-dates',
    '-fingerprint',
    '-sha1',
  ];
  const names = [
    '-subject',
    '-issuer',
    '-nameopt',
    'compat',
    '-dateopt',
    'iso_8601',
    '-certopt',
    'no_sigdump',
  ];
  const { stdout } = spawnSync('openssl', [...args, ...names], { input: der, encoding: 'utf8' });
  const find = (pattern: RegExp): string | undefined => pattern.exec(stdout)?.[1]?.trim();
  const extension = (name: string): string =>
    find(new RegExp(`X509v3 ${name}:(?: critical)?\\s*\\n\\s*(.*)`)) ?? '';
  const date = (name: string) =>
    String(Date.parse(find(new RegExp(`^${name}=(.*)$`, 'm'))!) / 1000);
  const keyId = (text: string) => text.replaceAll(':', '').toLowerCase();
  const authority = /Authority Key Identifier:\s*\n\s*(?:keyid:)?([0-9A-F:]+)\s*$/m.exec(stdout);
  const usages = [extension('Key Usage'), extension('Extended Key Usage')];
  const bits = find(/Public-Key: \((\d+) bit\)/);
  const curve = find(/ASN1 OID: (\S+)/);
  expect({
    subject: row.subject,
    issuer: row.issuer,
    serial: row.serial,
    not_valid_before: row.not_valid_before,
    not_valid_after: row.not_valid_after,
    sha1: row.sha1,
    signing_algorithm: row.signing_algorithm,
    key_algorithm: row.key_algorithm,
    key_strength: row.key_strength,
    key_usage: row.key_usage,
    subject_key_id: row.subject_key_id,
    authority_key_id: row.authority_key_id,
  }).toEqual({
    subject: find(/^subject=(.*)$/m),
    issuer: find(/^issuer=(.*)$/m),
    serial: find(/^serial=(.*)$/m),
    not_valid_before: date('notBefore'),
    not_valid_after: date('notAfter'),
    sha1: keyId(find(/^sha1 Fingerprint=(.*)$/im)!),
    signing_algorithm: find(/Signature Algorithm: (\S+)/),
    key_algorithm: find(/Public Key Algorithm: (\S+)/),
    key_strength: curve ?? (/ED|X2/.test(String(row.key_algorithm)) ? '' : bits),
    key_usage: usages.filter((usage) => usage !== '').join(', '),
    subject_key_id: keyId(extension('Subject Key Identifier')),
    authority_key_id: keyId(authority?.[1] ?? ''),
  });
  const constraints = extension('Basic Constraints');
  if (constraints !== '') expect(row.ca).toBe(constraints.startsWith('CA:TRUE') ? 1 : 0);
}

const MADE: readonly (readonly [string, string, ...string[]])[] = [
  ['rsa:1024', '/CN=grüße'],
  ['rsa:2048', '/C=DE/ST=a\\/b/L=x+y, z/O="q"/OU=u/CN=n/emailAddress=a@b.example', '-sha512'],
  [
    'ec -pkeyopt ec_paramgen_curve:prime256v1',
    '/CN=p256',
    '-addext',
    'keyUsage=digitalSignature,keyAgreement',
  ],
  [
    'ec -pkeyopt ec_paramgen_curve:secp384r1',
    '/CN=p384',
    '-sha384',
    '-addext',
    'extendedKeyUsage=serverAuth,clientAuth',
  ],
  ['ed25519', '/DC=example/DC=a/UID=7/CN=ed'],
  ['ed448', '/serialNumber=1/CN=448', '-set_serial', '0'],
  ['rsa:2048', '/CN=serial', '-set_serial', '0xFF00000000000000000000000000000001'],
];
