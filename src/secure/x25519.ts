/** X25519 (RFC 7748) over node:crypto, strict: no low-order points, no all-zero secrets. */
import { diffieHellman, type KeyObject } from 'node:crypto';
import { isBelowP } from './ed25519.ts';
import { privateKeyObject, publicKeyObject, rawPublicKey } from './raw-key.ts';
import { toHex } from '../wire/index.ts';

export interface X25519KeyPair {
  readonly publicKey: Uint8Array;
  /** The 32 random bytes it was made from. */
  readonly secretKey: Uint8Array;
}

export function x25519KeyPair(seed: Uint8Array): X25519KeyPair {
  const secretKey = new Uint8Array(seed);
  return { publicKey: rawPublicKey(privateKey(secretKey)), secretKey };
}

/** The shared secret, 32 bytes; undefined for a public key that forces or bends the result. */
export function x25519(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  if (!isX25519Key(publicKey)) return undefined;
  try {
    const shared = diffieHellman({
      privateKey: privateKey(secretKey),
      publicKey: publicKeyObject('X25519', publicKey),
    });
    return shared.every((byte) => byte === 0) ? undefined : new Uint8Array(shared);
  } catch {
    return undefined; // OpenSSL's own refusal of an all-zero result
  }
}

/** True for a public key that `x25519` takes: canonical (below p, top bit clear), not of low order. */
export function isX25519Key(u: Uint8Array): boolean {
  return u.length === 32 && isBelowP(u) && !LOW_ORDER_U.has(toHex(u));
}

/** Kept with the array itself, so that a forgotten ephemeral secret takes its key object along. */
function privateKey(secret: Uint8Array): KeyObject {
  const known = privateKeys.get(secret);
  if (known !== undefined) return known;
  const key = privateKeyObject('X25519', secret);
  privateKeys.set(secret, key);
  return key;
}

const privateKeys = new WeakMap<Uint8Array, KeyObject>();

/** u of the points of order 1, 2, 4 and 8 on the curve and its twist, canonical encodings. */
const LOW_ORDER_U = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
]);
