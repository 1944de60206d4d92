/**
 * Ed25519 (RFC 8032) over node:crypto, strict (docs/protocol.md section 2): the libraries at hand
 * disagree on exactly what is refused here, so without it one signature splits a swarm in two.
 */
import { sign, verify, type KeyObject } from 'node:crypto';
import { KeyCache } from './key-cache.ts';
import { privateKeyObject, rawPublicKey } from './raw-key.ts';
import { fromHex, toHex } from '../wire/index.ts';

/** A key pair from its 32-byte seed, ready to sign. */
export class SigningKey {
  readonly publicKey: Uint8Array;
  readonly #key: KeyObject;

  constructor(seed: Uint8Array) {
    this.#key = privateKeyObject('Ed25519', seed);
    this.publicKey = rawPublicKey(this.#key);
  }

  /** 64 bytes. */
  sign(message: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, message, this.#key));
  }
}

/** Never throws: anything that is not a good signature by a good key is false. */
export function verifyStrict(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== 64 || !isGoodPoint(publicKey)) return false;
  // R is checked like a key: libsodium refuses it when small, OpenSSL and tweetnacl do not.
  if (!isGoodPoint(signature.subarray(0, 32)) || !isBelowOrder(signature.subarray(32)))
    return false;
  try {
    return verify(null, message, publicKeys.get(publicKey), signature);
  } catch {
    return false;
  }
}

/** Whether 32 bytes are a canonical encoding (y below p) and none of the eight small-order points. */
export function isGoodPoint(bytes: Uint8Array): boolean {
  if (bytes.length !== 32) return false;
  const y = new Uint8Array(bytes);
  y[31] = y[31]! & 0x7f;
  return isBelowP(y) && !SMALL_ORDER_Y.has(toHex(y));
}

/** p = 2^255 - 19, little endian. */
export function isBelowP(littleEndian: Uint8Array): boolean {
  if (littleEndian[31]! < 0x7f) return true;
  if (littleEndian[31]! > 0x7f) return false;
  for (let i = 30; i > 0; i--) if (littleEndian[i] !== 0xff) return true;
  return littleEndian[0]! < 0xed;
}

/** S below L, RFC 8032 section 5.1.7: otherwise S + L signs the same message again. */
function isBelowOrder(s: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) {
    if (s[i] !== ORDER[i]) return s[i]! < ORDER[i]!;
  }
  return false;
}

const publicKeys = new KeyCache('Ed25519');

/** L = 2^252 + 27742317777372353535851937790883648493, little endian. */
const ORDER = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');

/** The y of the points of order 1, 2, 4 and 8, canonical, sign bit cleared. */
const SMALL_ORDER_Y = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);
