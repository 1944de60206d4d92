/**
 * Simulated primitives: same shapes and the same refusals as the real ones, at a fraction of the
 * cost. A signature is a hash with the public key, so anybody could forge one: fine for faults,
 * not for attacks, which are tested with the real backend.
 */
import { createHash } from 'node:crypto';
import {
  concat,
  decodeFields,
  encodeFields,
  equalBytes,
  readU64,
  toHex,
  u64,
} from '../../src/wire/index.ts';
import type { Crypto, KeyEntry } from '../../src/secure/types.ts';

export function simulatedCrypto(signKey: Uint8Array): Crypto {
  return {
    sign: (message) => hash('sha512', signKey, message),
    verify: (publicKey, message, signature) =>
      equalBytes(hash('sha512', publicKey, message), signature),
    x25519KeyPair: (seed) => ({ publicKey: hash('sha256', seed), secretKey: hash('sha256', seed) }),
    x25519: (secretKey, publicKey) => {
      const [a, b] = [secretKey, publicKey].sort(Buffer.compare) as [Uint8Array, Uint8Array];
      return hash('sha256', a, b);
    },
    sha256: (...parts) => hash('sha256', ...parts),
    sha512: (...parts) => hash('sha512', ...parts),
    seal: (key, nonce, plain) => concat(tag(key, nonce, plain), plain),
    open: (key, nonce, sealed) => {
      const plain = sealed.subarray(16);
      return equalBytes(tag(key, nonce, plain), sealed.subarray(0, 16)) ? plain : undefined;
    },
  };
}

/** A first key entry of its own simulated kind. */
export function simulatedEntry(signKey: Uint8Array): KeyEntry {
  const nodeId = hash('sha256', signKey);
  return parseSimulatedEntry(encodeFields([nodeId, u64(0), signKey]))!;
}

export function parseSimulatedEntry(bytes: Uint8Array): KeyEntry | undefined {
  try {
    const [nodeId, version, signKey] = decodeFields(bytes, 3) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    if (!equalBytes(nodeId, hash('sha256', signKey))) return undefined;
    return {
      nodeId: toHex(nodeId),
      version: readU64(version),
      signKey,
      boxKey: new Uint8Array(32),
      nextHash: new Uint8Array(32),
      previousHash: new Uint8Array(32),
      time: 0,
      bytes,
    };
  } catch {
    return undefined;
  }
}

function tag(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array): Uint8Array {
  return hash('sha256', key, nonce, plain).subarray(0, 16);
}

function hash(name: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash(name);
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
