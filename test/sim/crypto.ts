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
  fromHex,
  readU64,
  toHex,
  u64,
} from '../../src/wire/index.ts';
import type { Crypto, KeyEntry, OperatorRecord } from '../../src/secure/types.ts';

export function simulatedCrypto(signKey: Uint8Array): Crypto {
  const crypto: Crypto = {
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
    isX25519Key: (publicKey) => publicKey.some((byte) => byte !== 0),
    // One box a recipient, each of the whole text: slower in bytes, the same in what can be opened.
    sealToMany: ({ recipients, plain, context }) =>
      encodeFields(
        recipients.map(({ id, publicKey }) =>
          crypto.seal(hash('sha256', id, publicKey, context), NONCE, plain),
        ),
      ),
    openFromMany: (sealed, { id, publicKey }, context) => {
      const key = hash('sha256', id, publicKey, context);
      return boxesOf(sealed)
        .map((box) => crypto.open(key, NONCE, box))
        .find((plain) => plain !== undefined);
    },
  };
  return crypto;
}

const NONCE = new Uint8Array(24);

function boxesOf(sealed: Uint8Array): Uint8Array[] {
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const boxes: Uint8Array[] = [];
  for (let at = 0; at + 4 <= sealed.length;) {
    const end = at + 4 + view.getUint32(at);
    boxes.push(sealed.subarray(at + 4, end));
    at = end;
  }
  return boxes;
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

/** A revocation list that expels one node; nobody signs it. */
export function simulatedExpulsion(number: number, nodeId: string): Uint8Array {
  return encodeFields([u64(number), fromHex(nodeId)]);
}

export function parseSimulatedRecord(bytes: Uint8Array): OperatorRecord | undefined {
  try {
    const [number, node] = decodeFields(bytes, 2) as [Uint8Array, Uint8Array];
    return { kind: 'revocations', number: readU64(number), expelled: [toHex(node)], bytes };
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
