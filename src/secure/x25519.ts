/**
 * X25519 (RFC 7748), strict: no low-order points, no all-zero secrets. Over node:crypto, or over
 * libsodium where it loads, which is half as long at it as node:crypto is with its key objects.
 */
import { diffieHellman, type KeyObject } from 'node:crypto';
import { isBelowP } from './ed25519.ts';
import { privateKeyObject, publicKeyObject, rawPublicKey } from './raw-key.ts';
import { loadSodium, type Sodium } from './sodium.ts';
import { toHex } from '../wire/index.ts';

export interface X25519KeyPair {
  readonly publicKey: Uint8Array;
  /** The 32 random bytes it was made from. */
  readonly secretKey: Uint8Array;
}

/** The bare function of RFC 7748, by whichever library. */
export interface Curve25519 {
  /** The public key of a secret of 32 bytes. */
  publicKey(secretKey: Uint8Array): Uint8Array;
  /** Undefined, or zeros, where the result is all zeros. */
  shared(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
}

export function x25519KeyPair(seed: Uint8Array, curve = curve25519()): X25519KeyPair {
  const secretKey = new Uint8Array(seed);
  return { publicKey: curve.publicKey(secretKey), secretKey };
}

/** The shared secret, 32 bytes; undefined for a public key that forces or bends the result. */
export function x25519(
  secretKey: Uint8Array,
  publicKey: Uint8Array,
  curve = curve25519(),
): Uint8Array | undefined {
  if (!isX25519Key(publicKey)) return undefined;
  const shared = curve.shared(secretKey, publicKey);
  return shared?.some((byte) => byte !== 0) ? shared : undefined;
}

/** The faster one of those that load. @throws Error when `sodium-native` is named and does not load */
export function curve25519(name?: 'node:crypto' | 'sodium-native'): Curve25519 {
  if (name === 'node:crypto') return NODE;
  const sodium = loadSodium();
  if (!(sodium instanceof Error)) return (overSodium ??= sodiumCurve(sodium));
  if (name === undefined) return NODE;
  throw sodium;
}

let overSodium: Curve25519 | undefined;

const NODE: Curve25519 = {
  publicKey: (secretKey) => rawPublicKey(privateKey(secretKey)),
  shared(secretKey, publicKey) {
    try {
      const keys = {
        privateKey: privateKey(secretKey),
        publicKey: publicKeyObject('X25519', publicKey),
      };
      return new Uint8Array(diffieHellman(keys));
    } catch {
      return undefined; // OpenSSL's own refusal of an all-zero result
    }
  },
};

function sodiumCurve(sodium: Sodium): Curve25519 {
  return {
    publicKey(secretKey) {
      if (secretKey.length !== 32)
        throw new RangeError(`a secret key is 32 bytes, got ${secretKey.length}`);
      const publicKey = new Uint8Array(32);
      sodium.crypto_scalarmult_base(publicKey, secretKey);
      return publicKey;
    },
    shared(secretKey, publicKey) {
      const shared = new Uint8Array(32);
      try {
        sodium.crypto_scalarmult(shared, secretKey, publicKey);
      } catch {
        return undefined;
      }
      return shared;
    },
  };
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
