/** Certificates, X.509 as RFC 5280 has it, in the words of OpenSSL. */
import { createHash } from 'node:crypto';

import { elements, oidText, readDer, stringText, timeSeconds, type Der } from './der.ts';

export interface Certificate {
  readonly der: Buffer;
  readonly subject: Name;
  readonly issuer: Name;
  /** Hexadecimal, as `openssl x509 -serial` shows it. */
  readonly serial: string;
  /** Seconds since 1970; null where no time stands. */
  readonly notBefore: number | null;
  readonly notAfter: number | null;
  /** OpenSSL's long name, else the object identifier. */
  readonly signingAlgorithm: string;
  readonly keyAlgorithm: string;
  /** Bits of an RSA or DSA key, else the name of the curve; empty if not known. */
  readonly keyStrength: string;
  readonly ca: boolean;
  readonly selfSigned: boolean;
  /** Key usage and extended key usage in OpenSSL's words, parted by commas. */
  readonly keyUsage: string;
  /** Hexadecimal. */
  readonly subjectKeyId: string;
  readonly authorityKeyId: string;
  readonly sha1: string;
}

/** Attributes in the order they stand in. */
export type Name = readonly { readonly type: string; readonly value: string }[];

/** @throws RangeError for bytes that are no certificate */
export function parseCertificate(der: Buffer): Certificate {
  const [tbs, algorithm] = elements(readDer(der).content);
  const fields = elements(tbs!.content);
  // The version is left out in certificates of version 1.
  const [serial, , issuer, validity, subject, key, ...rest] =
    fields[0]!.tag === 0xa0 ? fields.slice(1) : fields;
  if (key === undefined) throw new RangeError('a certificate without a key');
  const [notBefore, notAfter] = elements(validity!.content);
  const extensions = readExtensions(rest.find(({ tag }) => tag === 0xa3));
  const ownName = subject!.whole.equals(issuer!.whole);
  const subjectKeyId = hex(extensions.get('2.5.29.14')?.content);
  const authority = elements(extensions.get('2.5.29.35')?.content ?? Buffer.alloc(0));
  const authorityKeyId = hex(authority.find(({ tag }) => tag === 0x80)?.content);
  return {
    der,
    subject: readName(subject!),
    issuer: readName(issuer!),
    serial: serialText(serial!.content),
    notBefore: timeSeconds(notBefore!),
    notAfter: timeSeconds(notAfter!),
    signingAlgorithm: algorithmName(algorithm!),
    ...describeKey(key),
    ca: isCa(extensions, ownName && extensions.size === 0),
    selfSigned: ownName && (authorityKeyId === '' || subjectKeyId === authorityKeyId),
    keyUsage: usages(extensions).join(', '),
    subjectKeyId,
    authorityKeyId,
    sha1: createHash('sha1').update(der).digest('hex'),
  };
}

/** The value of the last attribute of a kind, as CN; empty without one. */
export function attribute(name: Name, type: string): string {
  return name.findLast((one) => one.type === type)?.value ?? '';
}

/** `/C=DE/O=Example/CN=a`, the form of OpenSSL's X509_NAME_oneline. */
export function onelineName(name: Name): string {
  return name.map(({ type, value }) => `/${type}=${escapeBytes(value)}`).join('');
}

/** The same with its characters as they are. */
export function plainName(name: Name): string {
  return name.map(({ type, value }) => `/${type}=${value}`).join('');
}

/** Bytes beyond printable ASCII as \xHH, a backslash before what parts attributes. */
function escapeBytes(value: string): string {
  return [...Buffer.from(value)]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      if (byte < 0x20 || byte > 0x7e)
        return `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
      return char === '/' || char === '+' ? `\\${char}` : char;
    })
    .join('');
}

/** The certificates between BEGIN and END lines; what else stands there is passed over. */
export function pemBlocks(text: string): Buffer[] {
  const blocks = text.matchAll(
    /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----([\s\S]*?)-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g,
  );
  return [...blocks].map(([, base64]) => Buffer.from(base64!, 'base64'));
}

function readName(name: Der): Name {
  return elements(name.content).flatMap((set) =>
    elements(set.content).map((pair) => {
      const [type, value] = elements(pair.content);
      const oid = oidText(type!.content);
      return { type: ATTRIBUTES[oid] ?? oid, value: stringText(value!) };
    }),
  );
}

/** By object identifier. */
function readExtensions(holder: Der | undefined): Map<string, Der> {
  const found = new Map<string, Der>();
  if (holder === undefined) return found;
  for (const extension of elements(readDer(holder.content).content)) {
    const parts = elements(extension.content);
    found.set(oidText(parts[0]!.content), readDer(parts.at(-1)!.content));
  }
  return found;
}

function describeKey(key: Der): Pick<Certificate, 'keyAlgorithm' | 'keyStrength'> {
  const [algorithm, bits] = elements(key.content);
  const parts = elements(algorithm!.content);
  const oid = oidText(parts[0]!.content);
  return { keyAlgorithm: ALGORITHMS[oid] ?? oid, keyStrength: strength(oid, parts[1], bits!) };
}

function strength(oid: string, parameters: Der | undefined, bits: Der): string {
  if (oid === '1.2.840.113549.1.1.1' || oid === '1.2.840.113549.1.1.10') {
    // The first byte of a BIT STRING says how many bits are left over.
    const [modulus] = elements(readDer(bits.content.subarray(1)).content);
    return String(bitLength(modulus!.content));
  }
  if (oid === '1.2.840.10040.4.1' && parameters?.tag === 0x30)
    return String(bitLength(elements(parameters.content)[0]!.content));
  if (oid === '1.2.840.10045.2.1' && parameters?.tag === 0x06) {
    const curve = oidText(parameters.content);
    return CURVES[curve] ?? curve;
  }
  return '';
}

function bitLength(number: Buffer): number {
  const first = number.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (number.length - first) * 8 - Math.clz32(number[first]!) + 24;
}

/** As X509_check_ca: without constraints a key that may sign, and a root from before there were any. */
function isCa(extensions: ReadonlyMap<string, Der>, oldRoot: boolean): boolean {
  const constraints = extensions.get('2.5.29.19');
  if (constraints === undefined) return oldRoot || usages(extensions).includes('Certificate Sign');
  const [first] = elements(constraints.content);
  return first?.tag === 0x01 && first.content[0] !== 0;
}

/** Usage of the key, then the extended one. */
function usages(extensions: ReadonlyMap<string, Der>): string[] {
  const [, ...bytes] = extensions.get('2.5.29.15')?.content ?? [];
  const plain = USAGES.filter((_, bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
  const extended = elements(extensions.get('2.5.29.37')?.content ?? Buffer.alloc(0));
  return [
    ...plain,
    ...extended.map(({ content }) => EXTENDED_USAGES[oidText(content)] ?? oidText(content)),
  ];
}

function algorithmName(algorithm: Der): string {
  const oid = oidText(elements(algorithm.content)[0]!.content);
  return ALGORITHMS[oid] ?? oid;
}

/** Two's complement, without the byte that only says that it is above zero. */
function serialText(content: Buffer): string {
  if ((content[0] ?? 0) & 0x80) {
    const negative = (1n << BigInt(content.length * 8)) - BigInt(`0x${content.toString('hex')}`);
    const digits = negative.toString(16).toUpperCase();
    return `-${digits.length % 2 === 0 ? digits : `0${digits}`}`;
  }
  const start = content.findIndex((byte) => byte !== 0);
  return start < 0 ? '00' : hex(content.subarray(start)).toUpperCase();
}

function hex(bytes: Buffer | undefined): string {
  return bytes?.toString('hex') ?? '';
}

/** OpenSSL's short names. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'street',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.13': 'description',
  '2.5.4.15': 'businessCategory',
  '2.5.4.17': 'postalCode',
  '2.5.4.41': 'name',
  '2.5.4.42': 'GN',
  '2.5.4.46': 'dnQualifier',
  '2.5.4.97': 'organizationIdentifier',
  '1.2.840.113549.1.9.1': 'emailAddress',
  '0.9.2342.19200300.100.1.25': 'DC',
  '0.9.2342.19200300.100.1.1': 'UID',
  '1.3.6.1.4.1.311.60.2.1.1': 'jurisdictionL',
  '1.3.6.1.4.1.311.60.2.1.2': 'jurisdictionST',
  '1.3.6.1.4.1.311.60.2.1.3': 'jurisdictionC',
};

/** OpenSSL's long names. */
const ALGORITHMS: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.1': 'rsaEncryption',
  '1.2.840.113549.1.1.2': 'md2WithRSAEncryption',
  '1.2.840.113549.1.1.4': 'md5WithRSAEncryption',
  '1.2.840.113549.1.1.5': 'sha1WithRSAEncryption',
  '1.2.840.113549.1.1.10': 'rsassaPss',
  '1.2.840.113549.1.1.11': 'sha256WithRSAEncryption',
  '1.2.840.113549.1.1.12': 'sha384WithRSAEncryption',
  '1.2.840.113549.1.1.13': 'sha512WithRSAEncryption',
  '1.2.840.113549.1.1.14': 'sha224WithRSAEncryption',
  '1.2.840.10040.4.1': 'dsaEncryption',
  '1.2.840.10040.4.3': 'dsaWithSHA1',
  '2.16.840.1.101.3.4.3.2': 'dsa_with_SHA256',
  '1.2.840.10045.2.1': 'id-ecPublicKey',
  '1.2.840.10045.4.1': 'ecdsa-with-SHA1',
  '1.2.840.10045.4.3.1': 'ecdsa-with-SHA224',
  '1.2.840.10045.4.3.2': 'ecdsa-with-SHA256',
  '1.2.840.10045.4.3.3': 'ecdsa-with-SHA384',
  '1.2.840.10045.4.3.4': 'ecdsa-with-SHA512',
  '1.3.101.110': 'X25519',
  '1.3.101.112': 'ED25519',
  '1.3.101.113': 'ED448',
};

const CURVES: Readonly<Record<string, string>> = {
  '1.2.840.10045.3.1.7': 'prime256v1',
  '1.3.132.0.10': 'secp256k1',
  '1.3.132.0.33': 'secp224r1',
  '1.3.132.0.34': 'secp384r1',
  '1.3.132.0.35': 'secp521r1',
  '1.3.36.3.3.2.8.1.1.7': 'brainpoolP256r1',
  '1.3.36.3.3.2.8.1.1.11': 'brainpoolP384r1',
};

/** By bit, RFC 5280 4.2.1.3. */
const USAGES = [
  'Digital Signature',
  'Non Repudiation',
  'Key Encipherment',
  'Data Encipherment',
  'Key Agreement',
  'Certificate Sign',
  'CRL Sign',
  'Encipher Only',
  'Decipher Only',
];

const EXTENDED_USAGES: Readonly<Record<string, string>> = {
  '2.5.29.37.0': 'Any Extended Key Usage',
  '1.3.6.1.5.5.7.3.1': 'TLS Web Server Authentication',
  '1.3.6.1.5.5.7.3.2': 'TLS Web Client Authentication',
  '1.3.6.1.5.5.7.3.3': 'Code Signing',
  '1.3.6.1.5.5.7.3.4': 'E-mail Protection',
  '1.3.6.1.5.5.7.3.8': 'Time Stamping',
  '1.3.6.1.5.5.7.3.9': 'OCSP Signing',
};
