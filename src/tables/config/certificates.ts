/** certificates: those that the host trusts and that its services show. */
import { elsewhere, integer, text } from '../lib/columns.ts';
import { eqTexts } from '../lib/constraints.ts';
import { describeCode, tryRead } from '../lib/files.ts';
import { ProgramError, runProgram } from '../lib/program.ts';
import {
  attribute,
  onelineName,
  parseCertificate,
  pemBlocks,
  plainName,
  type Certificate,
} from '../lib/x509.ts';
import { Misses } from '../files/misses.ts';
import type { CollectContext, Row, SnapshotTable } from '../types.ts';
import { certificateFiles, defaultFiles } from './certificate-files.ts';

export const certificates: SnapshotTable = {
  name: 'certificates',
  description:
    'Certificates in the system’s stores and the usual places of services, in PEM, DER, and PKCS#12 without ' +
    'a password (by openssl), or in the file or folder that the query gives as path. Never keys.',
  kind: 'snapshot',
  cost: 'expensive',
  key: ['path', 'sha1'],
  columns: [
    text('common_name', 'Common name of the subject.'),
    text('subject', 'Subject as /C=DE/CN=a, bytes beyond ASCII as \\xC3.'),
    text('subject2', 'The same with its characters as they are.'),
    text('issuer', 'Issuer, written as subject.'),
    text('issuer2', 'Issuer, written as subject2.'),
    integer('ca', '1 if it may sign others, else 0.'),
    integer('self_signed', '1 if its issuer is itself, else 0.'),
    text('not_valid_before', 'When it begins to be valid, seconds since 1970.'),
    text('not_valid_after', 'When it ends to be valid, seconds since 1970.'),
    text('signing_algorithm', 'Algorithm it was signed by, as sha256WithRSAEncryption.'),
    text('key_algorithm', 'Algorithm of its key, as rsaEncryption.'),
    text('key_strength', 'Bits of an RSA or DSA key, else the name of the curve.'),
    text('key_usage', 'What the key may be used for, extended usage included.'),
    text('subject_key_id', 'Id of its key, hexadecimal.', { collate: 'nocase' }),
    text('authority_key_id', 'Id of its issuer’s key, hexadecimal.', { collate: 'nocase' }),
    text('sha1', 'SHA-1 of the certificate.', { collate: 'nocase' }),
    text(
      'path',
      'The file it is in; give one, or a folder, which then stands here, to look there alone.',
      {
        additional: true,
        steers: true,
      },
    ),
    text('serial', 'Serial number, hexadecimal.', { collate: 'nocase' }),
    elsewhere('windows', text('sid', 'Security id')),
    elsewhere('windows', text('store_location', 'Place of the store')),
    elsewhere('windows', text('store', 'Store')),
    elsewhere('windows', text('username', 'User of the store')),
    elsewhere('windows', text('store_id', 'Raw id of the store')),
  ],
  async collect(context): Promise<Row[]> {
    const misses = new Misses(context);
    const rows: Row[] = [];
    const seen = new Set<string>();
    for (const { asked, path } of filesToRead(context)) {
      context.signal.throwIfAborted();
      for (const der of await readFile(context, path, misses)) {
        const certificate = parsed(der);
        if (certificate === undefined) {
          misses.add(path, 'a certificate in it cannot be read');
          continue;
        }
        // A folder that was asked for stands in its rows, or the query would drop them.
        const place = asked ?? path;
        const key = `${place}\0${certificate.sha1}`;
        if (seen.has(key)) continue;
        seen.add(key);
        rows.push({ ...certificateRow(certificate), path: place });
      }
    }
    misses.report();
    return rows;
  },
};

/** Columns that tables of certificates share. */
export function certificateRow(certificate: Certificate): Row {
  const { subject, issuer, notBefore, notAfter } = certificate;
  return {
    common_name: attribute(subject, 'CN'),
    subject: onelineName(subject),
    subject2: plainName(subject),
    issuer: onelineName(issuer),
    issuer2: plainName(issuer),
    ca: certificate.ca ? 1 : 0,
    self_signed: certificate.selfSigned ? 1 : 0,
    not_valid_before: notBefore === null ? null : String(notBefore),
    not_valid_after: notAfter === null ? null : String(notAfter),
    signing_algorithm: certificate.signingAlgorithm,
    key_algorithm: certificate.keyAlgorithm,
    key_strength: certificate.keyStrength,
    key_usage: certificate.keyUsage,
    subject_key_id: certificate.subjectKeyId,
    authority_key_id: certificate.authorityKeyId,
    sha1: certificate.sha1,
    serial: certificate.serial,
  };
}

function parsed(der: Buffer): Certificate | undefined {
  try {
    return parseCertificate(der);
  } catch {
    return undefined;
  }
}

interface FileToRead {
  readonly asked?: string;
  readonly path: string;
}

function filesToRead(context: CollectContext): FileToRead[] {
  const asked = eqTexts(context, 'path');
  if (asked === undefined) return defaultFiles(context).map((path) => ({ path }));
  return asked.flatMap((name) =>
    certificateFiles(context, name).map((path) => ({ asked: name, path })),
  );
}

/** The certificates of a file, in order. */
async function readFile(context: CollectContext, path: string, misses: Misses): Promise<Buffer[]> {
  const result = tryRead(context, path);
  if (!result.ok) {
    if (result.code !== 'ENOENT') misses.add(path, `not read: ${describeCode(result.code)}`);
    return [];
  }
  const { bytes } = result;
  const blocks = pemBlocks(bytes.toString('latin1'));
  if (blocks.length > 0 || bytes[0] !== SEQUENCE) return blocks;
  if (parsed(bytes) !== undefined) return [bytes];
  return /\.(p12|pfx)$/i.test(path) ? fromPkcs12(context, path, misses) : [];
}

/** Those that no password guards; older ones want algorithms that OpenSSL 3 only takes when asked to. */
async function fromPkcs12(
  context: CollectContext,
  path: string,
  misses: Misses,
): Promise<Buffer[]> {
  const args = ['pkcs12', '-in', path, '-nokeys', '-passin', 'pass:'];
  try {
    for (const more of [[], ['-legacy']]) {
      const { code, stdout } = await runProgram(context, 'openssl', [...args, ...more]);
      if (code === 0) return pemBlocks(stdout);
    }
    misses.add(path, 'not read: it has a password, or is no PKCS#12');
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    misses.add(path, `not read: ${error.message} (install package openssl)`);
  }
  return [];
}

const SEQUENCE = 0x30;
