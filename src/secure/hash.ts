/** SHA-2, HMAC and HKDF over node:crypto, and the one way this protocol derives keys. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { concat, encodeFields, utf8 } from '../wire/index.ts';

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return digest('sha256', parts);
}

export function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  return digest('sha512', parts);
}

/** HMAC-SHA-256, 32 bytes. */
export function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return plainBytes(mac.digest());
}

/** HKDF-SHA-256 extract, RFC 5869 section 2.2. */
export function hkdfExtract(salt: Uint8Array, input: Uint8Array): Uint8Array {
  return hmac(salt, input);
}

/** HKDF-SHA-256 expand, RFC 5869 section 2.3; at most 8,160 bytes. */
export function hkdfExpand(key: Uint8Array, info: Uint8Array, bytes: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  let block = new Uint8Array(0);
  for (let i = 1; blocks.length * 32 < bytes; i++) {
    block = new Uint8Array(hmac(key, block, info, Uint8Array.of(i)));
    blocks.push(block);
  }
  return concat(...blocks).subarray(0, bytes);
}

/** 32 bytes for one purpose: expand with info = fields("swarmplane/1 " label, context). */
export function expandLabel(
  key: Uint8Array,
  label: string,
  context: Uint8Array = new Uint8Array(0),
): Uint8Array {
  return hkdfExpand(key, encodeFields([protocolLabel(label), context]), 32);
}

/**
 * Every hash, MAC and signature of this protocol begins with a label of its own. Version 2 stands for
 * what was changed with admissions; what was not keeps 1, so that keys and signatures of before hold.
 */
export function protocolLabel(label: string, version: 1 | 2 = 1): Uint8Array {
  return utf8(`swarmplane/${version} ${label}`);
}

/** For MACs and secrets: takes the same time wherever they differ. */
export function equalSecret(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function digest(name: string, parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash(name);
  for (const part of parts) hash.update(part);
  return plainBytes(hash.digest());
}

/** Buffer's methods differ from Uint8Array's (slice, toString, JSON), so they stay inside. */
function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
