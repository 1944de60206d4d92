import { integer, text } from '../lib/columns.ts';
import { exists, readBytes } from '../lib/files.ts';
import { parseCertificate, type Certificate } from '../lib/x509.ts';
import { certificateRow } from '../config/certificates.ts';
import { TableAbsentError, type Row, type SnapshotTable } from '../types.ts';

export const securebootCertificates: SnapshotTable = {
  kind: 'snapshot',
  name: 'secureboot_certificates',
  description:
    'Certificates by which UEFI Secure Boot lets programs start (variable db) or refuses them (dbx).',
  cost: 'cheap',
  key: ['path', 'sha1'],
  columns: [
    text('common_name', 'Common name of the subject.'),
    text('subject', 'Subject as /C=DE/CN=a.'),
    text('issuer', 'Issuer, written as subject.'),
    text('not_valid_before', 'When it begins to be valid, seconds since 1970.'),
    text('not_valid_after', 'When it ends to be valid, seconds since 1970.'),
    text('sha1', 'SHA-1 of the certificate.', { collate: 'nocase' }),
    text('serial', 'Serial number, hexadecimal.', { collate: 'nocase' }),
    integer('revoked', '1 if it is in dbx, 0 if in db.'),
    text('path', 'File of the variable.'),
    integer('is_ca', '1 if it may sign others, else 0.'),
    integer('self_signed', '1 if its issuer is itself, else 0.'),
    text('key_usage', 'What the key may be used for, extended usage included.'),
    text('authority_key_id', 'Id of its issuer’s key, hexadecimal.', { collate: 'nocase' }),
    text('subject_key_id', 'Id of its key, hexadecimal.', { collate: 'nocase' }),
    text('signing_algorithm', 'Algorithm it was signed by.'),
    text('key_algorithm', 'Algorithm of its key.'),
    text('key_strength', 'Bits of an RSA or DSA key, else the name of the curve.'),
  ],
  collect(context): Row[] {
    if (!exists(context, '/sys/firmware/efi'))
      throw new TableAbsentError('this machine was not started by UEFI, so it has no Secure Boot');
    return VARIABLES.flatMap(({ path, revoked }) => {
      const bytes = readBytes(context, path);
      if (bytes === undefined) return [];
      const found = certificatesIn(bytes);
      if (found.unread > 0)
        context.warn(
          `${path}: what follows the first ${found.certificates.length} certificates cannot be read`,
        );
      return found.certificates.map((certificate) => ({
        ...secureBootRow(certificate),
        revoked,
        path,
      }));
    });
  },
};

function secureBootRow(certificate: Certificate): Row {
  const { subject2: _s, issuer2: _i, ca, ...row } = certificateRow(certificate);
  return { ...row, is_ca: ca };
}

/**
 * The X.509 certificates of a variable: four bytes of attributes, then EFI_SIGNATURE_LISTs, each of one
 * kind (UEFI specification, section 32.4.1). Hashes are passed over. `unread` is what does not hold together, in bytes.
 */
export function certificatesIn(variable: Buffer): { certificates: Certificate[]; unread: number } {
  const certificates = new Map<string, Certificate>();
  let at = ATTRIBUTE_BYTES;
  while (at + LIST_HEADER_BYTES <= variable.length) {
    const size = variable.readUInt32LE(at + 16);
    const header = variable.readUInt32LE(at + 20);
    const each = variable.readUInt32LE(at + 24);
    const end = at + size;
    if (size < LIST_HEADER_BYTES || end > variable.length || each <= OWNER_BYTES) break;
    if (variable.subarray(at, at + 16).equals(X509)) {
      for (let one = at + LIST_HEADER_BYTES + header; one + each <= end; one += each) {
        const parsed = parsedOrNone(variable.subarray(one + OWNER_BYTES, one + each));
        if (parsed !== undefined) certificates.set(parsed.sha1, parsed);
      }
    }
    at = end;
  }
  return { certificates: [...certificates.values()], unread: Math.max(variable.length - at, 0) };
}

function parsedOrNone(der: Buffer): Certificate | undefined {
  try {
    return parseCertificate(der);
  } catch {
    return undefined;
  }
}

/** EFI_CERT_X509_GUID a5c059a1-94e4-4aa7-87b5-ab155c2bf072, as it lies in memory. */
const X509 = Buffer.from('a159c0a5e494a74a87b5ab155c2bf072', 'hex');
const ATTRIBUTE_BYTES = 4;
const LIST_HEADER_BYTES = 28;
/** Each signature begins with the GUID of who put it there. */
const OWNER_BYTES = 16;

const SECURITY_DATABASE = 'd719b2cb-3d3a-4596-a3bc-dad00e67656f';
const EFIVARS = '/sys/firmware/efi/efivars';
const VARIABLES = [
  { path: `${EFIVARS}/db-${SECURITY_DATABASE}`, revoked: 0 },
  { path: `${EFIVARS}/dbx-${SECURITY_DATABASE}`, revoked: 1 },
];
