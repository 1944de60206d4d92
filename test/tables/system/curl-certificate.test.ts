/** curl_certificate beside what openssl says of the certificates that servers of this test show. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createPlain, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';

import { expect, onTestFinished, test } from 'vitest';

import { curlCertificate } from '../../../src/tables/system/curl-certificate.ts';
import type { Constraint, HostFacts, Row } from '../../../src/tables/types.ts';
import { needs } from '../../helpers/needs.ts';
import { contextFor, eq, fakeRoot } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

const allow = (...hosts: string[]): HostFacts => ({
  agent: {},
  allowed: { configLines: [], curlHosts: hosts },
});

async function ask(facts: HostFacts, ...constraints: Constraint[]) {
  const context = contextFor(curlCertificate, { facts, constraints });
  const rows = curlCertificate.kind === 'snapshot' ? await curlCertificate.collect(context) : [];
  expectShape(curlCertificate, rows);
  return { rows, warnings: context.warnings };
}

/** Keys and certificates: a key of each kind, names, version 1, extensions that programs seldom see. */
const MADE: readonly (readonly [key: string, ...args: string[]])[] = [
  [
    'rsa:2048',
    ...['-subj', '/O=Example/OU=One/OU=Two/CN=localhost', '-days', '30'],
    ...['-addext', 'subjectAltName=DNS:localhost,DNS:*.example,IP:127.0.0.1'],
    ...['-addext', 'keyUsage=critical,digitalSignature,keyEncipherment'],
    ...['-addext', 'extendedKeyUsage=serverAuth,clientAuth'],
    ...['-addext', 'certificatePolicies=1.2.3.4,2.23.140.1.2.1'],
    ...[
      '-addext',
      'authorityInfoAccess=OCSP;URI:http://ocsp.example/,caIssuers;URI:http://ca.example/',
    ],
    ...['-addext', 'issuerAltName=email:ca@example.org'],
    ...['-addext', 'nameConstraints=permitted;DNS:example'],
    ...['-addext', 'policyConstraints=requireExplicitPolicy:3'],
  ],
  ['ec -pkeyopt ec_paramgen_curve:P-384', '-subj', '/O=grüße', '-utf8', '-sha384'],
  ['ed25519', '-subj', '/CN=of old', '-not_after_is_past'],
];

needs('openssl')('every column is as openssl x509 has it', async () => {
  const folder = fakeRoot({ x: '' });
  for (const [at, [key, ...args]] of MADE.entries()) {
    const [keyFile, file] = [join(folder, `${at}.key`), join(folder, `${at}.crt`)];
    const past = args.includes('-not_after_is_past');
    const given = args.filter((arg) => arg !== '-not_after_is_past');
    const made = ['req', '-x509', '-newkey', ...key.split(' '), '-nodes', ...given];
    execFileSync('openssl', [...made, '-keyout', keyFile, '-out', file], { stdio: 'pipe' });
    if (past) expire(keyFile, file, folder);
    const at443 = await listen(
      createServer({ key: readFileSync(keyFile), cert: readFileSync(file) }),
    );
    const { rows, warnings } = await ask(
      allow(at443),
      eq('hostname', at443),
      eq('dump_certificate', 1),
    );
    expect(warnings).toEqual([]);
    expect(rows).toHaveLength(1);
    expectAsOpenssl(rows[0]!, file);
    expect(rows[0]).toMatchObject({ hostname: at443, has_expired: past ? 1 : 0, timeout: 4 });
    expect(String(rows[0]!.pem)).toBe(readFileSync(file, 'utf8'));
  }
});

/** The same key under a certificate of one day in 2001; openssl req cannot make such by itself. */
function expire(key: string, file: string, folder: string): void {
  const config = join(folder, 'ca.cnf');
  const database = join(folder, 'index.txt');
  execFileSync('sh', [
    '-ec',
    `: > "$1"
     printf '[ca]\\ndefault_ca=c\\n[c]\\ndatabase=%s\\nserial=%s.serial\\nnew_certs_dir=%s\\ndefault_md=default\\npolicy=p\\n[p]\\ncommonName=supplied\\n' "$1" "$1" "$2" > "$3"
     openssl req -new -key "$4" -subj '/CN=of old' -out "$2/csr" 2>/dev/null
     openssl ca -batch -notext -config "$3" -selfsign -keyfile "$4" -in "$2/csr" -create_serial \
       -startdate 010101000000Z -enddate 010102000000Z -out "$5" 2>/dev/null`,
    'sh',
    ...[database, folder, config, key, file],
  ]);
}

function expectAsOpenssl(row: Row, file: string): void {
  const x509 = (...args: string[]) =>
    execFileSync('openssl', ['x509', '-in', file, '-noout', ...args], { encoding: 'utf8' });
  const after = (text: string) => text.trim().replace(/^[^=]*=/, '');
  const print = (digest: string) =>
    after(x509('-fingerprint', digest)).replaceAll(':', '').toLowerCase();
  expect(row.serial_number).toBe(after(x509('-serial')));
  expect(row.valid_from).toBe(after(x509('-startdate')));
  expect(row.valid_to).toBe(after(x509('-enddate')));
  expect(row.sha1_fingerprint).toBe(print('-sha1'));
  expect(row.sha256_fingerprint).toBe(print('-sha256'));
  const whole = x509('-text', '-certopt', 'ext_parse', '-nameopt', 'multiline,utf8,-esc_msb');
  expect(row.version).toBe(Number(/Version: (\d)/.exec(whole)![1]));
  const signature = /Signature Value:\s*([^]*)$/.exec(whole)![1]!.replace(/\s/g, '');
  expect(row.signature).toBe(signature);
  const subject = /Subject:\n([^]*?)\n {8}\S/.exec(whole)![1]!;
  const field = (name: string) => new RegExp(`${name} += (.*)`).exec(subject)?.[1] ?? null;
  expect(row.common_name).toBe(field('commonName'));
  expect(row.organization).toBe(field('organizationName'));
  expect(row.organization_unit).toBe(field('organizationalUnitName'));
  // Under their headings in the text of the whole, each line by itself.
  const headed = (heading: string) => {
    const body = new RegExp(` {12}(?:X509v3 )?${heading}:[^\\n]*\\n((?: {16}.*\\n|\\n)+)`).exec(
      whole,
    );
    return (body?.[1] ?? '')
      .split('\n')
      .map((line) => line.slice(16))
      .filter(Boolean)
      .join(';');
  };
  for (const [column, heading] of HEADINGS) expect(row[column], column).toBe(headed(heading));
}

const HEADINGS = [
  ['subject_key_identifier', 'Subject Key Identifier'],
  ['authority_key_identifier', 'Authority Key Identifier'],
  ['key_usage', 'Key Usage'],
  ['extended_key_usage', 'Extended Key Usage'],
  ['policies', 'Certificate Policies'],
  ['subject_alternative_names', 'Subject Alternative Name'],
  ['issuer_alternative_names', 'Issuer Alternative Name'],
  ['info_access', 'Authority Information Access'],
  ['basic_constraint', 'Basic Constraints'],
  ['name_constraints', 'Name Constraints'],
  ['policy_constraints', 'Policy Constraints'],
] as const;

async function listen(server: Server): Promise<string> {
  onTestFinished(() => void server.close());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('who does not speak TLS or says nothing has no row, and a warning', async () => {
  const rude = await listen(createPlain((socket) => socket.end('hello\n')));
  const dumb = await listen(createPlain((socket) => void socket.on('error', () => undefined)));
  const asked = [rude, dumb].map((host) => eq('hostname', host));
  const { rows, warnings } = await ask(allow(rude, dumb), ...asked, eq('timeout', 1));
  expect(rows).toEqual([]);
  expect(warnings).toContain(`${dumb}: no certificate: no answer within 1000 ms`);
  expect(warnings).toContain(`${rude}: no certificate: wrong version number`);
  expect(warnings).toHaveLength(2);
});

test('nobody is asked whom the host does not name', async () => {
  const refused = async (name: string, ...hosts: string[]) =>
    expect(ask(allow(...hosts), eq('hostname', name)), name).rejects.toThrow(/curl_hosts/);
  await refused('a.example:8443', 'a.example');
  await refused('a.example', 'a.example:8443');
  await refused('b.a.example', 'a.example');
  await expect(ask({ agent: {} }, eq('hostname', 'a.example'))).rejects.toThrow(
    'asks no web servers',
  );
  for (const wrong of ['https://a.example', 'a.example:x', 'a b', '', 'a@b', '::1'])
    await expect(ask(allow('a.example'), eq('hostname', wrong))).rejects.toThrow(
      `${JSON.stringify(wrong)} is no host that can be asked`,
    );
});
