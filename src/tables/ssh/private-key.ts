/** What can be told of a private key file without its passphrase. Nothing secret is kept or shown. */
import { createPrivateKey, type KeyObject } from 'node:crypto';

export interface PrivateKeyFacts {
  readonly encrypted: boolean;
  /** osquery's names: rsa, dsa, dh, ec, hmac, cmac, or empty. */
  readonly type: string;
  /** Curve, where there is one. */
  readonly group: string;
  /** Bits; -1 if it cannot be told. */
  readonly length: number;
  /** Strength in bits as SP 800-57 has it; -1 if it cannot be told. */
  readonly securityBits: number;
}

/** undefined when the text is no private key. */
export function privateKeyFacts(pem: string): PrivateKeyFacts | undefined {
  const label = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----/.exec(pem)?.[1];
  if (label === undefined) return undefined;
  if (label === 'OPENSSH PRIVATE KEY') return opensshFacts(pem);
  const encrypted = label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: 4,ENCRYPTED/m.test(pem);
  if (encrypted) return { ...UNKNOWN, encrypted, type: TYPE_BY_LABEL[label] ?? '' };
  try {
    return keyFacts(createPrivateKey(pem));
  } catch {
    return { ...UNKNOWN, encrypted, type: TYPE_BY_LABEL[label] ?? '' };
  }
}

function keyFacts(key: KeyObject): PrivateKeyFacts {
  const details = key.asymmetricKeyDetails ?? {};
  // The types leave 'dh' out, which Node does give.
  switch (key.asymmetricKeyType as string | undefined) {
    case 'rsa':
    case 'rsa-pss':
      return facts('rsa', '', details.modulusLength ?? -1);
    case 'dsa':
      return facts('dsa', '', details.modulusLength ?? -1);
    case 'dh':
      return facts('dh', '', -1);
    case 'ec':
      return facts('ec', details.namedCurve ?? '', CURVE_BITS[details.namedCurve ?? ''] ?? -1);
    case 'ed25519':
    case 'x25519':
      return { ...facts('', key.asymmetricKeyType ?? '', 256), securityBits: 128 };
    case 'ed448':
    case 'x448':
      return { ...facts('', key.asymmetricKeyType ?? '', 456), securityBits: 224 };
    default:
      return { ...UNKNOWN, encrypted: false };
  }
}

/** PROTOCOL.key of OpenSSH: cipher, kdf, kdf options, count, then the public key in clear. */
function opensshFacts(pem: string): PrivateKeyFacts | undefined {
  const base64 = pem.replace(/-----[A-Z ]+-----/g, '').replace(/\s+/g, '');
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.subarray(0, MAGIC.length).toString('latin1') !== MAGIC) return undefined;
  const fields = readStrings(bytes, MAGIC.length, 3);
  const [cipher] = fields.strings;
  const [publicKey] = readStrings(bytes, fields.next + 4, 1).strings;
  if (cipher === undefined || publicKey === undefined) return undefined;
  return { ...publicFacts(publicKey), encrypted: cipher.toString('latin1') !== 'none' };
}

/** RFC 4253 section 6.6 and RFC 5656: a name, then for rsa the exponent and the modulus. */
function publicFacts(blob: Buffer): PrivateKeyFacts {
  const [name, first, second] = readStrings(blob, 0, 3).strings;
  const type = name?.toString('latin1') ?? '';
  if (type === 'ssh-rsa') return facts('rsa', '', bitsOf(second));
  if (type === 'ssh-dss') return facts('dsa', '', bitsOf(first));
  const curve = OPENSSH_CURVES[type];
  if (curve !== undefined) return facts('ec', curve, CURVE_BITS[curve] ?? -1);
  if (type === 'ssh-ed25519') return { ...facts('', 'ed25519', 256), securityBits: 128 };
  return { ...UNKNOWN, encrypted: false };
}

/** Up to `count` strings with four bytes of length in front; fewer where the bytes end. */
function readStrings(
  bytes: Buffer,
  start: number,
  count: number,
): { strings: Buffer[]; next: number } {
  const strings: Buffer[] = [];
  let at = start;
  while (strings.length < count && at + 4 <= bytes.length) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) break;
    strings.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return { strings, next: at };
}

function bitsOf(integer: Buffer | undefined): number {
  if (integer === undefined) return -1;
  const first = integer.findIndex((byte) => byte !== 0);
  if (first < 0) return -1;
  return (integer.length - first) * 8 - (Math.clz32(integer[first]!) - 24);
}

function facts(type: string, group: string, length: number): PrivateKeyFacts {
  return { encrypted: false, type, group, length, securityBits: securityBits(type, length) };
}

/** SP 800-57 part 1, table 2; 4096 bits as OpenSSL reckons them. */
function securityBits(type: string, length: number): number {
  if (length < 0) return -1;
  if (type === 'ec') return Math.floor(length / 2);
  const step = STRENGTHS.find(([bits]) => length >= bits);
  return step?.[1] ?? 0;
}

const MAGIC = 'openssh-key-v1\0';
const UNKNOWN: Omit<PrivateKeyFacts, 'encrypted'> = {
  type: '',
  group: '',
  length: -1,
  securityBits: -1,
};
const TYPE_BY_LABEL: Readonly<Record<string, string>> = {
  'RSA PRIVATE KEY': 'rsa',
  'DSA PRIVATE KEY': 'dsa',
  'EC PRIVATE KEY': 'ec',
};
const OPENSSH_CURVES: Readonly<Record<string, string>> = {
  'ecdsa-sha2-nistp256': 'prime256v1',
  'ecdsa-sha2-nistp384': 'secp384r1',
  'ecdsa-sha2-nistp521': 'secp521r1',
};
const CURVE_BITS: Readonly<Record<string, number>> = {
  prime256v1: 256,
  secp256k1: 256,
  secp384r1: 384,
  secp521r1: 521,
};
const STRENGTHS: readonly (readonly [number, number])[] = [
  [15360, 256],
  [7680, 192],
  [4096, 152],
  [3072, 128],
  [2048, 112],
  [1024, 80],
];
