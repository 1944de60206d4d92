/** curl_certificate: the certificate that a server shows, asked from this host. */
import { createHash, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect } from 'node:tls';

import { integer, text } from '../lib/columns.ts';
import { eqIntegers, eqTexts, wants } from '../lib/constraints.ts';
import { elements, readDer } from '../lib/der.ts';
import { ProgramError, runProgram } from '../lib/program.ts';
import { lines } from '../lib/text.ts';
import { parseCertificate, type Name } from '../lib/x509.ts';
import { TableError, type CollectContext, type Row, type SnapshotTable } from '../types.ts';
import { allowedHosts, requireAllowed } from './asked-hosts.ts';

/** Column to OpenSSL's name of the extension, and the heading under which it prints it. */
const EXTENSIONS: Readonly<Record<string, readonly [string, string]>> = {
  subject_key_identifier: ['subjectKeyIdentifier', 'X509v3 Subject Key Identifier'],
  authority_key_identifier: ['authorityKeyIdentifier', 'X509v3 Authority Key Identifier'],
  key_usage: ['keyUsage', 'X509v3 Key Usage'],
  extended_key_usage: ['extendedKeyUsage', 'X509v3 Extended Key Usage'],
  policies: ['certificatePolicies', 'X509v3 Certificate Policies'],
  subject_alternative_names: ['subjectAltName', 'X509v3 Subject Alternative Name'],
  issuer_alternative_names: ['issuerAltName', 'X509v3 Issuer Alternative Name'],
  info_access: ['authorityInfoAccess', 'Authority Information Access'],
  subject_info_access: ['subjectInfoAccess', 'Subject Information Access'],
  policy_mappings: ['policyMappings', 'X509v3 Policy Mappings'],
  basic_constraint: ['basicConstraints', 'X509v3 Basic Constraints'],
  name_constraints: ['nameConstraints', 'X509v3 Name Constraints'],
  policy_constraints: ['policyConstraints', 'X509v3 Policy Constraints'],
};

export const curlCertificate: SnapshotTable = {
  name: 'curl_certificate',
  description:
    'Certificate that a TLS server shows, asked from this host, whether it is valid or not; only of those ' +
    'that this host’s own config.yaml allows (curl_hosts: [intranet.example, "10.0.0.5:8443"]). ' +
    'Its extensions are in the words of the program openssl.',
  kind: 'snapshot',
  cost: 'expensive',
  sensitive: true,
  key: ['hostname'],
  columns: [
    text('hostname', 'Host to ask, with :port where it is not 443.', {
      required: true,
      steers: true,
    }),
    text('common_name', 'Common name of the subject.', { unset: true }),
    text('organization', 'Organization of the subject.', { unset: true }),
    text('organization_unit', 'Organizational unit of the subject.', { unset: true }),
    text('serial_number', 'Serial number, hexadecimal.', { collate: 'nocase' }),
    text('issuer_common_name', 'Common name of the issuer.', { unset: true }),
    text('issuer_organization', 'Organization of the issuer.', { unset: true }),
    text('issuer_organization_unit', 'Organizational unit of the issuer.', { unset: true }),
    text('valid_from', 'When it begins to be valid, as Jan  2 03:04:05 2026 GMT.'),
    text('valid_to', 'When it ends to be valid, written so too.'),
    text('sha256_fingerprint', 'SHA-256 of the certificate.', { collate: 'nocase' }),
    text('sha1_fingerprint', 'SHA-1 of the certificate.', { collate: 'nocase' }),
    integer('version', 'Version of X.509: 3, or 1.'),
    text('signature_algorithm', 'Algorithm it was signed by, OpenSSL’s short name, as RSA-SHA256.'),
    text('signature', 'Signature, hexadecimal with colons.'),
    text('subject_key_identifier', 'Id of its key.', { unset: true, collate: 'nocase' }),
    text('authority_key_identifier', 'Id of its issuer’s key.', { unset: true, collate: 'nocase' }),
    text('key_usage', 'What the key may be used for.', { unset: true }),
    text('extended_key_usage', 'What it may be used for besides.', { unset: true }),
    text('policies', 'Policies it was given under.', { unset: true }),
    text('subject_alternative_names', 'Other names of the subject: hosts, addresses.', {
      unset: true,
    }),
    text('issuer_alternative_names', 'Other names of the issuer.', { unset: true }),
    text('info_access', 'Where to ask about it and for its issuer.', { unset: true }),
    text('subject_info_access', 'Where to find what the subject offers.', { unset: true }),
    text('policy_mappings', 'Policies that stand for others.', { unset: true }),
    integer('has_expired', '1 if it has expired, else 0.'),
    text('basic_constraint', 'Whether it may sign others.', { unset: true }),
    text('name_constraints', 'For which names it may.', { unset: true }),
    text('policy_constraints', 'Under which policies it may.', { unset: true }),
    integer('dump_certificate', '1 to be given the certificate as pem; 0 unless said.', {
      hidden: true,
      additional: true,
      steers: true,
    }),
    integer('timeout', 'Seconds to wait for it, at most 4, which is also what 0 means.', {
      hidden: true,
      additional: true,
      steers: true,
    }),
    text('pem', 'The certificate in PEM, where dump_certificate is 1.', { unset: true }),
  ],
  collect(context): Promise<Row[]> {
    const allowed = allowedHosts(context);
    const [dump_certificate = 0] = eqIntegers(context, 'dump_certificate') ?? [];
    const [timeout = TIMEOUT_S] = eqIntegers(context, 'timeout') ?? [];
    const hosts = (eqTexts(context, 'hostname') ?? []).map((name) => hostOf(name, allowed));
    return Promise.all(
      hosts.map(async (host) => {
        const row = await rowOf(context, host, timeout);
        const pem = dump_certificate === 1 ? row?.pem : undefined;
        return row === undefined ? [] : [{ ...row, dump_certificate, timeout, pem: pem ?? null }];
      }),
    ).then((rows) => rows.flat());
  },
};

interface Host {
  /** As the query gives it. */
  readonly shown: string;
  readonly hostname: string;
  readonly port: number;
}

/** @throws TableError for what is no host, and one that is not allowed */
function hostOf(shown: string, allowed: readonly string[]): Host {
  const match = /^(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{0,5}))?$/i.exec(shown);
  if (match === null)
    throw new TableError(
      `${JSON.stringify(shown)} is no host that can be asked: write a name or an address (of IPv6 in [brackets]), with :port where it is not 443`,
    );
  const hostname = match[1]!.toLowerCase();
  const port = match[2] || '443';
  requireAllowed(allowed, { hostname, port, shown });
  return { shown, hostname: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** As osquery, a server that does not answer has no row. */
async function rowOf(
  context: CollectContext,
  host: Host,
  timeoutS: number,
): Promise<Row | undefined> {
  try {
    const der = await certificateOf(context, host, timeoutS);
    return {
      hostname: host.shown,
      ...certificateColumns(der),
      ...(await extensionsOf(context, der)),
    };
  } catch (error) {
    context.signal.throwIfAborted();
    context.warn(`${host.shown}: no certificate: ${(error as Error).message}`);
    return undefined;
  }
}

/** Whatever it is worth: nothing is sent and nothing that comes is believed. */
function certificateOf(context: CollectContext, host: Host, timeoutS: number): Promise<Buffer> {
  const { hostname, port } = host;
  const wait = (timeoutS > 0 && timeoutS < TIMEOUT_S ? timeoutS : TIMEOUT_S) * 1000;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: hostname,
      port,
      servername: isIP(hostname) ? '' : hostname,
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      context.signal.removeEventListener('abort', onAbort);
      socket.destroy();
      settle();
    };
    const fail = (message: string): void => end(() => reject(new Error(message)));
    const timer = setTimeout(() => fail(`no answer within ${wait} ms`), wait);
    const onAbort = (): void => fail('the query has ended');
    context.signal.addEventListener('abort', onAbort, { once: true });
    // What OpenSSL says has places of its source code around the reason.
    socket.once('error', (error: Error & { reason?: string }) =>
      fail(error.reason ?? error.message),
    );
    socket.once('secureConnect', () => {
      const raw = socket.getPeerX509Certificate()?.raw;
      if (raw === undefined) fail('the server shows none');
      else end(() => resolve(raw));
    });
  });
}

function certificateColumns(der: Buffer): Row {
  const { subject, issuer, serial, signingAlgorithm, notAfter, sha1 } = parseCertificate(der);
  const [tbs, , signature] = elements(readDer(der).content);
  const { validFrom, validTo } = new X509Certificate(der);
  const first = elements(tbs!.content)[0]!;
  return {
    common_name: firstOf(subject, 'CN'),
    organization: firstOf(subject, 'O'),
    organization_unit: firstOf(subject, 'OU'),
    serial_number: serial,
    issuer_common_name: firstOf(issuer, 'CN'),
    issuer_organization: firstOf(issuer, 'O'),
    issuer_organization_unit: firstOf(issuer, 'OU'),
    valid_from: validFrom,
    valid_to: validTo,
    sha256_fingerprint: createHash('sha256').update(der).digest('hex'),
    sha1_fingerprint: sha1,
    // Version 1 is what a certificate has that says none.
    version: first.tag === 0xa0 ? readDer(first.content).content[0]! + 1 : 1,
    signature_algorithm: SHORT_NAMES[signingAlgorithm] ?? signingAlgorithm,
    signature: signature!.content
      .subarray(1)
      .toString('hex')
      .replace(/..(?=.)/g, '$&:'),
    has_expired: notAfter !== null && notAfter * 1000 <= Date.now() ? 1 : 0,
    pem: new X509Certificate(der).toString(),
  };
}

function firstOf(name: Name, type: string): string | null {
  return name.find((one) => one.type === type)?.value ?? null;
}

/** NULL where there is no openssl to tell, empty where the certificate has no such extension. */
async function extensionsOf(context: CollectContext, der: Buffer): Promise<Row> {
  const columns = Object.keys(EXTENSIONS);
  if (!wants(context, ...columns)) return {};
  const names = Object.values(EXTENSIONS).map(([name]) => name);
  const args = ['x509', '-noout', '-ext', names.join(',')];
  try {
    const input = new X509Certificate(der).toString();
    const { stdout } = await runProgram(context, 'openssl', args, { input });
    const found = parseExtensions(stdout);
    return Object.fromEntries(
      columns.map((column) => [column, found.get(EXTENSIONS[column]![1]) ?? '']),
    );
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    context.warn(
      `extensions of certificates are not shown: ${error.message}; install package openssl`,
    );
    return Object.fromEntries(columns.map((column) => [column, null]));
  }
}

/** Each has a heading, which may end in `critical`, and indented lines, joined as osquery does. */
function parseExtensions(output: string): Map<string, string> {
  const found = new Map<string, string>();
  let heading = '';
  for (const line of lines(output)) {
    if (/^\S/.test(line)) heading = line.replace(/:\s*(?:critical)?\s*$/, '');
    else if (line.trim() !== '')
      found.set(heading, [found.get(heading), line.slice(INDENT)].filter(Boolean).join(';'));
  }
  return found;
}

const INDENT = 4;
const TIMEOUT_S = 4;

/** OpenSSL's short names where they are not the long ones. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  md2WithRSAEncryption: 'RSA-MD2',
  md5WithRSAEncryption: 'RSA-MD5',
  sha1WithRSAEncryption: 'RSA-SHA1',
  sha224WithRSAEncryption: 'RSA-SHA224',
  sha256WithRSAEncryption: 'RSA-SHA256',
  sha384WithRSAEncryption: 'RSA-SHA384',
  sha512WithRSAEncryption: 'RSA-SHA512',
  rsassaPss: 'RSASSA-PSS',
  dsaWithSHA1: 'DSA-SHA1',
};
