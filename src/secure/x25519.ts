/** X25519 (RFC 7748) over node:crypto, strict: no low-order points, no all-zero secrets. */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { isBelowP } from './ed25519.ts';
import { concat, fromHex, toHex } from '../wire/index.ts';

export interface X25519KeyPair {
  readonly publicKey: Uint8Array;
  /** The 32 random bytes it was made from. */
  readonly secretKey: Uint8Array;
}

export function x25519KeyPair(seed: Uint8Array): X25519KeyPair {
  const secretKey = new Uint8Array(seed);
  const spki = createPublicKey(privateKey(secretKey)).export({ format: 'der', type: 'spki' });
  return { publicKey: new Uint8Array(spki.subarray(-32)), secretKey };
}

/** The shared secret, 32 bytes; undefined for a public key that forces or bends the result. */
export function x25519(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  if (!isGoodU(publicKey)) return undefined;
  try {
    const shared = diffieHellman({
      privateKey: privateKey(secretKey),
      publicKey: publicKeyObject(publicKey),
    });
    return shared.every((byte) => byte === 0) ? undefined : new Uint8Array(shared);
  } catch {
    return undefined; // OpenSSL's own refusal of an all-zero result
  }
}

/** Canonical (below p, top bit clear) and not of low order. */
function isGoodU(u: Uint8Array): boolean {
  return u.length === 32 && isBelowP(u) && !LOW_ORDER_U.has(toHex(u));
}

function publicKeyObject(raw: Uint8Array): KeyObject {
  const der = Buffer.from(concat(SPKI_PREFIX, raw));
  return createPublicKey({ key: der, format: 'der', type: 'spki' });
}

/** Kept with the array itself, so that a forgotten ephemeral secret takes its key object along. */
function privateKey(secret: Uint8Array): KeyObject {
  const known = privateKeys.get(secret);
  if (known !== undefined) return known;
  if (secret.length !== 32) throw new RangeError(`a secret key is 32 bytes, got ${secret.length}`);
  const der = Buffer.from(concat(PKCS8_PREFIX, secret));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  privateKeys.set(secret, key);
  return key;
}

const privateKeys = new WeakMap<Uint8Array, KeyObject>();
const PKCS8_PREFIX = fromHex('302e020100300506032b656e04220420');
const SPKI_PREFIX = fromHex('302a300506032b656e032100');

/** u of the points of order 1, 2, 4 and 8 on the curve and its twist, canonical encodings. */
const LOW_ORDER_U = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
]);
